"""Projections: which parts of an item they keep, and which paths can't stand together."""

from __future__ import annotations

from typing import Any

import pytest

from iotlab.table.expressions import Placeholders, compile_projection
from iotlab.table.values import item, plain
from tests.table.expressions.support import placeholders, refusal

ITEM = item({"a": {"b": [2, 4, {"x": "hi"}], "c": 5}, "a.b": 1, "d": "dog"})


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("d", {"d": "dog"}),
        ("d, nothing", {"d": "dog"}),
        ("a.c", {"a": {"c": 5}}),
        ("a.b[1], a.b[0]", {"a": {"b": [2, 4]}}),
        ("a.b[2].x, a.c", {"a": {"b": [{"x": "hi"}], "c": 5}}),
        ("a.b[9], d.x, a.nothing", {}),
        ("#dot", {"a.b": 1}),
    ],
)
def test_a_projection_keeps_what_it_names_in_its_place(text: str, kept: dict[str, Any]) -> None:
    assert plain(compile_projection(text, Placeholders({"#dot": "a.b"})).apply(ITEM)) == kept


@pytest.mark.parametrize(
    ("text", "relation", "one", "other"),
    [
        ("a.b, a", "overlap", "[a, b]", "[a]"),
        ("a, #a", "overlap", "[a]", "[a]"),
        ("a[0], a.b", "conflict", "[a, [0]]", "[a, b]"),
    ],
)
def test_paths_that_overlap_or_conflict_are_refused(text: str, relation: str, one: str, other: str) -> None:
    assert refusal(compile_projection, text, placeholders()) == (
        f"Invalid ProjectionExpression: Two document paths {relation} with each other; "
        f"must remove or rewrite one of these paths; path one: {one}, path two: {other}"
    )

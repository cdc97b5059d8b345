"""Random patterns on random events, beside the matcher of moto, which somebody else wrote."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from moto.events.models import EventPattern

from iotlab.triggers.filters.pattern import parse_pattern
from iotlab.triggers.filters.wildcard import matches_wildcard, split_wildcard

TEXTS = st.sampled_from(["", "a", "ab", "abc", "AB", "b", "ba"])
WORDS = st.sampled_from(["a", "ab", "b", "B"])
NUMBERS = st.integers(0, 3)
LEAVES = st.one_of(TEXTS, NUMBERS, st.none())
NAMES = st.sampled_from(["x", "y", "z"])


def named(word: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return values.map(lambda value: {word: value})


RANGES = st.tuples(st.sampled_from([">", ">="]), NUMBERS, st.sampled_from(["<", "<="]), st.integers(4, 5)).map(list)
SINGLE = st.tuples(st.sampled_from(["<", "<=", "=", ">", ">="]), NUMBERS).map(list)
OPERATORS = st.one_of(
    named("prefix", WORDS),
    named("suffix", WORDS),
    named("equals-ignore-case", WORDS),
    named("exists", st.booleans()),
    named("numeric", st.one_of(RANGES, SINGLE)),
    named("anything-but", st.one_of(TEXTS, NUMBERS, st.lists(TEXTS, min_size=1, max_size=2))),
    named("anything-but", st.one_of(named("prefix", WORDS), named("suffix", WORDS))),
)
FIELDS = st.lists(st.one_of(LEAVES, OPERATORS), min_size=1, max_size=3)
PATTERNS = st.recursive(
    st.dictionaries(NAMES, FIELDS, min_size=1, max_size=2),
    lambda inner: st.one_of(
        st.dictionaries(NAMES, st.one_of(FIELDS, inner), min_size=1, max_size=2),
        st.lists(inner, min_size=2, max_size=3).map(lambda either: {"$or": either}),
    ),
    max_leaves=4,
)
EVENTS = st.recursive(
    st.dictionaries(NAMES, LEAVES, min_size=1, max_size=3),
    lambda inner: st.dictionaries(NAMES, st.one_of(LEAVES, inner), min_size=1, max_size=3),
    max_leaves=4,
)


@settings(max_examples=1500, deadline=None)
@given(PATTERNS, EVENTS)
def test_patterns_match_what_motos_matcher_says(pattern: dict[str, Any], event: Any) -> None:
    text = json.dumps(pattern)
    expected = EventPattern(text, pattern).matches_event(event)
    assert parse_pattern(text).matches(event) == expected


def slow_wildcard(pattern: str, text: str) -> bool:
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(slow_wildcard(pattern[1:], text[at:]) for at in range(len(text) + 1))
    return bool(text) and text[0] == pattern[0] and slow_wildcard(pattern[1:], text[1:])


@settings(max_examples=1500, deadline=None)
@given(st.text("ab*", max_size=8).filter(lambda pattern: "**" not in pattern), st.text("ab", max_size=8))
def test_wildcards_match_what_the_slow_way_says(pattern: str, text: str) -> None:
    assert matches_wildcard(split_wildcard(pattern), text) == slow_wildcard(pattern, text)


def test_no_pattern_takes_long() -> None:
    parts = split_wildcard("*a" * 1000 + "*b")
    assert not matches_wildcard(parts, "a" * 100_000)

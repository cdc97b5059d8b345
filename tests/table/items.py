"""Hypothesis strategies: any attribute value and any item that DynamoDB could keep."""

from __future__ import annotations

import base64
from typing import Any

from hypothesis import strategies as st

from iotlab.table.validation import canonical_attribute, canonical_number
from iotlab.table.values import AttributeValue, Item

_DIGITS = st.integers(min_value=-(10**38) + 1, max_value=10**38 - 1)
NUMBERS = st.builds(lambda digits, power: canonical_number(f"{digits}E{power}"), _DIGITS, st.integers(-130, 80))
TEXTS = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(
    [
        "",
        "'",
        "''",
        "'=",
        "=1+1",
        "+1",
        "-1",
        "@x",
        "\t",
        "\r",
        "\n",
        "\0",
        '"',
        "a,b",
        "a;b",
        "12",
        "true",
        "null",
        "$B",
    ]
)
BYTES = st.binary(max_size=8).map(lambda content: base64.b64encode(content).decode())
NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=6) | st.sampled_from(
    ["S", "N", "$B", "$M", "$$S", "Item", "a:N", "a:JSON", "=x", "a,b", "'a"]
)


def _set(elements: st.SearchStrategy[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(elements, min_size=1, max_size=3, unique=True)


SCALARS: st.SearchStrategy[AttributeValue] = st.one_of(
    TEXTS.map(lambda value: {"S": value}),
    NUMBERS.map(lambda value: {"N": value}),
    BYTES.map(lambda value: {"B": value}),
    st.booleans().map(lambda value: {"BOOL": value}),
    st.just({"NULL": True}),
    _set(TEXTS).map(lambda value: {"SS": value}),
    _set(NUMBERS).map(lambda value: {"NS": value}),
    _set(BYTES).map(lambda value: {"BS": value}),
)


def _nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[AttributeValue]:
    lists = st.lists(inner, max_size=3).map(lambda value: {"L": value})
    return lists | st.dictionaries(NAMES, inner, max_size=3).map(lambda value: {"M": value})


ATTRIBUTES: st.SearchStrategy[AttributeValue] = st.recursive(SCALARS, _nested, max_leaves=6).map(canonical_attribute)


def items_with(**keys: st.SearchStrategy[AttributeValue]) -> st.SearchStrategy[Item]:
    """Return items that have these key attributes and any others."""
    others = st.dictionaries(NAMES.filter(lambda name: name not in keys), ATTRIBUTES, max_size=5)
    return st.builds(lambda rest, key: {**rest, **key}, others, st.fixed_dictionaries(keys))

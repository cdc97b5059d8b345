"""Key conditions: what is refused, and that the range of bytes holds just the keys that pass."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from iotlab.table.expressions import KeyRange, compile_condition, compile_key_condition
from iotlab.table.keys import KeyAttribute, KeySchema
from iotlab.table.values import Item, to_wire
from tests.table.expressions.support import placeholders, refusal

TABLE = KeySchema((KeyAttribute("p", "S"),), (KeyAttribute("k", "N"),))
HASH_ONLY = KeySchema((KeyAttribute("p", "S"),))
INDEX = KeySchema(
    (KeyAttribute("h", "S"), KeyAttribute("i", "N")),
    (KeyAttribute("r", "B"), KeyAttribute("t", "S"), KeyAttribute("u", "N")),
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a > b and size(b) > c or a > c", "Invalid operator used in KeyConditionExpression: OR"),
        ("not a > b", "Invalid operator used in KeyConditionExpression: NOT"),
        ("a in (b, size(c), d)", "Invalid operator used in KeyConditionExpression: IN"),
        ("a <> b", "Invalid operator used in KeyConditionExpression: <>"),
        ("contains(a.d, b)", "Invalid operator used in KeyConditionExpression: contains"),
        ("attribute_type(a, :kind)", "Invalid operator used in KeyConditionExpression: attribute_type"),
        ("dog(a, :n)", "Invalid KeyConditionExpression: Invalid function name; function: dog"),
        (
            "p = :s AND begins_with(k, :n)",
            (
                "Invalid KeyConditionExpression: Incorrect operand type for operator or function; "
                "operator or function: begins_with, operand type: N"
            ),
        ),
        (
            ":n between size(b) and size(a) and b > :n",
            (
                "Invalid condition in KeyConditionExpression: "
                "BETWEEN operator must have the key attribute as its first operand"
            ),
        ),
        (
            "begins_with(:s, b) and a > :n",
            (
                "Invalid condition in KeyConditionExpression: "
                "begins_with operator must have the key attribute as its first operand"
            ),
        ),
        ("a > size(b.d)", "KeyConditionExpressions cannot contain nested operations"),
        ("b > a.b", "Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition"),
        ("b[0] > a", "KeyConditionExpressions cannot have conditions on nested attributes"),
        (":n > :n AND a < :n", "Invalid condition in KeyConditionExpression: No key attribute specified"),
        ("(a > :n and b > :n) and b > :n", "KeyConditionExpressions must only contain one condition per key"),
    ],
)
def test_what_only_other_conditions_have_is_refused(text: str, message: str) -> None:
    assert refusal(compile_key_condition, text, placeholders()) == message


@pytest.mark.parametrize(
    ("schema", "text", "message"),
    [
        (TABLE, "k = :n", "Query condition missed key schema element: p"),
        (TABLE, "q = :s", "Query condition missed key schema element: p"),
        (TABLE, "p = :s AND q < :n", "Query condition missed key schema element: k"),
        (TABLE, "p < :s", "Query key condition not supported"),
        (TABLE, "begins_with(p, :s)", "Query key condition not supported"),
        (HASH_ONLY, "p = :s AND k = :n", "Query key condition not supported"),
        (TABLE, "p = :s AND k = :n AND q = :n", "Conditions can be of length 1 or 2 only"),
        (
            TABLE,
            "p = :s AND k = :s",
            "One or more parameter values were invalid: Condition parameter type does not match schema type",
        ),
        (
            TABLE,
            "p = :empty",
            (
                "One or more parameter values are not valid. "
                "The AttributeValue for a key attribute cannot contain an empty string value. Key: p"
            ),
        ),
    ],
)
def test_conditions_that_do_not_fit_the_keys_are_refused(schema: KeySchema, text: str, message: str) -> None:
    conditions = compile_key_condition(text, placeholders(empty=""))
    assert refusal(conditions.key_range, schema) == message


@pytest.mark.parametrize(
    ("text", "role"),
    [
        ("h = :s", "HASH"),
        ("h = :s AND i > :n", "HASH"),
        ("h = :s AND i = :n AND t = :s", "RANGE"),
        ("h = :s AND i = :n AND r > :b AND t = :s", "RANGE"),
        ("h = :s AND i = :n AND r = :b AND u = :n", "RANGE"),
    ],
)
def test_an_index_of_several_attributes_is_queried_from_the_left(text: str, role: str) -> None:
    message = refusal(compile_key_condition(text, placeholders()).key_range, INDEX)
    assert message.startswith(f"Query key condition not supported: each {role} key attribute")
    assert "equality" in message


def keys(schema: KeySchema, choices: dict[str, list[Any]]) -> list[Item]:
    names = list(choices)
    return [
        {name: to_wire(value) for name, value in zip(names, values, strict=True)}
        for values in itertools.product(*choices.values())
    ]


def in_range(found: KeyRange, schema: KeySchema) -> Callable[[Item], bool]:
    def test(one: Item) -> bool:
        key = schema.of_item(one)
        above = key.sort > found.low if found.low_open else key.sort >= found.low
        below = key.sort < found.high if found.high_open else key.sort <= found.high
        return key.partition == found.partition and above and below

    return test


def check(text: str, schema: KeySchema, candidates: list[Item], **values: Any) -> None:
    passes = compile_condition(text, placeholders(**values)).holds
    found = compile_key_condition(text, placeholders(**values)).key_range(schema)
    expected = [one for one in candidates if passes(one)]
    assert list(filter(in_range(found, schema), candidates)) == expected
    assert 0 < len(expected) < len(candidates)


@pytest.mark.parametrize(
    "text",
    [
        "p = :s",
        "k = :two AND p = :s",
        ":s = p AND :two >= k",
        "p = :s AND k < :two",
        "p = :s AND k <= :two",
        "p = :s AND k > :two",
        "(p = :s) AND (k >= :two)",
        "p = :s AND k BETWEEN :n AND :two",
    ],
)
def test_a_range_of_a_table_holds_the_keys_that_pass(text: str) -> None:
    check(text, TABLE, keys(TABLE, {"p": ["a", "ab", "b"], "k": [-3, 0, 1, 1.5, 2, 10, 1e30]}))


@pytest.mark.parametrize(
    "text",
    [
        "h = :s AND i = :n",
        "h = :s AND i = :n AND r = :r",
        "h = :s AND i = :n AND r < :q",
        "h = :s AND i = :n AND r <= :r",
        "h = :s AND i = :n AND r > :r",
        "h = :s AND i = :n AND r >= :r",
        "h = :s AND i = :n AND r BETWEEN :r AND :q",
        "h = :s AND i = :n AND begins_with(r, :r)",
        "t = :t AND h = :s AND i = :n AND r = :r",
        "h = :s AND i = :n AND r = :r AND begins_with(t, :t)",
        "h = :s AND i = :n AND r = :r AND t > :t",
        "h = :s AND i = :n AND r = :r AND t <= :t",
        "h = :s AND i = :n AND r = :r AND t = :t AND u = :n",
        "h = :s AND i = :n AND r = :r AND t = :t AND u > :n",
        "h = :s AND i = :n AND r = :r AND t = :t AND u <= :n",
        "h = :s AND i = :n AND r = :r AND t = :t AND u BETWEEN :n AND :two",
    ],
)
def test_a_range_of_an_index_of_several_attributes_holds_the_keys_that_pass(text: str) -> None:
    choices: dict[str, list[Any]] = {
        "h": ["a", "a\0"],
        "i": [1, 2],
        "r": [b"\0", b"\0\0", b"\0\1", b"\1", b"\xff", b"\xff" * 1024],
        "t": ["a", "ab", "b"],
        "u": [-1, 1, 2, 3],
    }
    check(text, INDEX, keys(INDEX, choices), r=b"\0", q=b"\1", t="a")


def test_begins_with_reaches_the_highest_bytes() -> None:
    schema = KeySchema((KeyAttribute("p", "S"),), (KeyAttribute("k", "B"),))
    candidates = keys(schema, {"p": ["a"], "k": [b"\xfe", b"\xff", b"\xff\xff", b"\xff" * 1024]})
    check("p = :s AND begins_with(k, :ff)", schema, candidates, ff=b"\xff")


def test_key_conditions_tell_which_attributes_they_test() -> None:
    assert compile_key_condition("k = :n AND #a = :s", placeholders()).names == ("k", "a")

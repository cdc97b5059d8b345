"""The parameters before expressions: what is refused with which message, and what they do."""

from __future__ import annotations

from typing import Any

import pytest

from iotlab.table.keys import KeyAttribute, KeySchema
from iotlab.table.legacy import (
    compile_attribute_updates,
    compile_attributes_to_get,
    compile_expected,
    compile_filter,
    compile_key_conditions,
)
from iotlab.table.values import item, plain, to_wire
from tests.table.expressions.support import refusal

INVALID = "One or more parameter values were invalid: "
ITEM = item({"s": "hello", "n": 5, "b": b"\x80", "yes": True, "ss": {"x"}, "l": [1, "two"], "m": {"k": 1}})


def operator(name: str, *values: Any) -> dict[str, Any]:
    return {"ComparisonOperator": name, "AttributeValueList": [to_wire(value) for value in values]}


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        (
            {"ComparisonOperator": "LT"},
            f"{INVALID}Value or AttributeValueList must be used with ComparisonOperator: LT for Attribute: a",
        ),
        (
            {"Exists": True, "ComparisonOperator": "LT"},
            f"{INVALID}Exists and ComparisonOperator cannot be used together for Attribute: a",
        ),
        (
            {"Exists": True, "AttributeValueList": []},
            f"{INVALID}AttributeValueList can only be used with a ComparisonOperator for Attribute: a",
        ),
        (
            {"Value": {"S": "a"}, "AttributeValueList": []},
            f"{INVALID}Value and AttributeValueList cannot be used together for Attribute: a",
        ),
        (
            {"Value": {"S": "a"}, "ComparisonOperator": "BETWEEN"},
            f"{INVALID}Invalid number of argument(s) for the BETWEEN ComparisonOperator",
        ),
        (
            {"Value": {"S": "a"}, "ComparisonOperator": "NULL"},
            f"{INVALID}Invalid number of argument(s) for the NULL ComparisonOperator",
        ),
        ({}, f"{INVALID}Value must be provided when Exists is null for Attribute: a"),
        ({"Exists": True}, f"{INVALID}Value must be provided when Exists is true for Attribute: a"),
        (
            {"Exists": False, "Value": {"S": "a"}},
            f"{INVALID}Value cannot be used when Exists is false for Attribute: a",
        ),
        (
            operator("IN", "b", 1),
            f"{INVALID}AttributeValues inside AttributeValueList must be of same type",
        ),
        (operator("IN"), f"{INVALID}Invalid number of argument(s) for the IN ComparisonOperator"),
        (operator("EQ", 1, 2), f"{INVALID}Invalid number of argument(s) for the EQ ComparisonOperator"),
        (
            operator("BETWEEN", "b", "a"),
            "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound",
        ),
        (operator("LE", [1]), f"{INVALID}ComparisonOperator LE is not valid for L AttributeValue type"),
        (operator("CONTAINS", [1]), f"{INVALID}ComparisonOperator CONTAINS is not valid for L AttributeValue type"),
        (
            operator("BEGINS_WITH", 1),
            f"{INVALID}ComparisonOperator BEGINS_WITH is not valid for N AttributeValue type",
        ),
        (
            operator("eq", 1),
            (
                "1 validation error detected: Value 'eq' at 'expected.a.member.comparisonOperator' failed to satisfy "
                "constraint: Member must satisfy enum value set: [IN, NULL, BETWEEN, LT, NOT_CONTAINS, EQ, GT, "
                "NOT_NULL, NE, LE, BEGINS_WITH, GE, CONTAINS]"
            ),
        ),
    ],
)
def test_a_wrong_expected_is_refused(condition: dict[str, Any], message: str) -> None:
    assert refusal(compile_expected, {"a": condition}) == message


@pytest.mark.parametrize(
    ("name", "condition", "expected"),
    [
        ("n", {"Value": {"N": "5.0"}}, True),
        ("n", {"Value": {"N": "6"}, "Exists": True}, False),
        ("z", {"Exists": False}, True),
        ("n", {"Exists": False}, False),
        ("n", {"ComparisonOperator": "GE", "Value": {"N": "5"}}, True),
        ("z", {"ComparisonOperator": "NULL"}, True),
        ("n", operator("NOT_NULL"), True),
        ("m", operator("EQ", {"k": 1}), True),
        ("z", operator("EQ", 1), False),
        ("z", operator("NE", 1), True),
        ("n", operator("NE", "5"), True),
        ("n", operator("LT", 6), True),
        ("s", operator("LT", 6), False),
        ("b", operator("GT", b"\x7f"), True),
        ("n", operator("IN", 1, 5), True),
        ("z", operator("IN", 1), False),
        ("n", operator("BETWEEN", 5, 7), True),
        ("s", operator("BEGINS_WITH", "he"), True),
        ("n", operator("BEGINS_WITH", "5"), False),
        ("l", operator("CONTAINS", "two"), True),
        ("ss", operator("CONTAINS", "x"), True),
        ("s", operator("CONTAINS", "ell"), True),
        ("s", operator("NOT_CONTAINS", "ell"), False),
        ("s", operator("NOT_CONTAINS", 1), True),
        ("z", operator("NOT_CONTAINS", 1), False),
    ],
)
def test_expected_holds_as_dynamodb_says(name: str, condition: dict[str, Any], *, expected: bool) -> None:
    assert compile_expected({name: condition}).holds(ITEM) is expected


@pytest.mark.parametrize(("conditional", "expected"), [(None, False), ("AND", False), ("OR", True)])
def test_conditions_are_joined_by_the_conditional_operator(conditional: str | None, *, expected: bool) -> None:
    conditions = {"n": operator("EQ", 5), "s": operator("EQ", "other")}
    assert compile_expected(conditions, conditional).holds(ITEM) is expected
    filtering = compile_filter(conditions, conditional, "ScanFilter")
    assert filtering.holds(ITEM) is expected
    assert filtering.names == {"n", "s"}


def test_an_empty_filter_lets_every_item_pass() -> None:
    assert compile_filter({}).holds(ITEM)
    assert compile_expected({}).holds({})


@pytest.mark.parametrize(
    ("conditions", "conditional", "message"),
    [
        ({}, "AND", "ConditionalOperator cannot be used without Filter or Expected"),
        (
            {"n": operator("EQ", 5)},
            "OR",
            "ConditionalOperator can only be used when Filter or Expected has two or more elements",
        ),
        (
            {"n": operator("EQ", 5), "s": operator("EQ", "a")},
            "and",
            (
                "1 validation error detected: Value 'and' at 'conditionalOperator' failed to satisfy constraint: "
                "Member must satisfy enum value set: [OR, AND]"
            ),
        ),
        (
            {"n": {"AttributeValueList": []}},
            None,
            (
                "1 validation error detected: Value null at 'queryFilter.n.member.comparisonOperator' failed to "
                "satisfy constraint: Member must not be null"
            ),
        ),
    ],
)
def test_a_wrong_filter_is_refused(conditions: dict[str, Any], conditional: str | None, message: str) -> None:
    assert refusal(compile_filter, conditions, conditional) == message


@pytest.mark.parametrize(
    ("updates", "before", "after"),
    [
        ({"a": {"Value": 2}}, {"a": 1}, {"a": 2}),
        ({"a.b": {"Action": "PUT", "Value": 2}}, {"a": {"b": 1}}, {"a": {"b": 1}, "a.b": 2}),
        ({"a": {"Action": "DELETE"}, "z": {"Action": "DELETE"}}, {"a": 1}, {}),
        ({"a": {"Action": "DELETE", "Value": {2, 9}}}, {"a": {1, 2}}, {"a": {1}}),
        ({"a": {"Action": "DELETE", "Value": {"x"}}}, {"a": {"x"}}, {}),
        ({"a": {"Action": "ADD", "Value": 2}, "b": {"Action": "ADD", "Value": 1}}, {"a": 7}, {"a": 9, "b": 1}),
        ({"a": {"Action": "ADD", "Value": {3}}}, {"a": {1}}, {"a": {1, 3}}),
        ({"a": {"Action": "ADD", "Value": ["x"]}}, {"a": [1]}, {"a": [1, "x"]}),
        ({"a": {"Action": "ADD", "Value": ["x"]}}, {}, {"a": ["x"]}),
    ],
)
def test_attribute_updates_do_what_dynamodb_does(
    updates: dict[str, dict[str, Any]], before: dict[str, Any], after: dict[str, Any]
) -> None:
    assert plain(compile_attribute_updates(in_wire_form(updates)).apply(item(before))) == after


def in_wire_form(updates: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {
        name: {member: to_wire(value) if member == "Value" else value for member, value in update.items()}
        for name, update in updates.items()
    }


@pytest.mark.parametrize(
    ("update", "message"),
    [
        ({"Action": "PUT"}, f"{INVALID}Only DELETE action is allowed when no attribute value is specified"),
        ({}, f"{INVALID}Only DELETE action is allowed when no attribute value is specified"),
        ({"Action": "ADD", "Value": "s"}, f"{INVALID}ADD action is not supported for the type S"),
        (
            {"Action": "DELETE", "Value": [1]},
            f"{INVALID}DELETE action with value is not supported for the type L",
        ),
        (
            {"Action": "DOG", "Value": 1},
            (
                "1 validation error detected: Value 'DOG' at 'attributeUpdates.a.member.action' failed to satisfy "
                "constraint: Member must satisfy enum value set: [ADD, DELETE, PUT]"
            ),
        ),
    ],
)
def test_wrong_attribute_updates_are_refused(update: dict[str, Any], message: str) -> None:
    assert refusal(compile_attribute_updates, in_wire_form({"a": update})) == message


@pytest.mark.parametrize(
    "update",
    [{"Action": "ADD", "Value": 1}, {"Action": "ADD", "Value": [1]}, {"Action": "DELETE", "Value": {1}}],
)
def test_attribute_updates_of_another_type_are_refused(update: dict[str, Any]) -> None:
    compiled = compile_attribute_updates(in_wire_form({"a": update}))
    assert refusal(compiled.apply, item({"a": {"x"}})) == "Type mismatch for attribute to update"


def test_only_an_update_that_puts_something_creates_an_item() -> None:
    assert compile_attribute_updates({}).creates
    assert not compile_attribute_updates({"a": {"Action": "DELETE"}}).creates


def test_attributes_to_get_keeps_top_level_attributes() -> None:
    projection = compile_attributes_to_get(["n", "m.k", "z"])
    assert plain(projection.apply({**ITEM, **item({"m.k": 3})})) == {"n": 5, "m.k": 3}


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a", "b", "a"], f"{INVALID}Duplicate value in attribute name: a"),
        ([""], f"{INVALID}Empty attribute name"),
        (
            [],
            (
                "1 validation error detected: Value '[]' at 'attributesToGet' failed to satisfy constraint: "
                "Member must have length greater than or equal to 1"
            ),
        ),
    ],
)
def test_wrong_attributes_to_get_are_refused(names: list[str], message: str) -> None:
    assert refusal(compile_attributes_to_get, names) == message


def test_key_conditions_select_as_the_expression_does() -> None:
    schema = KeySchema((KeyAttribute("p", "S"),), (KeyAttribute("k", "S"),))
    conditions = compile_key_conditions({"k": operator("BEGINS_WITH", "ab"), "p": operator("EQ", "x")})
    found = conditions.key_range(schema)
    assert found.partition == schema.of_item(item({"p": "x", "k": "a"})).partition
    assert found.low == b"ab"
    assert conditions.names == ("k", "p")


@pytest.mark.parametrize(
    ("conditions", "message"),
    [
        ({}, "Conditions can be of length 1 or 2 only"),
        ({"p": operator("NE", "a")}, "Attempted conditional constraint is not an indexable operation"),
        ({"p": operator("NULL")}, "Attempted conditional constraint is not an indexable operation"),
        ({"p": operator("EQ")}, f"{INVALID}Invalid number of argument(s) for the EQ ComparisonOperator"),
    ],
)
def test_wrong_key_conditions_are_refused(conditions: dict[str, Any], message: str) -> None:
    assert refusal(compile_key_conditions, conditions) == message

"""ExpressionAttributeNames and ExpressionAttributeValues: what they may be, and that all are used."""

from __future__ import annotations

from typing import Any

import pytest

from iotlab.table.errors import SerializationException
from iotlab.table.expressions import Placeholders, compile_condition, compile_update
from tests.table.expressions.support import refusal

NULL = {"NULL": True}


@pytest.mark.parametrize(
    ("names", "values", "message"),
    [
        ({}, {}, "ExpressionAttributeNames must not be empty"),
        ({"a": "a"}, {}, 'ExpressionAttributeNames contains invalid key: Syntax error; key: "a"'),
        ({"#": "a"}, None, 'ExpressionAttributeNames contains invalid key: Syntax error; key: "#"'),
        (None, {}, "ExpressionAttributeValues must not be empty"),
        (None, {":b": {}, "b": NULL}, 'ExpressionAttributeValues contains invalid key: Syntax error; key: "b"'),
        (
            None,
            {":b": {"SS": []}},
            (
                "ExpressionAttributeValues contains invalid value: "
                "One or more parameter values were invalid: An string set  may not be empty for key :b"
            ),
        ),
        (
            None,
            {":b": {"N": "b"}},
            (
                "ExpressionAttributeValues contains invalid value: "
                "The parameter cannot be converted to a numeric value: b for key :b"
            ),
        ),
        (
            {"#a": ""},
            None,
            "ExpressionAttributeNames contains invalid value: Empty attribute name for key #a",
        ),
        (
            {"#a": "x" * 65536},
            None,
            (
                "ExpressionAttributeNames contains invalid value: "
                "Attribute name is too large, must be less than 65536 bytes for key #a"
            ),
        ),
    ],
)
def test_a_wrong_parameter_is_refused(names: Any, values: Any, message: str) -> None:
    assert refusal(Placeholders, names, values) == message


def test_a_name_that_is_no_text_can_not_be_read() -> None:
    with pytest.raises(SerializationException, match="NUMBER_VALUE cannot be converted to String"):
        Placeholders({"#a": 1})


def test_all_variables_together_are_at_most_2_mb() -> None:
    half = {"S": "x" * 1024 * 1024}
    assert refusal(Placeholders, None, {":a": half, ":b": half}).startswith("Aggregated size of ")
    Placeholders(None, {":a": half})


def test_what_no_expression_uses_is_refused_names_first() -> None:
    request = Placeholders({"#a": "a", "#b": "b"}, {":a": NULL, ":b": NULL})
    assert refusal(request.check_all_used) == (
        "Value provided in ExpressionAttributeNames unused in expressions: keys: {#a, #b}"
    )
    compile_update("SET #a = :a REMOVE #b", request)
    assert refusal(request.check_all_used) == (
        "Value provided in ExpressionAttributeValues unused in expressions: keys: {:b}"
    )


def test_what_only_a_passed_over_part_of_a_condition_names_is_used() -> None:
    request = Placeholders({"#a": "a", "#b": "b"}, {":a": NULL, ":b": NULL})
    assert compile_condition("#a = :a OR #b = :b", request).holds({"a": NULL})
    request.check_all_used()

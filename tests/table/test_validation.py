"""Attribute values: what is refused with which message, the one form of what is accepted, and sizes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotlab.table.errors import SerializationException, ValidationException
from iotlab.table.sizes import size_bytes
from iotlab.table.validation import canonical_attribute, canonical_item, canonical_number

EMPTY = "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
INVALID = "One or more parameter values were invalid: "
OVERFLOW = "Number overflow. Attempting to store a number with magnitude larger than supported range"
UNDERFLOW = "Number underflow. Attempting to store a number with magnitude smaller than supported range"


@pytest.mark.parametrize(
    ("attribute", "message"),
    [
        ({}, EMPTY),
        ({"a": ""}, EMPTY),
        ({"S": None}, EMPTY),
        ({"M": {"a": {}}}, EMPTY),
        ({"L": [{}]}, EMPTY),
        (
            {"S": "a", "N": "1"},
            (
                "Supplied AttributeValue has more than one datatypes set, "
                "must contain exactly one of the supported datatypes"
            ),
        ),
        ({"NULL": "no"}, f"{INVALID}Null attribute value types must have the value of true"),
        ({"NULL": False}, f"{INVALID}Null attribute value types must have the value of true"),
        ({"SS": []}, f"{INVALID}An string set  may not be empty"),
        ({"NS": []}, f"{INVALID}An number set  may not be empty"),
        ({"BS": []}, f"{INVALID}Binary sets should not be empty"),
        ({"SS": ["a", "a"]}, f"{INVALID}Input collection [a, a] contains duplicates."),
        ({"SS": ["it's", "it's"]}, f"{INVALID}Input collection [it's, it's] contains duplicates."),
        ({"BS": ["Yg==", "Yg=="]}, f"{INVALID}Input collection [Yg==, Yg==]of type BS contains duplicates."),
        ({"NS": ["1", "1.0"]}, "Input collection contains duplicates"),
        ({"NS": ["1", "b"]}, "The parameter cannot be converted to a numeric value: b"),
        ({"S": "a", "N": ""}, "The parameter cannot be converted to a numeric value"),
        ({"M": {"": {"S": "a"}}}, "Empty attribute name"),
    ],
)
def test_a_malformed_value_is_refused(attribute: Any, message: str) -> None:
    with pytest.raises(ValidationException) as raised:
        canonical_attribute(attribute)
    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("attribute", "message"),
    [
        ("text", "Unexpected value type in payload"),
        ([], "Unrecognized collection type class com.amazonaws.dynamodb.v20120810.AttributeValue"),
        ({"S": 1}, "NUMBER_VALUE cannot be converted to String"),
        ({"S": True}, "TRUE_VALUE cannot be converted to String"),
        ({"S": {}}, "Start of structure or map found where not expected"),
        ({"N": 1.5}, "DECIMAL_VALUE cannot be converted to String"),
        ({"N": []}, "Unrecognized collection type class java.lang.String"),
        ({"BOOL": "maybe"}, "Unexpected token received from parser"),
        ({"B": 1}, "only base-64-encoded strings are convertible to bytes"),
        ({"B": "a"}, "Base64 encoded length is expected a multiple of 4 bytes but found: 1"),
        ({"B": "YX=="}, "Invalid last non-pad Base64 character dectected"),
        ({"B": "!!!!"}, "Invalid last non-pad Base64 character dectected"),
        ({"B": "ümüß"}, "Invalid last non-pad Base64 character dectected"),
        ({"SS": "a"}, "Unexpected field type"),
        ({"L": {}}, "Start of structure or map found where not expected"),
        ({"M": "a"}, "Unexpected field type"),
    ],
)
def test_a_value_of_the_wrong_json_type_can_not_be_read(attribute: Any, message: str) -> None:
    with pytest.raises(SerializationException) as raised:
        canonical_attribute(attribute)
    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("00042", "42"),
        ("+3", "3"),
        ("-0", "0"),
        ("0e126", "0"),
        ("0.0e-9999999999999", "0"),
        (".123", "0.123"),
        ("5.", "5"),
        ("3.1400", "3.14"),
        ("1.5E2", "150"),
        ("1e+5", "100000"),
        ("0.1e126", "1" + "0" * 125),
        ("-1E-7", "-0.0000001"),
        ("1e-130", "0." + "0" * 129 + "1"),
        ("1e00000000000002", "100"),
        ("0009." + "9" * 37 + "0000e125", "9" * 38 + "0" * 88),
    ],
)
def test_a_number_has_one_form(text: str, canonical: str) -> None:
    assert canonical_number(text) == canonical
    assert canonical_number(canonical) == canonical


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (" 1", "The parameter cannot be converted to a numeric value:  1"),
        ("1 ", "The parameter cannot be converted to a numeric value: 1 "),
        ("NaN", "The parameter cannot be converted to a numeric value: NaN"),
        ("-Infinity", "The parameter cannot be converted to a numeric value: -Infinity"),
        ("1_000", "The parameter cannot be converted to a numeric value: 1_000"),
        ("٣", "The parameter cannot be converted to a numeric value: ٣"),
        (".", "The parameter cannot be converted to a numeric value: ."),
        ("1" * 39, "Attempting to store more than 38 significant digits in a Number"),
        ("-1e126", OVERFLOW),
        ("1.0e100000000", OVERFLOW),
        ("1e99999999999999999999", OVERFLOW),
        ("0.9e-130", UNDERFLOW),
        ("1e-99999999999999999999", UNDERFLOW),
    ],
)
def test_what_is_no_number_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValidationException) as raised:
        canonical_number(text)
    assert str(raised.value) == message


def nested(levels: int) -> dict[str, Any]:
    attribute: dict[str, Any] = {"S": "leaf"}
    for level in range(levels):
        attribute = {"M": {"m": attribute}} if level % 2 else {"L": [attribute]}
    return attribute


def test_31_levels_around_a_leaf_are_kept_and_32_refused() -> None:
    assert canonical_item({"a": nested(31)}) == {"a": nested(31)}
    with pytest.raises(ValidationException) as raised:
        canonical_item({"a": nested(32)})
    assert str(raised.value) == (
        "Nesting Levels have exceeded supported limits: "
        "Attributes in the item have nested levels beyond supported limit"
    )


def test_equal_items_have_one_form() -> None:
    one = {"n": {"NS": ["10", "2.0"]}, "s": {"SS": ["b", "a"]}, "e": {"S": ""}, "z": {"NULL": "true"}}
    assert canonical_item(one) == {
        "n": {"NS": ["2", "10"]},
        "s": {"SS": ["a", "b"]},
        "e": {"S": ""},
        "z": {"NULL": True},
    }


def test_an_attribute_name_has_1_to_65535_bytes() -> None:
    canonical_item({"é" * 32767: {"S": ""}})
    for name, message in (
        ("", f"{INVALID}Empty attribute name"),
        ("é" * 32768, f"{INVALID}Attribute name is too large, must be less than 65536 bytes"),
    ):
        with pytest.raises(ValidationException) as raised:
            canonical_item({name: {"S": ""}})
        assert str(raised.value) == message


@pytest.mark.parametrize(
    ("attribute", "bytes_"),
    [
        ({"S": "é"}, 2),
        ({"B": "YWI="}, 2),
        ({"N": "0"}, 1),
        ({"N": "42"}, 2),
        ({"N": "-42"}, 3),
        ({"N": "100"}, 2),
        ({"N": "1.5"}, 3),
        ({"N": "0.001"}, 2),
        ({"N": "1" * 38}, 20),
        ({"BOOL": True}, 1),
        ({"NULL": True}, 1),
        ({"SS": ["a", "bc"]}, 3),
        ({"NS": ["1", "22"]}, 4),
        ({"BS": ["YQ==", "YWJj"]}, 4),
        ({"L": []}, 3),
        ({"L": [{"S": "a"}, {"S": "b"}]}, 7),
        ({"M": {"ab": {"S": "c"}}}, 7),
    ],
)
def test_a_size_is_counted_as_documented(attribute: Any, bytes_: int) -> None:
    assert size_bytes({"name": attribute}) == 4 + bytes_


def test_an_item_has_at_most_400_kb() -> None:
    canonical_item({"a": {"S": "x" * (400 * 1024 - 1)}})
    with pytest.raises(ValidationException, match="Item size has exceeded the maximum allowed size"):
        canonical_item({"a": {"S": "x" * (400 * 1024)}})


@given(st.decimals(allow_nan=False, allow_infinity=False, places=10, min_value=-(10**20), max_value=10**20))
def test_a_number_keeps_its_value_and_takes_at_most_21_bytes(number: Any) -> None:
    text = canonical_number(str(number))
    assert type(number)(text) == number
    assert size_bytes({"": {"N": text}}) <= 21

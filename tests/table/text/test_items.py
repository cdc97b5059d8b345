"""Items as JSON text: both forms, exact numbers, and what is refused."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given

from iotlab.table.text.items import read_item, read_value, write_item
from iotlab.table.values import Item
from tests.table.items import TEXTS, items_with

ANY = items_with(device=TEXTS.filter(bool).map(lambda text: {"S": text}))


@given(ANY)
def test_every_item_comes_back_from_plain_json_as_it_was(item: Item) -> None:
    line = write_item(item).decode()
    assert "\n" not in line
    json.loads(line)
    assert read_item(line) == item


@given(ANY)
def test_every_item_comes_back_from_dynamodb_json_alone_and_in_an_exports_line(item: Item) -> None:
    line = write_item(item, wire=True).decode()
    assert read_item(line) == item
    assert read_item(f'{{"Item":{line}}}') == item


def test_38_digits_never_become_a_float() -> None:
    digits = "12345678901234567890123456789012345.678"
    item = read_item(f'{{"device": "a", "n": {digits}}}')
    assert item["n"] == {"N": digits}
    assert digits in write_item(item).decode()


def test_plain_and_dynamodb_json_are_told_apart() -> None:
    assert read_item('{"a": {"S": "x"}, "b": {"N": "1"}}') == {"a": {"S": "x"}, "b": {"N": "1"}}
    assert read_item('{"a": {"S": "x"}, "b": 1}') == {"a": {"M": {"S": {"S": "x"}}}, "b": {"N": "1"}}
    assert read_item('{"a": {"S": 1}}') == {"a": {"M": {"S": {"N": "1"}}}}
    assert read_value('{"$NS": [2, 1]}') == {"NS": ["1", "2"]}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[1]", "an item is a JSON object"),
        ('{"a": 1', "not JSON: Expecting ',' delimiter at character 8"),
        ('{"a": 1, "a": 2}', "the name 'a' is there twice"),
        ('{"a": NaN}', "NaN is not a number"),
        ('{"a": -Infinity}', "-Infinity is not a number"),
        ('{"a": ' + "9" * 39 + "}", "more than 38 significant digits"),
        ('{"a": 1e200}', "Number overflow"),
        ('{"a": {"$SS": []}}', "An string set  may not be empty"),
        ('{"a": {"$B": "?"}}', "Base64"),
        ('{"a": {"$SS": "x"}}', "does not fit its mark $SS"),
        ('{"a": ' + "[" * 40 + "]" * 40 + "}", "Nesting Levels"),
        ('{"a": ' + "[" * 100_000 + "]" * 100_000 + "}", "nested too deeply"),
        ('{"a": "' + "x" * 410_000 + '"}', "Item size has exceeded"),
        ('{"a": {"L": [1]}, "b": {"S": "x"}}', "1 is not an attribute value of DynamoDB JSON"),
    ],
)
def test_what_no_table_could_keep_is_refused_with_the_reason(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=re.escape(problem)):
        read_item(text)

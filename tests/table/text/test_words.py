"""Keys, key conditions and expressions as a person types them."""

from __future__ import annotations

import re

import pytest

from iotlab.table.expressions import Placeholders, compile_condition
from iotlab.table.keys import KeyAttribute, KeySchema
from iotlab.table.text.expressions import Placeholding, condition, projection
from iotlab.table.text.words import condition as word_condition
from iotlab.table.text.words import key, key_condition
from iotlab.table.values import item

READINGS = KeySchema((KeyAttribute("device", "S"),), (KeyAttribute("at", "S"),))
JOURNAL = KeySchema((KeyAttribute("alarm", "S"),), (KeyAttribute("version", "N"),))
KITCHEN = item({"temperature": 21.5, "room": "kitchen", "on": True, "tags": ["a"], "a-b": 1, "size": 3, "q": "it's"})


def test_values_alone_stand_for_the_key_in_its_order() -> None:
    assert key(["x", "7"], JOURNAL) == {"alarm": {"S": "x"}, "version": {"N": "7"}}


@pytest.mark.parametrize(
    "words",
    [
        ["alarm=a=b", "version=7"],
        ["version=7.0", "alarm=a=b"],
        ['{"alarm": "a=b", "version": 7}'],
        ['{"alarm": {"S": "a=b"}, "version": {"N": "7"}}'],
    ],
)
def test_a_key_is_typed_by_the_tables_schema(words: list[str]) -> None:
    assert key(words, JOURNAL) == {"alarm": {"S": "a=b"}, "version": {"N": "7"}}


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["alarm=x"], "the key attribute version is missing: version=…"),
        (["alarm=x", "version=x"], "version is a number, and 'x' is not"),
        (["alarm=x", "alarm=y"], "alarm is there twice"),
        (["alarm=x", "verison=1"], "did you mean 'version'?"),
        (["alarm=x", "version>1"], "a key is given with ="),
        (["a=b", "1"], "'a=b' names no key attribute; the key is alarm=… and version=…"),
        (["alarm=", "version=1"], "alarm is part of a key and can't be empty"),
        (['{"alarm": "x", "version": 1, "more": 2}'], "'more' is not part of the key"),
    ],
)
def test_a_wrong_key_is_refused_with_the_nearest_name(words: list[str], problem: str) -> None:
    with pytest.raises(ValueError, match=re.escape(problem)):
        key(words, JOURNAL)


@pytest.mark.parametrize(
    ("words", "expression"),
    [
        (["device=a"], "#n0 = :v0"),
        (["at>=2026", "device=a"], "#n0 = :v0 AND #n1 >= :v1"),
        (["device=a", "at^=2026-11"], "#n0 = :v0 AND begins_with(#n1, :v1)"),
        (["device=a", "at<=3", "at>=2"], "#n0 = :v0 AND #n1 BETWEEN :v2 AND :v1"),
    ],
)
def test_words_become_a_key_condition(words: list[str], expression: str) -> None:
    conditions = [word_condition(word, READINGS) for word in words]
    assert key_condition(conditions, READINGS, Placeholding()) == expression


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["at>=1"], "a query needs the partition key: device=…"),
        (["device>a"], "the partition key device is given once, with ="),
        (["device=a", "at>1", "at<2"], "are >= and <="),
        (["device=a", "at"], "put it in quotes"),
        (["device=a", "temperature>1"], "names no key attribute"),
    ],
)
def test_what_is_no_key_condition_is_refused(words: list[str], problem: str) -> None:
    with pytest.raises(ValueError, match=re.escape(problem)):
        key_condition([word_condition(word, READINGS) for word in words], READINGS, Placeholding())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("temperature > 21 and room = 'kitchen'", True),
        ('room = "kitchen"', True),
        ("room != 'kitchen'", False),
        ("temperature between -1.5e1 and 21.50", True),
        ("room in ('hall', 'kitchen') and on = true", True),
        ("missing(note) and exists(room) and not begins_with(room, 'h')", True),
        ("tags[0] = 'a'", True),
        ("a-b = 1", True),
        ("size = 3 and size(tags) = 1", True),
        ("`a-b` = +1 and q = 'it''s'", True),
        ("q = \"' or '1'='1\"", False),
        ("temperature = null", False),
        ("bin = b'AAH/'", False),
    ],
)
def test_an_expression_with_literals_means_what_it_says(text: str, expected: bool) -> None:
    placeholding = Placeholding()
    expression = condition(text, placeholding)
    compiled = compile_condition(
        expression, Placeholders(placeholding.names, placeholding.values), "ConditionExpression"
    )
    assert compiled.holds(KITCHEN) is expected


def test_a_value_can_never_become_a_part_of_the_expression() -> None:
    placeholding = Placeholding()
    assert condition("room = 'x'' OR attribute_exists(room)'", placeholding) == "#n0 = :v0"
    assert placeholding.values == {":v0": {"S": "x' OR attribute_exists(room)"}}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("temperature >", 'token: "<EOF>", near: ">"'),
        ("temperature > 21 ; drop", "'; drop' can't be read, at character 17"),
        ("nothing(room)", "there is no function 'nothing'"),
        ("n = " + "9" * 39, "more than 38 significant digits"),
        ("room = 'kitchen", "can't be read, at character 7"),
        ("", "The expression can not be empty"),
    ],
)
def test_an_expression_that_does_not_parse_is_refused_with_its_place(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=re.escape(problem)):
        condition(text, Placeholding())


def test_paths_of_a_projection_may_be_any_names() -> None:
    placeholding = Placeholding()
    assert projection(["device", "values.temperature", "tags[0]"], placeholding) == "#n0, #n1 . #n2, #n3 [ 0 ]"
    assert list(placeholding.names.values()) == ["device", "values", "temperature", "tags"]

"""Statement text → syntax tree, and what is refused there."""

# ruff: noqa: S608  the statements are what is tested

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from iotlab.table.errors import ValidationException
from iotlab.table.partiql import nodes
from iotlab.table.partiql.parser import parse_statement

_WORDS = tuple(Path(__file__).with_name("words.txt").read_text("utf-8").split())
_STATEMENTS = st.lists(st.sampled_from(_WORDS), max_size=40).map(" ".join)
_OPENED = st.builds(
    lambda verb, rest: f"{verb} {rest}",
    st.sampled_from(
        [
            "SELECT * FROM t WHERE",
            "INSERT INTO t VALUE {'a':",
            "UPDATE t SET a =",
            "DELETE FROM t WHERE a = 1 AND",
        ]
    ),
    _STATEMENTS,
)


def where(text: str) -> nodes.Condition | None:
    statement = parse_statement(f"SELECT * FROM t WHERE {text}").statement
    assert isinstance(statement, nodes.Select)
    return statement.where


@given(st.one_of(st.text(), _STATEMENTS, _OPENED))
@example("SELECT * FROM t WHERE a = 1e99999999999999999999")
@example("SELECT a[99999999999999999999] FROM t")
@example("SELECT * FROM t WHERE a = ²")
def test_any_text_is_a_statement_or_a_validation_exception(text: str) -> None:
    try:
        parse_statement(text)
    except ValidationException as error:
        assert error.message  # noqa: PT017  both outcomes are right


@pytest.mark.parametrize(
    "text",
    [
        "'" * 8191,
        '"' * 8191,
        "SELECT * FROM t WHERE " + "(" * 8000,
        "SELECT * FROM t WHERE " + "NOT " * 2000 + "a = 1",
        "INSERT INTO t VALUE " + "[" * 8000,
        "INSERT INTO t VALUE " + "{'a':" * 1600,
        "UPDATE t SET a = " + "list_append(" * 600,
        "SELECT " + "a." * 4000,
        "SELECT * FROM t WHERE " + "a = 1 AND " * 800,
    ],
)
def test_the_longest_statements_are_refused_at_once_however_they_are_nested(text: str) -> None:
    began = time.perf_counter()
    with pytest.raises(ValidationException):
        parse_statement(text)
    # Reading is linear: measured below 30 ms for each. What is quadratic in 8 KB takes seconds.
    assert time.perf_counter() - began < 1


def test_and_binds_more_strongly_than_or_and_not_more_strongly_than_both() -> None:
    assert where("a = 1 OR b = 2 AND NOT c = 3") == where("(a = 1) OR ((b = 2) AND (NOT (c = 3)))")
    assert where("(a = 1 OR b = 2) AND c = 3") != where("a = 1 OR b = 2 AND c = 3")


def test_keywords_and_functions_are_read_in_any_case_and_names_as_they_are() -> None:
    text = 'select * from "T" where Begins_With(Abc, \'x\') and size("a b"."c""d"[2][\'e\']) >= 1'
    assert parse_statement(text).statement == nodes.Select(
        nodes.Target("T"),
        (),
        nodes.Both(
            (
                nodes.Call("begins_with", (nodes.Path(("Abc",)), nodes.Constant({"S": "x"}))),
                nodes.Compare(
                    ">=",
                    nodes.Call("size", (nodes.Path(("a b", 'c"d', 2, "e")),)),
                    nodes.Constant({"N": "1"}),
                ),
            )
        ),
    )


def test_numbers_keep_all_their_digits() -> None:
    digits = "12345678901234567890123456789012345678"
    assert where(f"a = -{digits}") == nodes.Compare("=", nodes.Path(("a",)), nodes.Constant({"N": f"-{digits}"}))
    with pytest.raises(ValidationException, match="more than 38 significant digits"):
        where(f"a = {digits}9")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SELECTT * FROMM t", "Statement wasn't well formed, can't be processed: Expected data manipulation"),
        ("   ", "Statement wasn't well formed, can't be processed: Expected data manipulation"),
        ("SELECT * FROM select", "Statement wasn't well formed, can't be processed: Unexpected keyword"),
        ("SELECT * FROM t WHERE a = 'x", "Statement wasn't well formed, can't be processed: Invalid character"),
        (
            "SELECT *\n FROM t LIMIT 3",
            "Statement wasn't well formed, can't be processed: Unsupported clause: LIMIT at 2:9:5",
        ),
        ("SELECT COUNT(*) FROM t", "Unexpected path component at 1:8:5"),
        ('SELECT * FROM ""', "Path component cannot be an empty string"),
        ("SELECT * FROM a.b.c", "A path may contain at most 2 components in the FROM clause"),
    ],
)
def test_what_does_not_parse_is_refused_in_dynamodbs_words(text: str, message: str) -> None:
    with pytest.raises(ValidationException) as caught:
        parse_statement(text)
    assert caught.value.message == message

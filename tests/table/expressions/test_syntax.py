"""Syntax errors, limits and words of all kinds of expressions, each with DynamoDB's message."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from iotlab.table.expressions import compile_condition, compile_key_condition, compile_projection, compile_update
from iotlab.table.expressions.reserved import RESERVED
from tests.table.expressions.support import placeholders, refusal

COMPILERS: dict[str, Callable[..., Any]] = {
    "ConditionExpression": compile_condition,
    "KeyConditionExpression": compile_key_condition,
    "ProjectionExpression": compile_projection,
    "UpdateExpression": compile_update,
}


@pytest.mark.parametrize(
    ("what", "text", "token", "near"),
    [
        ("UpdateExpression", "INVALID SYNTAX HERE", "INVALID", "INVALID SYNTAX"),
        ("UpdateExpression", "SET _123 = :n", "_", "SET _123"),
        ("UpdateExpression", "set a=set", "set", "=set"),
        ("UpdateExpression", "set a", "<EOF>", "a"),
        ("UpdateExpression", "remove a = b", "=", "a = b"),
        ("UpdateExpression", "remove a b", "b", "a b"),
        ("UpdateExpression", "set :s = b", ":s", "set :s ="),
        ("UpdateExpression", "set a = if_not_exists(a, 0)", "0", ", 0)"),
        ("UpdateExpression", "set a = b + c + d", "+", "c + d"),
        ("UpdateExpression", "set a = (b.c).d + e", ".", ").d"),
        ("UpdateExpression", "set (a = (b + c))", "(", "set (a"),
        ("UpdateExpression", "set a = if_not_exists(a, :n+:n)", "+", ":n+:n"),
        ("UpdateExpression", "set a[:n] = :n", ":n", "[:n]"),
        ("UpdateExpression", "set a[#a] = :n", "#a", "[#a]"),
        ("UpdateExpression", "add a b", "b", "a b"),
        ("UpdateExpression", "delete a = :ss", "=", "a = :ss"),
        ("UpdateExpression", "set # = :n", "#", "set # ="),
        ("ProjectionExpression", "!!! INVALID !!!", "!", "!!"),
        ("ProjectionExpression", "a,", "<EOF>", ","),
        ("ProjectionExpression", "a[-1]", "-", "[-1"),
        ("ProjectionExpression", "a[]", "]", "[]"),
        ("ConditionExpression", "a", "<EOF>", "a"),
        ("ConditionExpression", "a AND :s", "AND", "a AND :s"),
        ("ConditionExpression", "a IN ()", ")", "()"),
        ("ConditionExpression", "a = :s)", ")", ":s)"),
        ("ConditionExpression", "(a = :s) = :s", "=", ") = :s"),
        ("ConditionExpression", "a != :s", "!", "a !="),
        ("KeyConditionExpression", "a > 4", "4", "> 4"),
    ],
)
def test_a_syntax_error_shows_the_word_with_its_neighbours(what: str, text: str, token: str, near: str) -> None:
    message = refusal(COMPILERS[what], text, placeholders())
    assert message == f'Invalid {what}: Syntax error; token: "{token}", near: "{near}"'


@pytest.mark.parametrize("what", COMPILERS)
def test_an_empty_expression_is_refused(what: str) -> None:
    assert refusal(COMPILERS[what], "", placeholders()) == f"Invalid {what}: The expression can not be empty;"


@pytest.mark.parametrize("what", COMPILERS)
def test_an_expression_over_4_kb_is_refused_before_it_is_read(what: str) -> None:
    assert refusal(COMPILERS[what], "(" * 4097, placeholders()) == (
        f"Invalid {what}: Expression size has exceeded the maximum allowed size; expression size: 4097"
    )


def test_an_expression_of_just_4_kb_is_read() -> None:
    assert compile_projection("x" * 4096, placeholders()).names == {"x" * 4096}


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("ConditionExpression", "abOrt = :s"),
        ("ProjectionExpression", "a.abOrt"),
        ("UpdateExpression", "set #x = :undefined remove abOrt set a = b"),
    ],
)
def test_a_reserved_word_is_refused_in_any_case(what: str, text: str) -> None:
    assert refusal(COMPILERS[what], text, placeholders()) == (
        f"Invalid {what}: Attribute name is a reserved keyword; reserved keyword: abOrt"
    )


def test_there_are_573_reserved_words() -> None:
    assert len(RESERVED) == 573
    assert {"ABORT", "MISSING", "ZONE"} < RESERVED


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a" + ".b" * 32, "The document path has too many nesting levels; nesting levels: 33"),
        ("a[99999999999999]", "List index is not within the allowable range; index: [99999999999999]"),
    ],
)
def test_a_path_has_limits(text: str, problem: str) -> None:
    assert refusal(compile_projection, text, placeholders()) == f"Invalid ProjectionExpression: {problem}"
    assert compile_projection("a" + ".b" * 31, placeholders()).names == {"a"}


@pytest.mark.parametrize(
    "text", ["((a = :s))", "(a = :s) AND ((b = :s))", "((a)) = :s", "(" * 2000 + "a=b" + ")" * 2000]
)
def test_redundant_parentheses_are_refused(text: str) -> None:
    assert refusal(compile_condition, text, placeholders()) == (
        "Invalid ConditionExpression: The expression has redundant parentheses;"
    )


@pytest.mark.parametrize(
    "text", ["(a = :s)", "((a = :s) AND b = :s)", "(a) = (:s)", "(NOT (a = :s))", "a IN ((:s))", "(a).b[0] = :s"]
)
def test_other_parentheses_are_allowed(text: str) -> None:
    assert "a" in compile_condition(text, placeholders()).names


@pytest.mark.parametrize(
    "text", ["not " * 301 + "a<b", "a<b " + "or (a<b " * 454 + ")" * 454, "a<b" + " or a<b" * 400]
)
def test_the_301st_operator_is_refused(text: str) -> None:
    assert refusal(compile_condition, text, placeholders()) == (
        "Invalid ConditionExpression: The expression contains too many operators; operator count: 301"
    )


def test_299_operators_are_evaluated() -> None:
    deep = compile_condition("a<b " + "or (a<b " * 149 + ")" * 149, placeholders())
    assert deep.holds({"a": {"N": "1"}, "b": {"N": "2"}})
    assert not deep.holds({"a": {"N": "2"}, "b": {"N": "1"}})


@pytest.mark.parametrize("text", ["(" * 4096, "a < " + "f(" * 1355 + "b" + ")" * 1355, "a < " + "size(" * 680])
def test_deep_nonsense_is_refused_cleanly(text: str) -> None:
    assert refusal(compile_condition, text, placeholders()).startswith("Invalid ConditionExpression: ")


def test_101_choices_of_in_are_refused() -> None:
    choices = ", ".join(["b"] * 101)
    assert refusal(compile_condition, f"a IN ({choices})", placeholders()) == (
        "Invalid ConditionExpression: The IN operator is provided with too many operands; number of operands: 101"
    )
    compile_condition(f"a IN ({choices[3:]})", placeholders())

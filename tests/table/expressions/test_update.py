"""Updates: what is refused before an item is seen, and what they do to items."""

from __future__ import annotations

from typing import Any

import pytest

from iotlab.table.expressions import compile_update
from iotlab.table.values import item, plain
from tests.table.expressions.support import placeholders, refusal

BAD_TYPE = "An operand in the update expression has an incorrect data type"
BAD_PATH = "The document path provided in the update expression is invalid for update"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("set #c = if_not_exist(:x) set c = d", "Invalid function name; function: if_not_exist"),
        ("set b = size(a)", "The function is not allowed to be used this way in an expression; function: size"),
        (
            "set b = list_append(list_append(:l, :l), :l)",
            "The function is not allowed to be used this way in an expression; function: list_append",
        ),
        ("remove #x set a = b remove e", 'The "REMOVE" section can only be used once in an update expression;'),
        (
            "SET #x = if_not_exists(:x)",
            "An expression attribute name used in the document path is not defined; attribute name: #x",
        ),
        (
            "SET #a = if_not_exists(:x), a = b",
            "An expression attribute value used in expression is not defined; attribute value: :x",
        ),
        (
            "set d[1] = a, d.b = a, c[1].a = a, #c = if_not_exists(a)",
            (
                "Two document paths overlap with each other; must remove or rewrite one of these paths; "
                "path one: [c, [1], a], path two: [c]"
            ),
        ),
        (
            "set #c[3].#d = a, #c.#d[3] = if_not_exists(a)",
            (
                "Two document paths conflict with each other; must remove or rewrite one of these paths; "
                "path one: [c, [3], [3]], path two: [c, [3], [3]]"
            ),
        ),
        (
            "set b = list_append(:s, a), c = if_not_exists(a) add a.b :s",
            "Incorrect operand type for operator or function; operator: ADD, operand type: STRING",
        ),
        ("add a :bool", "Incorrect operand type for operator or function; operator: ADD, operand type: BOOLEAN"),
        ("add a :l", "Incorrect operand type for operator or function; operator: ADD, operand type: LIST"),
        ("add a :b", "Incorrect operand type for operator or function; operator: ADD, operand type: BINARY"),
        ("add a :m", "Incorrect operand type for operator or function; operator: ADD, operand type: MAP"),
        ("delete a :null", "Incorrect operand type for operator or function; operator: DELETE, operand type: NULL"),
        ("delete a :n", "Incorrect operand type for operator or function; operator: DELETE, operand type: NUMBER"),
        (
            "set a = if_not_exists(c)",
            (
                "Incorrect number of operands for operator or function; "
                "operator or function: if_not_exists, number of operands: 1"
            ),
        ),
        (
            "set a = if_not_exists(if_not_exists(a, b), c)",
            "Operator or function requires a document path; operator or function: if_not_exists",
        ),
        (
            "set a = list_append(a, :ss)",
            "Incorrect operand type for operator or function; operator or function: list_append, operand type: SS",
        ),
        (
            "set a = a - :s",
            "Incorrect operand type for operator or function; operator or function: -, operand type: S",
        ),
    ],
)
def test_a_wrong_update_is_refused_with_dynamodbs_message(text: str, problem: str) -> None:
    assert refusal(compile_update, text, placeholders()) == f"Invalid UpdateExpression: {problem}"


@pytest.mark.parametrize(
    ("text", "before", "after"),
    [
        ("SET x = a REMOVE a", {"a": 1}, {"x": 1}),
        ("sEt a = b, b = a", {"a": 1, "b": 2}, {"a": 2, "b": 1}),
        ("SET a = (b + (c - :n))", {"b": 2, "c": 3}, {"a": 4, "b": 2, "c": 3}),
        ("SET a = if_not_exists(a, :two) + :n", {}, {"a": 3}),
        ("SET a = if_not_exists(b, if_not_exists(c, :n))", {"c": 7}, {"a": 7, "c": 7}),
        ("SET a = list_append(if_not_exists(a, :l), :more)", {}, {"a": ["x"]}),
        ("SET m.k = :n", {"m": {"j": 0}}, {"m": {"j": 0, "k": 1}}),
        ("SET a[1].k[0] = :n", {"a": [0, {"k": [5]}]}, {"a": [0, {"k": [1]}]}),
        ("SET a[84] = :n, a[37] = :two, a[0] = :s", {"a": [9]}, {"a": ["a", 2, 1]}),
        ("REMOVE a[1] SET a[3] = :n", {"a": [2, 3, 4, 5, 6]}, {"a": [2, 4, 1, 6]}),
        ("REMOVE a[0], a[2], a[7]", {"a": [0, 1, 2, 3]}, {"a": [1, 3]}),
        ("REMOVE a[1] SET a[9] = :n", {"a": [5]}, {"a": [5, 1]}),
        ("REMOVE a[0] SET a[1][5] = :n", {"a": [0, [7]]}, {"a": [[7, 1]]}),
        ("REMOVE m.k", {"m": {"k": 1}}, {"m": {}}),
        ("REMOVE nothing, m.nothing", {"m": {}}, {"m": {}}),
        ("ADD a :n", {"a": 2}, {"a": 3}),
        ("ADD a :n, b :ss", {}, {"a": 1, "b": {"a"}}),
        ("ADD a :ss", {"a": {"b"}}, {"a": {"a", "b"}}),
        ("DELETE a :ss", {"a": {"a", "b"}}, {"a": {"b"}}),
        ("DELETE a :ss, b :ss", {"a": {"a"}}, {}),
        ("DELETE m.k :ns", {"m": {"k": {1}}}, {"m": {}}),
    ],
)
def test_an_update_does_what_dynamodb_does(text: str, before: dict[str, Any], after: dict[str, Any]) -> None:
    given = item(before)
    changed = compile_update(text, placeholders(more=["x"])).apply(given)
    assert plain(changed) == after
    assert given == item(before)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SET x = nothing", "The provided expression refers to an attribute that does not exist in the item"),
        ("SET x = s + :n", BAD_TYPE),
        ("SET x = list_append(s, :l)", BAD_TYPE),
        ("ADD s :n", BAD_TYPE),
        ("ADD ns :ss", BAD_TYPE),
        ("DELETE ns :ss", BAD_TYPE),
        ("SET s.k = :n", BAD_PATH),
        ("SET nothing.k = :n", BAD_PATH),
        ("SET l.k = :n", BAD_PATH),
        ("SET m[0] = :n", BAD_PATH),
        ("REMOVE s.k", BAD_PATH),
        ("REMOVE nothing[0]", BAD_PATH),
    ],
)
def test_an_update_that_does_not_fit_the_item_is_refused(text: str, message: str) -> None:
    update = compile_update(text, placeholders())
    assert refusal(update.apply, item({"s": "text", "ns": {1}, "l": [], "m": {}})) == message


def test_removing_any_path_of_a_missing_item_is_passed_over() -> None:
    update = compile_update("REMOVE x.y, z[0]", placeholders())
    assert update.apply(item({"p": 1}), missing=True) == item({"p": 1})
    assert not update.creates
    assert compile_update("REMOVE x ADD n :n", placeholders()).creates


@pytest.mark.parametrize(
    ("left", "right", "total"),
    [
        ("1", "10000000000000000000000", "10000000000000000000001"),
        ("0.1", "0.2", "0.3"),
        ("9e125", "9e124", "99" + "0" * 124),
        ("1", "-1", "0"),
        ("1.50", "-0.50", "1"),
    ],
)
def test_sums_are_exact_and_in_plain_digits(left: str, right: str, total: str) -> None:
    update = compile_update("SET x = a + b", placeholders())
    assert update.apply({"a": {"N": left}, "b": {"N": right}})["x"] == {"N": total}


@pytest.mark.parametrize(("left", "right"), [("9e125", "9e125"), ("1e50", "1"), ("1e125", "1e-130")])
def test_a_sum_out_of_range_or_precision_is_an_overflow(left: str, right: str) -> None:
    update = compile_update("SET x = a + b", placeholders())
    assert refusal(update.apply, {"a": {"N": left}, "b": {"N": right}}) == (
        "Number overflow. Attempting to store a number with magnitude larger than supported range"
    )


def test_an_update_can_not_make_an_item_deeper_than_32_levels() -> None:
    deep: Any = "leaf"
    for _ in range(31):
        deep = [deep]
    update = compile_update("SET m.k = :deep", placeholders(deep=deep))
    assert refusal(update.apply, item({"m": {}})).startswith("Nesting Levels have exceeded supported limits")
    assert compile_update("SET m = :deep", placeholders(deep=deep)).apply({})["m"]["L"]


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [
        ("SET a.b = :s", {"a": {"b": "dog"}}, {"a": {"b": "a"}}),
        ("SET a.c[1] = :n, d = :n", {"a": {"c": [2]}, "d": "cat"}, {"a": {"c": [1]}, "d": 1}),
        ("REMOVE a.c[1], a.c[3]", {"a": {"c": [2]}}, {"a": {"c": [3]}}),
        ("SET a.x = :n", {}, {"a": {"x": 1}}),
        ("SET a.c[100] = :n", {}, {}),
    ],
)
def test_select_gives_the_written_paths_before_and_after(text: str, old: dict[str, Any], new: dict[str, Any]) -> None:
    before = item({"a": {"b": "dog", "c": [1, 2, 3]}, "d": "cat"})
    update = compile_update(text, placeholders())
    assert plain(update.select(before)) == old
    assert plain(update.select(update.apply(before))) == new


def test_an_update_tells_which_paths_it_writes() -> None:
    update = compile_update("SET #a.b[0] = x.y REMOVE #d", placeholders())
    assert update.paths == (("a", "b", 0), ("[3]",))
    assert update.nested == {"a", "x"}

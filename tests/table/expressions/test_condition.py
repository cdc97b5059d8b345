"""Conditions: what is refused before an item is seen, and what holds on an item."""

from __future__ import annotations

import pytest

from iotlab.table.expressions import Placeholders, compile_condition
from iotlab.table.values import item
from tests.table.expressions.support import placeholders, refusal

ITEM = item(
    {
        "s": "hello",
        "n": 5,
        "b": b"\x80\x01",
        "yes": True,
        "ss": {"x", "y"},
        "ns": {1, 10},
        "bs": {b"a"},
        "l": [1, "two", [3]],
        "m": {"k": {"deep": [7, 8]}},
    }
) | {"nil": {"NULL": True}}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("dog(a) = :n", "Invalid function name; function: dog"),
        ("BEGINS_WITH(a, :s)", "Invalid function name; function: BEGINS_WITH"),
        ("size(a)", "The function is not allowed to be used this way in an expression; function: size"),
        ("NOT (size(a))", "The function is not allowed to be used this way in an expression; function: size"),
        (
            "attribute_exists(a) < :n",
            "The function is not allowed to be used this way in an expression; function: attribute_exists",
        ),
        (
            "list_append(a, a) = :n",
            "The function is not allowed to be used this way in an expression; function: list_append",
        ),
        (
            "size(a, a) = :n",
            (
                "Incorrect number of operands for operator or function; "
                "operator or function: size, number of operands: 2"
            ),
        ),
        (
            "attribute_exists(:s)",
            "Operator or function requires a document path; operator or function: attribute_exists",
        ),
        (
            "a = #a",
            (
                "The first operand must be distinct from the remaining operands for this operator or function; "
                "operator: =, first operand: [a]"
            ),
        ),
        (
            "contains(a.b[1], #a.b[1])",
            (
                "The first operand must be distinct from the remaining operands for this operator or function; "
                "operator: contains, first operand: [a, b, [1]]"
            ),
        ),
        (
            "a BETWEEN :n AND :s",
            (
                "The BETWEEN operator requires same data type for lower and upper bounds; "
                "lower bound operand: AttributeValue: {N:1}, upper bound operand: AttributeValue: {S:a}"
            ),
        ),
        (
            "a BETWEEN :two AND :n",
            (
                "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; "
                "lower bound operand: AttributeValue: {N:2}, upper bound operand: AttributeValue: {N:1}"
            ),
        ),
        (
            "attribute_type(a, :dog)",
            "Invalid attribute type name found; type: DOG, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}",
        ),
        (
            "#x = :x",
            "An expression attribute name used in the document path is not defined; attribute name: #x",
        ),
        ("a = :x", "An expression attribute value used in expression is not defined; attribute value: :x"),
    ],
)
def test_a_wrong_condition_is_refused_with_dynamodbs_message(text: str, problem: str) -> None:
    assert (
        refusal(compile_condition, text, placeholders(), "FilterExpression") == f"Invalid FilterExpression: {problem}"
    )


@pytest.mark.parametrize(
    ("text", "function", "kind"),
    [
        ("a < :l", "<", "L"),
        (":bool >= a", ">=", "BOOL"),
        ("a BETWEEN :ss AND :ss", "BETWEEN", "SS"),
        ("begins_with(a, :n)", "begins_with", "N"),
        ("begins_with(size(a), :s)", "begins_with", "N"),
        ("attribute_type(a, :n)", "attribute_type", "N"),
        ("attribute_type(a, b)", "attribute_type", "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}"),
        ("size(:n) > :n", "size", "N"),
        ("size(size(a)) > :n", "size", "N"),
        ("size(:null) > :n", "size", "NULL"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused_without_an_item(text: str, function: str, kind: str) -> None:
    assert refusal(compile_condition, text, placeholders()) == (
        "Invalid ConditionExpression: Incorrect operand type for operator or function; "
        f"operator or function: {function}, operand type: {kind}"
    )


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("((dog(size(a), :x)))", "The expression has redundant parentheses;"),
        ("dog(abort) AND size(a)", "Invalid function name; function: dog"),
        ("size(abort)", "The function is not allowed to be used this way in an expression; function: size"),
        ("abort = #x", "Attribute name is a reserved keyword; reserved keyword: abort"),
        (
            "size(a, #x) = :n",
            "An expression attribute name used in the document path is not defined; attribute name: #x",
        ),
        (
            "a < :l AND #x = :n",
            "Incorrect operand type for operator or function; operator or function: <, operand type: L",
        ),
    ],
)
def test_of_several_mistakes_dynamodbs_first_is_reported(text: str, first: str) -> None:
    assert refusal(compile_condition, text, placeholders()) == f"Invalid ConditionExpression: {first}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("n = :x", True),
        ("n <> :x", False),
        ("nothing <> :x", True),
        ("nothing <> nowhere", True),
        ("nothing = nowhere", False),
        ("nothing < :x", False),
        ("s < :x", False),
        ("NOT s < :x", True),
        ("n IN (:s, :x)", True),
        ("nothing IN (nowhere)", False),
        ("n BETWEEN :n AND size(s)", True),
        ("s BETWEEN :n AND n", False),
        ("n = :x OR n = :n AND n = :n", True),
        ("(n = :x OR n = :n) AND n = :n", False),
        ("NOT n = :n AND n = :x", True),
        ("m.k.deep[1] > m.k.deep[0]", True),
        ("attribute_exists(m.k.deep[1])", True),
        ("attribute_exists(m.k.deep[2])", False),
        ("attribute_exists(s.k)", False),
        ("attribute_not_exists(l[3])", True),
        ("attribute_exists(nil)", True),
        ("attribute_type(nothing, :kind)", False),
        ("attribute_type(n, :kind)", True),
        ("attribute_type(:n, :kind)", True),
    ],
)
def test_a_condition_holds_as_dynamodb_says(text: str, *, expected: bool) -> None:
    assert compile_condition(text, placeholders(x=5)).holds(ITEM) is expected


@pytest.mark.parametrize(
    ("attribute", "kind"),
    [
        ("s", "S"),
        ("n", "N"),
        ("b", "B"),
        ("yes", "BOOL"),
        ("nil", "NULL"),
        ("ss", "SS"),
        ("ns", "NS"),
        ("bs", "BS"),
        ("l", "L"),
        ("m", "M"),
    ],
)
def test_attribute_type_knows_all_ten_types(attribute: str, kind: str) -> None:
    text = f"attribute_type({attribute}, :type)"
    assert compile_condition(text, placeholders(type=kind)).holds(ITEM)
    assert not compile_condition(text, placeholders(type="N" if kind == "S" else "S")).holds(ITEM)


@pytest.mark.parametrize(
    ("attribute", "length"), [("s", 5), ("b", 2), ("ss", 2), ("ns", 2), ("bs", 1), ("l", 3), ("m", 1)]
)
def test_size_counts_what_its_operand_is_made_of(attribute: str, length: int) -> None:
    assert compile_condition(f"size({attribute}) = :length", placeholders(length=length)).holds(ITEM)


@pytest.mark.parametrize("attribute", ["n", "yes", "nil", "nothing"])
def test_what_has_no_size_is_only_unequal(attribute: str) -> None:
    assert not compile_condition(f"size({attribute}) >= :n", placeholders()).holds(ITEM)


@pytest.mark.parametrize(
    ("attribute", "sought", "expected"),
    [
        ("s", "ell", True),
        ("s", "dog", False),
        ("b", b"\x01", True),
        ("ss", "x", True),
        ("ns", 10, True),
        ("bs", b"a", True),
        ("l", "two", True),
        ("l", [3], True),
        ("l", {1}, False),
        ("s", 1, False),
        ("nothing", "x", False),
    ],
)
def test_contains_looks_into_text_bytes_sets_and_lists(attribute: str, sought: object, *, expected: bool) -> None:
    assert compile_condition(f"contains({attribute}, :x)", placeholders(x=sought)).holds(ITEM) is expected


def test_begins_with_compares_text_and_bytes() -> None:
    assert compile_condition("begins_with(s, :x)", placeholders(x="he")).holds(ITEM)
    assert compile_condition("begins_with(b, :x)", placeholders(x=b"\x80")).holds(ITEM)
    assert not compile_condition("begins_with(n, :x)", placeholders(x="5")).holds(ITEM)
    assert compile_condition("begins_with(:x, s)", placeholders(x="hello there")).holds(ITEM)


def test_numbers_compare_by_value_bytes_as_unsigned_and_sets_without_order() -> None:
    assert compile_condition("n < :x", placeholders(x=10)).holds(ITEM)
    assert compile_condition("b > :x", placeholders(x=b"\x7f")).holds(ITEM)
    same_set = {"ns": {"NS": ["1", "10"]}}
    values = {":x": {"NS": ["10.0", "1e0"]}}
    assert compile_condition("ns = :x", Placeholders(None, values)).holds(same_set)


def test_a_condition_tells_which_attributes_it_reads() -> None:
    condition = compile_condition("#a = :n OR size(l[0]) > m.k.deep[1]", placeholders())
    assert condition.names == {"a", "l", "m"}
    assert condition.nested == {"l", "m"}

"""Condition and filter expressions: checked once, then tested on items."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from iotlab.table.expressions import compare, nodes
from iotlab.table.expressions.condition_checks import check_between, check_comparison, check_function, check_in
from iotlab.table.expressions.condition_parser import parse_condition
from iotlab.table.expressions.operands import Binder, reading
from iotlab.table.expressions.placeholders import Placeholders
from iotlab.table.values import AttributeValue

Test = Callable[[Mapping[str, AttributeValue]], bool]


class Condition:
    """A condition on an item.

    Attributes:
        names: The top-level attributes that it reads.
        nested: Those of them that it goes into, as ``a.b`` or ``a[0]`` does.
    """

    def __init__(self, test: Test, names: frozenset[str], nested: frozenset[str] = frozenset()) -> None:
        self._test = test
        self.names = names
        self.nested = nested

    def holds(self, item: Mapping[str, AttributeValue]) -> bool:
        """Return whether it holds on the item (an empty mapping where there is none)."""
        return self._test(item)


def compile_condition(text: str, placeholders: Placeholders, what: str = "ConditionExpression") -> Condition:
    """Return a condition, checked as far as it can be without an item.

    Args:
        text: The expression.
        placeholders: The request's names and values; those that the expression has count as used.
        what: The parameter's name, for messages.

    Raises:
        ValidationException: the expression does not parse, or a placeholder, function or operand is wrong.

    Source: Amazon DynamoDB Developer Guide, "Condition and filter expressions, operators, and functions".
    """
    binder = Binder(placeholders, what)
    test = _test(parse_condition(text, what), binder)
    return Condition(test, binder.names, binder.nested)


def _test(node: nodes.Condition, binder: Binder) -> Test:
    match node:
        case nodes.Every():
            return every([_test(part, binder) for part in node.conditions])
        case nodes.Either():
            return either([_test(part, binder) for part in node.conditions])
        case nodes.Not():
            inner = _test(node.condition, binder)
            return lambda item: not inner(item)
        case nodes.Compare():
            return _comparison(node, binder)
        case nodes.Between():
            return _between(node, binder)
        case nodes.In():
            return _in(node, binder)
        case nodes.Call():
            return _function(node, binder)


def every(tests: Sequence[Test]) -> Test:
    """Return the test that all of the tests hold."""

    def test(item: Mapping[str, AttributeValue]) -> bool:
        for one in tests:  # noqa: SIM110  a generator would double the depth of nested conditions
            if not one(item):
                return False
        return True

    return test


def either(tests: Sequence[Test]) -> Test:
    """Return the test that one of the tests holds."""

    def test(item: Mapping[str, AttributeValue]) -> bool:
        for one in tests:  # noqa: SIM110
            if one(item):
                return True
        return False

    return test


def _comparison(node: nodes.Compare, binder: Binder) -> Test:
    left, right = binder.operand(node.left), binder.operand(node.right)
    check_comparison(node.operator, left, right, binder.what)
    holds, a, b = compare.COMPARATORS[node.operator], reading(left), reading(right)
    return lambda item: holds(a(item), b(item))


def _between(node: nodes.Between, binder: Binder) -> Test:
    operand, low, high = (binder.operand(part) for part in (node.operand, node.low, node.high))
    check_between(operand, low, high, binder.what)
    value, first, last = reading(operand), reading(low), reading(high)
    return lambda item: compare.between(value(item), first(item), last(item))


def _in(node: nodes.In, binder: Binder) -> Test:
    operand = binder.operand(node.operand)
    choices = [binder.operand(choice) for choice in node.choices]
    check_in(operand, choices, binder.what)
    value, readings = reading(operand), [reading(choice) for choice in choices]
    return lambda item: any(compare.equal(value(item), read(item)) for read in readings)


def _function(node: nodes.Call, binder: Binder) -> Test:
    call = binder.call(node)
    check_function(call, binder.what)
    first, *others = (reading(operand) for operand in call.operands)
    match node.function:
        case "attribute_exists":
            return lambda item: first(item) is not None
        case "attribute_not_exists":
            return lambda item: first(item) is None
    second = others[0]
    match node.function:
        case "attribute_type":
            return lambda item: _has_type(first(item), second(item))
        case "begins_with":
            return lambda item: compare.begins_with(first(item), second(item))
        case _:
            return lambda item: compare.contains(first(item), second(item))


def _has_type(value: compare.Value, kind: compare.Value) -> bool:
    return value is not None and kind is not None and kind["S"] in value

"""The grammar of condition, filter and key condition expressions, by recursive descent.

A parenthesis may open a condition or an operand; which one is known only after it is closed. So one function reads
both, and an operand alone is taken where a closing parenthesis follows.
"""

from __future__ import annotations

from functools import lru_cache
from typing import cast

from iotlab.table.expressions import nodes
from iotlab.table.expressions.problems import REDUNDANT, misused, unknown_function
from iotlab.table.expressions.reader import Reader

OPERAND_COUNTS = {
    "attribute_exists": 1,
    "attribute_not_exists": 1,
    "attribute_type": 2,
    "begins_with": 2,
    "contains": 2,
    "size": 1,
}
UPDATE_FUNCTIONS = frozenset({"if_not_exists", "list_append"})
_KEYWORDS = frozenset({"AND", "OR", "NOT", "BETWEEN", "IN"})
_COMPARATORS = ("=", "<>", "<", "<=", ">", ">=")
_ORDER = ("parentheses", "function", "misuse", "reserved")
CACHED_EXPRESSIONS = 1024


@lru_cache(CACHED_EXPRESSIONS)
def parse_condition(text: str, what: str) -> nodes.Condition:
    """Return the tree of a condition, filter or key condition expression.

    Raises:
        ValidationException: a syntax error, redundant parentheses, an unknown or misplaced function, a reserved word,
            too many operators, or a path too deep.
    """
    return _Parser(text, what).whole()


class _Parser:
    def __init__(self, text: str, what: str) -> None:
        self._reader = Reader(text, what, _KEYWORDS)
        self._closed = (-1, -1)

    def whole(self) -> nodes.Condition:
        condition = self._alternatives(grouped=False)
        self._reader.expect_end()
        self._reader.check(_ORDER)
        return cast(nodes.Condition, condition)

    def _alternatives(self, *, grouped: bool) -> nodes.Condition | nodes.Operand:
        alternatives: list[nodes.Condition] = []
        conjuncts: list[nodes.Condition] = []
        while True:
            part = self._negated(alone=grouped and not conjuncts and not alternatives)
            conjuncts.append(cast(nodes.Condition, part))
            if self._connective("AND"):
                continue
            alternatives.append(conjuncts[0] if len(conjuncts) == 1 else nodes.Every(tuple(conjuncts)))
            conjuncts = []
            if not self._connective("OR"):
                return alternatives[0] if len(alternatives) == 1 else nodes.Either(tuple(alternatives))

    def _connective(self, keyword: str) -> bool:
        if not self._reader.take_keyword(keyword):
            return False
        self._reader.operator()
        return True

    def _negated(self, *, alone: bool) -> nodes.Condition | nodes.Operand:
        negations = 0
        while self._connective("NOT"):
            negations += 1
        left = self._group() if self._reader.at("(") else self._operand()
        condition = self._comparison(left, may_be_operand=alone and not negations)
        for _ in range(negations):
            condition = nodes.Not(cast(nodes.Condition, condition))
        return condition

    def _group(self) -> nodes.Condition | nodes.Operand:
        reader = self._reader
        opened = reader.index
        reader.expect("(")
        reader.deeper()
        inner = self._alternatives(grouped=True)
        closed = reader.index
        reader.expect(")")
        reader.shallower()
        if self._closed == (opened + 1, closed - 1):
            reader.note("parentheses", REDUNDANT)
        self._closed = (opened, closed)
        return reader.rest_of_path(list(inner.parts)) if isinstance(inner, nodes.Path) else inner

    def _comparison(
        self, left: nodes.Condition | nodes.Operand, *, may_be_operand: bool
    ) -> nodes.Condition | nodes.Operand:
        if isinstance(left, nodes.Path | nodes.ValueRef | nodes.Call):
            found = self._with_operator(left)
            if found is not None:
                return found
            if may_be_operand and self._reader.at(")"):
                return left
            if not isinstance(left, nodes.Call):
                raise self._reader.error()
            if left.function == "size":
                self._reader.note("misuse", misused("size"))
        return left

    def _with_operator(self, left: nodes.Operand) -> nodes.Condition | None:
        reader = self._reader
        if reader.at(*_COMPARATORS):
            operator = cast(nodes.Comparator, reader.advance().text)
            reader.operator()
            return nodes.Compare(operator, self._plain(left), self._plain(self._operand()))
        if self._connective("BETWEEN"):
            low = self._plain(self._operand())
            if not reader.take_keyword("AND"):
                raise reader.error()
            return nodes.Between(self._plain(left), low, self._plain(self._operand()))
        if self._connective("IN"):
            reader.expect("(")
            return nodes.In(self._plain(left), self._list())
        return None

    def _plain(self, operand: nodes.Operand) -> nodes.Operand:
        """Note a function that is no operand: of them, only size gives a value."""
        if isinstance(operand, nodes.Call) and operand.function != "size":
            self._reader.note("misuse", misused(operand.function))
        return operand

    def _list(self) -> tuple[nodes.Operand, ...]:
        operands = [self._plain(self._operand())]
        while self._reader.take(","):
            operands.append(self._plain(self._operand()))
        self._reader.expect(")")
        return tuple(operands)

    def _operand(self) -> nodes.Operand:
        reader = self._reader
        if reader.at("("):
            return self._operand_in_parentheses()
        if reader.token.kind == "value":
            return nodes.ValueRef(reader.advance().text)
        return self._call() if reader.at_call() else reader.path()

    def _operand_in_parentheses(self) -> nodes.Operand:
        reader = self._reader
        redundant = 0
        while reader.take("("):
            redundant += 1
        inner = self._operand()
        for _ in range(redundant):
            reader.expect(")")
        if redundant > 1:
            reader.note("parentheses", REDUNDANT)
        return reader.rest_of_path(list(inner.parts)) if isinstance(inner, nodes.Path) else inner

    def _call(self) -> nodes.Call:
        reader = self._reader
        function = reader.advance().text
        if function in UPDATE_FUNCTIONS:
            reader.note("misuse", misused(function))
        elif function not in OPERAND_COUNTS:
            reader.note("function", unknown_function(function))
        reader.expect("(")
        reader.deeper()
        arguments = self._list()
        reader.shallower()
        return nodes.Call(function, arguments)

"""A statement with its parameters, ready to be executed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec

from iotlab.table.errors import ValidationException
from iotlab.table.partiql import nodes
from iotlab.table.partiql.expression import Expression
from iotlab.table.partiql.parser import parse_statement
from iotlab.table.validation import canonical_attribute
from iotlab.table.values import AttributeValue


class Prepared(msgspec.Struct, frozen=True):
    """One statement of a request.

    Attributes:
        statement: Its syntax tree.
        parameters: The values of its ``?``, checked.
        digest: Of text and parameters: a page's continuation belongs to just this.
    """

    statement: nodes.Statement
    parameters: tuple[AttributeValue, ...]
    digest: str

    @property
    def is_read(self) -> bool:
        """Whether it is a SELECT."""
        return isinstance(self.statement, nodes.Select)


def prepare(text: str, parameters: Sequence[Any] | None) -> Prepared:
    """Return a statement, parsed and checked as far as can be done without its table.

    Raises:
        ValidationException: it does not parse, has more or fewer ``?`` than there are parameters, compares the order
            of values that have none, or is a write on an index.
    """
    values = tuple(canonical_attribute(value) for value in parameters or ())
    parsed = parse_statement(text)
    if parsed.parameters != len(values):
        raise ValidationException("Number of parameters in request and statement don't match.")
    _check(parsed.statement, values)
    digest = hashlib.sha256(msgspec.json.encode((text, values), order="deterministic")).hexdigest()[:32]
    return Prepared(parsed.statement, values, digest)


def _check(statement: nodes.Statement, parameters: tuple[AttributeValue, ...]) -> None:
    if isinstance(statement, nodes.Select | nodes.Exists):
        select = statement if isinstance(statement, nodes.Select) else statement.select
        where = select.where
    else:
        if statement.target.index is not None:
            raise ValidationException("This operation is not supported on an index")
        where = None if isinstance(statement, nodes.Insert) else statement.where
    if isinstance(statement, nodes.Delete) and statement.returning not in {None, "ALL OLD"}:
        raise ValidationException(
            f"Invalid returning clause: RETURNING {statement.returning} *. "
            "Only RETURNING ALL OLD * is allowed in DELETE statements."
        )
    if where is not None:
        # Written once for nothing, for what writing refuses.
        Expression(parameters).condition(where)

"""The four actions of writing: Put, Update, Delete and ConditionCheck, alone or in a transaction."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Literal

import msgspec

from iotlab.table.definition import TableDefinition
from iotlab.table.engine import Engine
from iotlab.table.errors import ConditionalCheckFailedException, ValidationException
from iotlab.table.expressions import Condition, Placeholders, compile_condition
from iotlab.table.keys import Key
from iotlab.table.legacy import compile_expected
from iotlab.table.operations.common import decode_item, encode_item, refuse_mixture, refuse_stray_placeholders
from iotlab.table.requests import (
    Expressions,
    ReturnConsumedCapacity,
    ReturnItemCollectionMetrics,
    TableName,
)
from iotlab.table.unit_of_work import UnitOfWork
from iotlab.table.values import Item

ReturnValues = Literal["ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW"]


class ActionRequest(Expressions, kw_only=True):
    """The parameters that all actions share, in a transaction too."""

    table_name: TableName
    condition_expression: str | None = None
    return_values_on_condition_check_failure: Literal["ALL_OLD", "NONE"] | None = None


class WriteRequest(ActionRequest, kw_only=True):
    """The parameters that only a write on its own has."""

    expected: dict[str, Any] | None = None
    conditional_operator: Literal["AND", "OR"] | None = None
    return_values: ReturnValues | None = None
    return_consumed_capacity: ReturnConsumedCapacity | None = None
    return_item_collection_metrics: ReturnItemCollectionMetrics | None = None


class Outcome(msgspec.Struct, frozen=True):
    """An item before and after a write, encoded; None where there is none."""

    old: bytes | None
    new: bytes | None


class Action(ABC):
    """One write, checked as far as can be without its table, and ready to be applied inside a unit of work.

    Args:
        request: Its parameters.

    Raises:
        ValidationException: as DynamoDB does before it looks at the table.
    """

    expressions: ClassVar[tuple[str, ...]] = ("ConditionExpression",)
    legacy: ClassVar[tuple[str, ...]] = ("Expected",)

    def __init__(self, request: ActionRequest) -> None:
        self.request = request
        refuse_mixture(request, self.expressions, (*self.legacy, "ConditionalOperator"))
        refuse_stray_placeholders(request, self.expressions)
        self._check_values()
        self._placeholders = Placeholders(request.expression_attribute_names, request.expression_attribute_values)
        self._compile()
        self._condition: Condition | None = self._compiled_condition()
        self._placeholders.check_all_used()

    def bind(self, engine: Engine) -> None:
        """Look up the table and check the item or key against its schema.

        Raises:
            ResourceNotFoundException, ValidationException: as DynamoDB does before it looks at the item.
        """
        self.engine = engine
        self.table: TableDefinition = engine.table(self.request.table_name)
        self.key: Key = self._key_of(self.table)
        self.key_attributes: Item = self.table.keys.project(self.given_item)

    def apply(self, unit: UnitOfWork) -> Outcome:
        """Check the condition and stage the change. Raises ConditionalCheckFailedException, ValidationException."""
        if self.engine.table(self.request.table_name) is not self.table:
            # An index or a stream came or went since the request was checked.
            self.bind(self.engine)
        old_body = unit.get(self.table, self.key)
        old = decode_item(old_body)
        if self._condition is not None and not self._condition.holds(old):
            wanted = self.request.return_values_on_condition_check_failure == "ALL_OLD" and old
            raise ConditionalCheckFailedException(item=old if wanted else None)
        new_body = self._write(unit, old_body, old)
        return Outcome(old_body, new_body)

    def _write(self, unit: UnitOfWork, old_body: bytes | None, old: Item) -> bytes | None:
        new = self._after(old)
        # Attribute order means nothing: an equal item keeps its bytes, so that no record is written for it.
        is_same = old_body is not None and new == old
        new_body = old_body if is_same else None if new is None else encode_item(new)
        unit.put(self.table, self.key, new_body, old=old_body, key_attributes=self.key_attributes)
        return new_body

    @abstractmethod
    def _check_values(self) -> None:
        """Check and keep the item or key that the request gives."""

    @property
    @abstractmethod
    def given_item(self) -> Item:
        """The item or key that the request gives, in canonical form."""

    @abstractmethod
    def _after(self, old: Item) -> Item | None:
        """Return the item after the action, None for no item."""

    def _key_of(self, table: TableDefinition) -> Key:
        return table.keys.of_key(self.given_item)

    def _compile(self) -> None:  # noqa: B027  most actions have nothing of it
        """Compile what the action has beside its condition."""

    def _compiled_condition(self) -> Condition | None:
        request = self.request
        if request.condition_expression is not None:
            return compile_condition(request.condition_expression, self._placeholders)
        expected = getattr(request, "expected", None)
        if expected is not None:
            return compile_expected(expected, getattr(request, "conditional_operator", None))
        if getattr(request, "conditional_operator", None) is not None:
            raise ValidationException("ConditionalOperator cannot be used without Filter or Expected")
        return None

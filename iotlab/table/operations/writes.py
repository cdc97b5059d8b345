"""The four actions of writing: Put, Update, Delete and ConditionCheck, alone or in a transaction."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from iotlab.table.definition import TableDefinition
from iotlab.table.engine import Engine
from iotlab.table.errors import ConditionalCheckFailedException, ValidationException
from iotlab.table.expressions import Placeholders, apply_update, holds, words_of_update
from iotlab.table.keys import Key
from iotlab.table.operations.common import Expressions, decode_item, encode_item
from iotlab.table.unit_of_work import UnitOfWork
from iotlab.table.validation import canonical_item
from iotlab.table.values import Item

ReturnValues = Literal["NONE", "ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW"]


class WriteRequest(Expressions, kw_only=True):
    """The parameters that all single-item writes share."""

    table_name: str
    condition_expression: str | None = None
    return_values: ReturnValues = "NONE"
    return_values_on_condition_check_failure: Literal["NONE", "ALL_OLD"] = "NONE"


class PutRequest(WriteRequest, kw_only=True):
    """Put: the whole item."""

    item: dict[str, Any]


class KeyRequest(WriteRequest, kw_only=True):
    """Delete or ConditionCheck: a key."""

    key: dict[str, Any]


class UpdateRequest(WriteRequest, kw_only=True):
    """Update: a key and what to change."""

    key: dict[str, Any]
    update_expression: str | None = None


class Outcome(msgspec.Struct, frozen=True):
    """An item before and after a write, encoded; None where there is none."""

    old: bytes | None
    new: bytes | None


class Action:
    """One write, checked and ready to be applied inside a unit of work.

    Args:
        engine: Where its table is.
        request: Its parameters.
        key: The item's key in wire form.
        kind: What it does to the item.

    Raises:
        ResourceNotFoundException, ValidationException: as DynamoDB does before it looks at the item.
    """

    def __init__(
        self, engine: Engine, request: WriteRequest, kind: Literal["put", "update", "delete", "check"]
    ) -> None:
        self.table: TableDefinition = engine.table(request.table_name)
        self._request = request
        self._kind = kind
        self._item: Item | None = None
        self._placeholders = Placeholders(request.expression_attribute_names, request.expression_attribute_values)
        if isinstance(request, PutRequest):
            self._item = canonical_item(request.item)
            self.key: Key = self.table.keys.of_item(self._item)
            self._key_attributes = self.table.keys.project(self._item)
        elif isinstance(request, KeyRequest | UpdateRequest):
            self._key_attributes = canonical_item(request.key)
            self.key = self.table.keys.of_key(self._key_attributes)
        self._rehearse()

    def apply(self, unit: UnitOfWork) -> Outcome:
        """Check the condition and stage the change. Raises ConditionalCheckFailedException."""
        old_body = unit.get(self.table, self.key)
        old = decode_item(old_body)
        request = self._request
        if request.condition_expression is not None and not holds(
            request.condition_expression, old, self._placeholders
        ):
            wanted = request.return_values_on_condition_check_failure == "ALL_OLD" and old
            raise ConditionalCheckFailedException(item=old if wanted else None)
        new_body = self._after(old_body, old)
        if self._kind != "check":
            unit.put(self.table, self.key, new_body, old=old_body, key_attributes=self._key_attributes)
        return Outcome(old_body, new_body)

    def _after(self, old_body: bytes | None, old: Item) -> bytes | None:
        if self._kind == "check":
            return old_body
        if self._kind == "delete":
            return None
        new = self._item if self._item is not None else self._updated(old or dict(self._key_attributes))
        # Attribute order means nothing: an equal item keeps its bytes, so that no record is written for it.
        return old_body if new == old and old_body is not None else encode_item(new)

    def _updated(self, old: Item) -> Item:
        expression = getattr(self._request, "update_expression", None)
        if expression is None:
            return old
        new = canonical_item(apply_update(expression, old, self._placeholders))
        if any(new.get(name) != value for name, value in self._key_attributes.items()):
            changed = next(name for name, value in self._key_attributes.items() if new.get(name) != value)
            raise ValidationException(
                "One or more parameter values were invalid: Cannot update attribute "
                f"{changed}. This attribute is part of the key"
            )
        return new

    def _rehearse(self) -> None:
        """Evaluate the expressions on an empty item, so that their mistakes are found before anything is written."""
        if self._request.condition_expression is not None:
            holds(self._request.condition_expression, {}, self._placeholders)
        expression = getattr(self._request, "update_expression", None)
        if expression is not None:
            self._placeholders.use(words_of_update(expression))
        self._placeholders.check_all_used()

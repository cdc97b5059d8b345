"""The four actions, each with its request: as operations of their own they have some parameters more."""

from __future__ import annotations

from typing import Any

from iotlab.table.definition import TableDefinition
from iotlab.table.engine import Engine
from iotlab.table.errors import ValidationException
from iotlab.table.expressions import Update, compile_update
from iotlab.table.indexes import check_index_keys
from iotlab.table.keys import Key
from iotlab.table.legacy import compile_attribute_updates
from iotlab.table.operations.writes import Action, ActionRequest
from iotlab.table.requests import Attributes
from iotlab.table.sizes import is_too_large
from iotlab.table.unit_of_work import UnitOfWork
from iotlab.table.validation import canonical_item
from iotlab.table.values import Item

_UPDATED_SIZE = "Item size to update has exceeded the maximum allowed size"


class PutAction(ActionRequest, kw_only=True):
    """Put: the whole item."""

    item: Attributes


class KeyAction(ActionRequest, kw_only=True):
    """Delete: a key."""

    key: Attributes


class CheckAction(ActionRequest, kw_only=True):
    """ConditionCheck: a key and a condition that must be there."""

    key: Attributes
    condition_expression: str


class UpdateAction(ActionRequest, kw_only=True):
    """Update: a key and what to change."""

    key: Attributes
    update_expression: str | None = None


class Put(Action):
    """Stores a whole item."""

    def _check_values(self) -> None:
        request: Any = self.request
        self._item = canonical_item(request.item)

    @property
    def given_item(self) -> Item:
        return self._item

    def _key_of(self, table: TableDefinition) -> Key:
        key = table.keys.of_item(self._item)
        if table.indexes:
            check_index_keys(table, self._item)
        return key

    def _after(self, old: Item) -> Item:  # noqa: ARG002  a Put does not depend on what was there
        return self._item


def put_of(engine: Engine, table_name: str, item: Item) -> Put:
    """Return a checked Put of an item, for works that write many. Raises as PutItem does."""
    action = Put(PutAction(table_name=table_name, item=item))
    action.bind(engine)
    return action


class Delete(Action):
    """Takes an item away."""

    def _check_values(self) -> None:
        request: Any = self.request
        self._key = canonical_item(request.key)

    @property
    def given_item(self) -> Item:
        return self._key

    def _after(self, old: Item) -> Item | None:  # noqa: ARG002
        return None


class Check(Delete):
    """Only checks its condition."""

    def _write(self, unit: UnitOfWork, old_body: bytes | None, old: Item) -> bytes | None:  # noqa: ARG002
        return old_body


class Change(Delete):
    """Changes some attributes of an item, creating it if need be."""

    expressions = ("UpdateExpression", "ConditionExpression")
    legacy = ("AttributeUpdates", "Expected")

    def _compile(self) -> None:
        request: Any = self.request
        self.update: Update | None = None
        updates = getattr(request, "attribute_updates", None)
        if request.update_expression is not None:
            self.update = compile_update(request.update_expression, self._placeholders)
        elif updates is not None:
            self.update = compile_attribute_updates(updates)

    def _key_of(self, table: TableDefinition) -> Key:
        key = table.keys.of_key(self._key)
        for path in () if self.update is None else self.update.paths:
            if path[0] in table.keys.names:
                raise ValidationException(
                    f"One or more parameter values were invalid: Cannot update attribute {path[0]}. "
                    "This attribute is part of the key"
                )
        return key

    def _after(self, old: Item) -> Item | None:
        start = old or dict(self.key_attributes)
        if self.update is None:
            return start
        new = self.update.apply(start, missing=not old)
        if not old and not self.update.creates and new == start:
            # There was no item, and nothing was set: taking away from nothing creates nothing.
            return None
        if is_too_large(new):
            raise ValidationException(_UPDATED_SIZE)
        if self.table.indexes:
            check_index_keys(self.table, new)
        return new

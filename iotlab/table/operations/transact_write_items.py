"""TransactWriteItems: up to 100 writes to different items, all or none."""

from __future__ import annotations

from typing import Any

from iotlab.table import limits
from iotlab.table.engine import Engine
from iotlab.table.errors import (
    CancellationReason,
    ConditionalCheckFailedException,
    TransactionCanceledException,
    ValidationException,
)
from iotlab.table.operations.common import Images, Request, parse
from iotlab.table.operations.writes import Action, KeyRequest, PutRequest, UpdateRequest
from iotlab.table.unit_of_work import UnitOfWork


class TransactItem(Request, kw_only=True):
    """One action; just one of the members is set."""

    put: PutRequest | None = None
    update: UpdateRequest | None = None
    delete: KeyRequest | None = None
    condition_check: KeyRequest | None = None


class TransactWriteItems(Request, kw_only=True):
    """The request."""

    transact_items: list[TransactItem]


def execute(engine: Engine, request: dict[str, Any], images: Images) -> dict[str, Any]:  # noqa: ARG001
    """Apply the actions. Raises TransactionCanceledException with a reason for each action."""
    items = parse(request, TransactWriteItems).transact_items
    if not 1 <= len(items) <= limits.TRANSACTION_ACTIONS:
        raise ValidationException(
            "1 validation error detected: Value at 'transactItems' failed to satisfy constraint: "
            f"Member must have length between 1 and {limits.TRANSACTION_ACTIONS}"
        )
    actions = [_action(engine, item) for item in items]
    if len({(action.table.number, action.key) for action in actions}) != len(actions):
        raise ValidationException("Transaction request cannot include multiple operations on one item")
    engine.transact(lambda unit: _apply(unit, actions))
    return {}


def _action(engine: Engine, item: TransactItem) -> Action:
    given = [member for member in (item.put, item.update, item.delete, item.condition_check) if member is not None]
    if len(given) != 1:
        raise ValidationException("TransactItems can only contain one of Check, Put, Update or Delete")
    if item.put is not None:
        return Action(engine, item.put, "put")
    if item.update is not None:
        return Action(engine, item.update, "update")
    return Action(engine, given[0], "delete" if item.delete is not None else "check")


def _apply(unit: UnitOfWork, actions: list[Action]) -> None:
    reasons: list[CancellationReason] = []
    for action in actions:
        try:
            action.apply(unit)
        except ConditionalCheckFailedException as error:
            reasons.append(CancellationReason("ConditionalCheckFailed", error.message, error.item))
        except ValidationException as error:
            reasons.append(CancellationReason("ValidationError", error.message))
        else:
            reasons.append(CancellationReason())
    if any(reason.code != "None" for reason in reasons):
        # Raising makes the writer discard what the other actions staged.
        raise TransactionCanceledException(reasons)

"""TransactWriteItems: up to 100 actions on as many items, all or none."""

from __future__ import annotations

import hashlib
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from iotlab.table import limits, tokens
from iotlab.table.capacity import Consumed
from iotlab.table.engine import Engine
from iotlab.table.errors import (
    CancellationReason,
    ConditionalCheckFailedException,
    TransactionCanceledException,
    ValidationException,
)
from iotlab.table.operations.actions import (
    Change,
    Check,
    CheckAction,
    Delete,
    KeyAction,
    Put,
    PutAction,
    UpdateAction,
)
from iotlab.table.operations.answers import add_outcome, collection_metrics
from iotlab.table.operations.common import Images, parse
from iotlab.table.operations.writes import Action, Outcome
from iotlab.table.requests import Base, ReturnConsumedCapacity, ReturnItemCollectionMetrics
from iotlab.table.sizes import size_bytes
from iotlab.table.unit_of_work import UnitOfWork


class TransactItem(Base, kw_only=True):
    """One action: exactly one of the four."""

    condition_check: CheckAction | None = None
    put: PutAction | None = None
    delete: KeyAction | None = None
    update: UpdateAction | None = None


class TransactWriteItems(Base, kw_only=True):
    """The request."""

    transact_items: Annotated[list[TransactItem], Meta(min_length=1, max_length=limits.TRANSACTION_ACTIONS)]
    client_request_token: Annotated[str, Meta(min_length=1, max_length=36)] | None = None
    return_consumed_capacity: ReturnConsumedCapacity | None = None
    return_item_collection_metrics: ReturnItemCollectionMetrics | None = None


class _Transaction:
    """All actions of one request, ready for one unit of work."""

    def __init__(self, engine: Engine, actions: list[Action], token: tokens.Token | None) -> None:
        self._engine = engine
        self._actions = actions
        self._token = token

    def apply(self, unit: UnitOfWork) -> list[Outcome] | None:
        """Apply all; return None when the token says that it was done before. Raises TransactionCanceledException."""
        if self._token is not None and not tokens.claim(unit, self._token):
            return None
        outcomes: list[Outcome] = []
        reasons: list[CancellationReason] = []
        for action in self._actions:
            try:
                outcomes.append(action.apply(unit))
                reasons.append(CancellationReason())
            except ConditionalCheckFailedException as error:
                reasons.append(CancellationReason("ConditionalCheckFailed", error.message, error.item))
            except ValidationException as error:
                reasons.append(CancellationReason("ValidationError", error.message))
        if len(outcomes) < len(self._actions):
            raise TransactionCanceledException(reasons)
        return outcomes


def execute(engine: Engine, request: dict[str, Any], images: Images) -> dict[str, Any]:  # noqa: ARG001
    """Apply all actions; return ``ConsumedCapacity`` and ``ItemCollectionMetrics`` where they are asked for."""
    wanted = parse(request, TransactWriteItems)
    actions = [_action(one) for one in wanted.transact_items]
    _bind(engine, actions)
    if len({(action.table.name, action.key) for action in actions}) < len(actions):
        raise ValidationException("Transaction request cannot include multiple operations on one item")
    if sum(size_bytes(action.given_item) for action in actions) > limits.TRANSACTION_BYTES:
        raise ValidationException(f"Transaction request size cannot exceed {limits.TRANSACTION_BYTES} bytes")
    token = None
    if wanted.client_request_token is not None:
        digest = hashlib.sha256(msgspec.json.encode(request["TransactItems"], order="deterministic")).digest()
        token = tokens.Token(wanted.client_request_token, digest)
    outcomes = engine.transact(_Transaction(engine, actions, token).apply)
    return _answer(wanted, actions, outcomes)


def _bind(engine: Engine, actions: list[Action]) -> None:
    """Look up all tables, then check all keys; the first that does not fit is why the whole is cancelled."""
    for action in actions:
        engine.table(action.request.table_name)
    for number, action in enumerate(actions):
        try:
            action.bind(engine)
        except ValidationException as error:
            reasons = [CancellationReason()] * len(actions)
            reasons[number] = CancellationReason("ValidationError", error.message)
            raise TransactionCanceledException(reasons) from error


def _action(one: TransactItem) -> Action:
    given = [
        kind(part)
        for kind, part in ((Check, one.condition_check), (Put, one.put), (Delete, one.delete), (Change, one.update))
        if part is not None
    ]
    if len(given) != 1:
        raise ValidationException(
            "TransactItems can only contain one of Check, Put, Update or Delete"
            if given
            else "Invalid Request: TransactWriteRequest should contain Delete or Put or Update request"
        )
    if isinstance(given[0], Change) and given[0].update is None:
        raise ValidationException(
            "1 validation error detected: Value null at 'transactItems.1.member.update.updateExpression' failed to "
            "satisfy constraint: Member must not be null"
        )
    return given[0]


def _answer(wanted: TransactWriteItems, actions: list[Action], outcomes: list[Outcome] | None) -> dict[str, Any]:
    response: dict[str, Any] = {}
    if wanted.return_consumed_capacity not in {None, "NONE"}:
        # What was done before under the same token is only read again.
        kind = "WriteCapacityUnits" if outcomes is not None else "ReadCapacityUnits"
        by_table: dict[str, Consumed] = {}
        for number, action in enumerate(actions):
            consumed = by_table.setdefault(action.table.name, Consumed(action.table, kind))
            outcome = Outcome(None, None) if outcomes is None else outcomes[number]
            add_outcome(consumed, outcome, transactional=True)
        response["ConsumedCapacity"] = [one.shown(wanted.return_consumed_capacity) for one in by_table.values()]
    if wanted.return_item_collection_metrics == "SIZE":
        metrics: dict[str, list[Any]] = {}
        for action in actions:
            found = collection_metrics(action)
            if found is not None:
                metrics.setdefault(action.table.name, []).append(found)
        response["ItemCollectionMetrics"] = metrics
    return response

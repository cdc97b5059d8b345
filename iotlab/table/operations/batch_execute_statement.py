"""BatchExecuteStatement: up to 25 PartiQL statements, each for itself: all reads of one item, or all writes."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from iotlab.table import limits
from iotlab.table.engine import Engine
from iotlab.table.errors import (
    ConditionalCheckFailedException,
    DynamoDBError,
    ResourceNotFoundException,
    ValidationException,
)
from iotlab.table.keys import KeySchema
from iotlab.table.operations.common import Images, Request, encode_item, parse
from iotlab.table.operations.execute_statement import Statement
from iotlab.table.partiql import nodes
from iotlab.table.partiql.capacity import by_table
from iotlab.table.partiql.execution import run
from iotlab.table.partiql.keys import single_item
from iotlab.table.partiql.prepared import Prepared, prepare
from iotlab.table.partiql.reading import Options
from iotlab.table.partiql.values import resolve
from iotlab.table.requests import ReturnConsumedCapacity
from iotlab.table.validation import canonical_attribute
from iotlab.table.values import Item

_CODES = {"ValidationException": "ValidationError", "ThrottlingException": "ThrottlingError"}


class BatchStatement(Statement, kw_only=True):
    """One statement."""

    consistent_read: bool | None = None


class BatchExecuteStatement(Request, kw_only=True):
    """The request."""

    statements: Annotated[list[BatchStatement], Meta(min_length=1, max_length=limits.BATCH_STATEMENTS)]
    return_consumed_capacity: ReturnConsumedCapacity | None = None


class _Member:
    """One statement of the batch: ready, or the error that it answers with."""

    def __init__(self, wanted: BatchStatement) -> None:
        self._wanted = wanted
        self.consumed: dict[str, Any] | None = None
        self.prepared: Prepared | ValidationException
        for value in wanted.parameters or ():
            # A value that is none is the request's mistake, not the statement's.
            canonical_attribute(value)
        try:
            self.prepared = prepare(wanted.statement, wanted.parameters)
        except ValidationException as error:
            self.prepared = error

    def answer(self, engine: Engine, capacity: str | None, images: Images) -> dict[str, Any]:
        """Execute the statement and return its response."""
        if isinstance(self.prepared, ValidationException):
            return _failure(self.prepared, None, images)
        table = self.prepared.statement.target.table
        try:
            _check_read(engine, self.prepared)
            options = Options(consistent=self._wanted.consistent_read, capacity=capacity)
            on_failure = self._wanted.return_values_on_condition_check_failure
            page = run(engine, self.prepared, options, images, on_failure=on_failure)
        except DynamoDBError as error:
            return _failure(error, table, images)
        self.consumed = page.consumed
        response: dict[str, Any] = {"TableName": table}
        if page.items:
            response["Item"] = page.items[0]
        return response


def execute(engine: Engine, request: dict[str, Any], images: Images) -> dict[str, Any]:
    """Return ``Responses``, one for each statement in order: ``Item``, or ``Error`` with Code and Message."""
    wanted = parse(request, BatchExecuteStatement)
    members = [_Member(one) for one in wanted.statements]
    _check_together(engine, [member.prepared for member in members if isinstance(member.prepared, Prepared)])
    responses = [member.answer(engine, wanted.return_consumed_capacity, images) for member in members]
    response: dict[str, Any] = {"Responses": responses}
    consumed = by_table(member.consumed for member in members)
    if consumed:
        response["ConsumedCapacity"] = consumed
    return response


def _check_together(engine: Engine, statements: list[Prepared]) -> None:
    if len({prepared.is_read for prepared in statements}) > 1:
        raise ValidationException("Read and write requests together in the same batch is not supported.")
    seen: set[bytes] = set()
    for prepared in statements:
        key = _key_of(engine, prepared)
        if key is None:
            continue
        place = msgspec.json.encode((prepared.statement.target.table, key), order="deterministic")
        if place in seen:
            raise ValidationException("Provided list of item keys contains duplicates")
        seen.add(place)


def _key_of(engine: Engine, prepared: Prepared) -> Item | None:
    """Return the key of the item that a statement is about, or None where it does not tell."""
    try:
        keys = engine.table(prepared.statement.target.table).keys
        return _named_key(prepared, keys)
    except (ResourceNotFoundException, ValidationException):
        # The statement's own response says so.
        return None


def _named_key(prepared: Prepared, keys: KeySchema) -> Item | None:
    statement = prepared.statement
    if isinstance(statement, nodes.Insert):
        item = resolve(statement.item, prepared.parameters).get("M", {})
        return {name: item[name] for name in keys.names} if all(name in item for name in keys.names) else None
    where = statement.select.where if isinstance(statement, nodes.Exists) else statement.where
    keyed = single_item(where, keys, prepared.parameters)
    return None if keyed is None else keyed.key


def _check_read(engine: Engine, prepared: Prepared) -> None:
    if not prepared.is_read:
        return
    engine.table(prepared.statement.target.table)
    if prepared.statement.target.index is not None or _key_of(engine, prepared) is None:
        raise ValidationException(
            "Select statements within BatchExecuteStatement must specify the primary key in the where clause."
        )


def _failure(error: DynamoDBError, table: str | None, images: Images) -> dict[str, Any]:
    name = type(error).__name__
    shown: dict[str, Any] = {"Code": _CODES.get(name, name.removesuffix("Exception")), "Message": error.message}
    if isinstance(error, ConditionalCheckFailedException) and error.item is not None:
        shown["Item"] = images(encode_item(error.item))
    response: dict[str, Any] = {"Error": shown}
    if table is not None and not isinstance(error, ValidationException):
        response["TableName"] = table
    return response

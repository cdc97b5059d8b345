"""The statements of ExecuteTransaction → TransactWriteItems or TransactGetItems."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from iotlab.table.engine import Engine
from iotlab.table.errors import CancellationReason, TransactionCanceledException, ValidationException
from iotlab.table.operations import transact_get_items, transact_write_items
from iotlab.table.operations.common import Images, encode_item
from iotlab.table.partiql import nodes
from iotlab.table.partiql.keys import Keyed, all_of, single_item
from iotlab.table.partiql.prepared import Prepared
from iotlab.table.partiql.shape import Shape
from iotlab.table.partiql.writes import write_of


class Options(msgspec.Struct, frozen=True):
    """Parameters of the request as a whole.

    Attributes:
        token: ClientRequestToken.
        capacity: ReturnConsumedCapacity.
        on_failure: ReturnValuesOnConditionCheckFailure of each statement.
    """

    token: str | None
    capacity: str | None
    on_failure: tuple[str | None, ...]


def check_together(statements: Sequence[Prepared]) -> None:
    """Refuse what a transaction can't have.

    Raises:
        ValidationException: reads and writes, a RETURNING clause, or a read of an index.
    """
    for number, prepared in enumerate(statements):
        statement = prepared.statement
        failed = f"Validation failed in TransactStatements[{number}]: "
        if isinstance(statement, nodes.Update | nodes.Delete) and statement.returning is not None:
            raise ValidationException(f"{failed}RETURNING clause is not supported in ExecuteTransaction.")
        if statement.target.index is not None:
            raise ValidationException(f"{failed}Reads on indices are not supported within transactions.")
    if len({prepared.is_read for prepared in statements}) > 1:
        raise ValidationException(
            "ExecuteTransaction API does not support both read and write operations in the same request."
        )


def write_all(engine: Engine, statements: Sequence[Prepared], options: Options) -> dict[str, Any]:
    """Write all or nothing.

    Raises:
        TransactionCanceledException: with a reason for each statement; DuplicateItem for an INSERT of what exists.
    """
    writes = [write_of(engine, prepared) for prepared in statements]
    actions: list[dict[str, Any]] = []
    for write, on_failure in zip(writes, options.on_failure, strict=True):
        wanted = {} if on_failure is None else {"ReturnValuesOnConditionCheckFailure": on_failure}
        actions.append({write.action: write.request | wanted})
    request: dict[str, Any] = {"TransactItems": actions}
    if options.token is not None:
        request["ClientRequestToken"] = options.token
    if options.capacity is not None:
        request["ReturnConsumedCapacity"] = options.capacity
    try:
        response = transact_write_items.execute(engine, request, msgspec.json.decode)
    except TransactionCanceledException as error:
        inserts = [write.action == "Put" for write in writes]
        raise TransactionCanceledException(
            [_reason(one, is_insert=insert) for one, insert in zip(error.reasons, inserts, strict=True)]
        ) from error
    return response | {"Responses": [{} for _ in statements]}


def _reason(reason: CancellationReason, *, is_insert: bool) -> CancellationReason:
    if is_insert and reason.code == "ConditionalCheckFailed":
        return CancellationReason("DuplicateItem", "Duplicate primary key exists in table")
    return reason


def read_all(engine: Engine, statements: Sequence[Prepared], options: Options, images: Images) -> dict[str, Any]:
    """Read all items as they are at one moment. Raises ValidationException where a statement names no one item."""
    gets: list[dict[str, Any]] = []
    shapes: list[Shape] = []
    for prepared in statements:
        select = prepared.statement
        if not isinstance(select, nodes.Select):
            raise ValidationException("A statement that writes is no read")
        keyed = _item_of(engine, select, prepared)
        gets.append({"Get": {"TableName": select.target.table, "Key": keyed.key}})
        shapes.append(Shape(select.paths, all_of(keyed.rest), prepared.parameters))
    request: dict[str, Any] = {"TransactItems": gets}
    if options.capacity is not None:
        request["ReturnConsumedCapacity"] = options.capacity
    response = transact_get_items.execute(engine, request, msgspec.json.decode)
    shown = [_shown(shape, one, images) for shape, one in zip(shapes, response["Responses"], strict=True)]
    return response | {"Responses": shown}


def _item_of(engine: Engine, select: nodes.Select, prepared: Prepared) -> Keyed:
    keyed = single_item(select.where, engine.table(select.target.table).keys, prepared.parameters)
    if keyed is None:
        raise ValidationException(
            "Select statements within ExecuteTransaction must specify the primary key in the where clause."
        )
    return keyed


def _shown(shape: Shape, response: dict[str, Any], images: Images) -> dict[str, Any]:
    found = shape.apply(response["Item"]) if "Item" in response else None
    return {} if found is None else {"Item": images(encode_item(found))}

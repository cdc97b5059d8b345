"""Executing one statement by itself, as ExecuteStatement does, and BatchExecuteStatement for each of its own."""

from __future__ import annotations

from typing import Any

from iotlab.table.engine import Engine
from iotlab.table.errors import ConditionalCheckFailedException, DuplicateItemException, ValidationException
from iotlab.table.operations import delete_item, put_item, update_item
from iotlab.table.operations.common import Images
from iotlab.table.partiql import nodes
from iotlab.table.partiql.prepared import Prepared
from iotlab.table.partiql.reading import Options, Page, select_page
from iotlab.table.partiql.wording import statement_errors
from iotlab.table.partiql.writes import Write, write_of

_OPERATIONS = {"Put": put_item.execute, "Update": update_item.execute, "Delete": delete_item.execute}


def run(
    engine: Engine, prepared: Prepared, options: Options, images: Images, *, on_failure: str | None = None
) -> Page:
    """Execute a statement; a write's page has the item that RETURNING asks for.

    Args:
        engine: Where its table is.
        prepared: The statement.
        options: Of its reads; a write takes the capacity's alone.
        images: Turns items into what the caller wants.
        on_failure: ReturnValuesOnConditionCheckFailure.

    Raises:
        DuplicateItemException: an INSERT's item exists. ConditionalCheckFailedException: the WHERE clause of a write
            does not hold. ResourceNotFoundException, ValidationException: see `write_of` and `select_page`.
    """
    with statement_errors():
        return _run(engine, prepared, options, images, on_failure)


def _run(engine: Engine, prepared: Prepared, options: Options, images: Images, on_failure: str | None) -> Page:
    if isinstance(prepared.statement, nodes.Select):
        return select_page(engine, prepared, prepared.statement, options, images)
    if isinstance(prepared.statement, nodes.Exists):
        raise ValidationException("EXISTS is only supported as a statement of ExecuteTransaction")
    if options.next_token is not None:
        raise ValidationException("NextToken is only valid on a SELECT statement")
    return _write(engine, write_of(engine, prepared), options.capacity, on_failure, images)


def _write(engine: Engine, write: Write, capacity: str | None, on_failure: str | None, images: Images) -> Page:
    request = dict(write.request)
    if write.returning != "NONE":
        request["ReturnValues"] = write.returning
    if capacity is not None:
        request["ReturnConsumedCapacity"] = capacity
    if on_failure is not None and "ConditionExpression" in request:
        request["ReturnValuesOnConditionCheckFailure"] = on_failure
    try:
        response: dict[str, Any] = _OPERATIONS[write.action](engine, request, images)
    except ConditionalCheckFailedException as error:
        if write.action == "Put":
            raise DuplicateItemException from error
        raise
    returned = [response["Attributes"]] if "Attributes" in response else []
    return Page(returned, consumed=response.get("ConsumedCapacity"))

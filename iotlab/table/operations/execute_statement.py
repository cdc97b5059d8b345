"""ExecuteStatement: one PartiQL statement."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta

from iotlab.table import limits
from iotlab.table.engine import Engine
from iotlab.table.operations.common import Images, Request, parse
from iotlab.table.partiql.execution import run
from iotlab.table.partiql.prepared import prepare
from iotlab.table.partiql.reading import Options
from iotlab.table.requests import Limit, ReturnConsumedCapacity

Text = Annotated[str, Meta(min_length=1, max_length=limits.STATEMENT_CHARACTERS)]
Parameters = Annotated[list[dict[str, Any]], Meta(min_length=1)]


class Statement(Request, kw_only=True):
    """What a statement has, alone or among others."""

    statement: Text
    parameters: Parameters | None = None
    return_values_on_condition_check_failure: Literal["NONE", "ALL_OLD"] | None = None


class ExecuteStatement(Statement, kw_only=True):
    """The request."""

    consistent_read: bool | None = None
    next_token: Annotated[str, Meta(min_length=1, max_length=limits.NEXT_TOKEN_CHARACTERS)] | None = None
    return_consumed_capacity: ReturnConsumedCapacity | None = None
    limit: Limit | None = None


def execute(engine: Engine, request: dict[str, Any], images: Images) -> dict[str, Any]:
    """Return ``Items`` and, where there may be more, ``NextToken`` and ``LastEvaluatedKey``.

    A write without RETURNING has no items.
    """
    wanted = parse(request, ExecuteStatement)
    prepared = prepare(wanted.statement, wanted.parameters)
    options = Options(wanted.limit, wanted.next_token, wanted.consistent_read, wanted.return_consumed_capacity)
    on_failure = wanted.return_values_on_condition_check_failure
    page = run(engine, prepared, options, images, on_failure=on_failure)
    response: dict[str, Any] = {"Items": page.items}
    if page.next_token is not None:
        response["NextToken"] = page.next_token
    if page.last_key is not None:
        response["LastEvaluatedKey"] = page.last_key
    if page.consumed is not None:
        response["ConsumedCapacity"] = page.consumed
    return response

"""ExecuteTransaction: up to 100 PartiQL statements, all reads or all writes, all or none."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from iotlab.table import limits
from iotlab.table.engine import Engine
from iotlab.table.operations.common import Images, Request, parse
from iotlab.table.operations.execute_statement import Statement
from iotlab.table.partiql.prepared import prepare
from iotlab.table.partiql.transaction import Options, check_together, read_all, write_all
from iotlab.table.partiql.wording import statement_errors
from iotlab.table.requests import ReturnConsumedCapacity


class ExecuteTransaction(Request, kw_only=True):
    """The request."""

    transact_statements: Annotated[list[Statement], Meta(min_length=1, max_length=limits.TRANSACTION_ACTIONS)]
    client_request_token: Annotated[str, Meta(min_length=1, max_length=36)] | None = None
    return_consumed_capacity: ReturnConsumedCapacity | None = None


def execute(engine: Engine, request: dict[str, Any], images: Images) -> dict[str, Any]:
    """Return ``Responses``, one for each statement in order; those of writes are empty."""
    wanted = parse(request, ExecuteTransaction)
    statements = [prepare(one.statement, one.parameters) for one in wanted.transact_statements]
    check_together(statements)
    options = Options(
        wanted.client_request_token,
        wanted.return_consumed_capacity,
        tuple(one.return_values_on_condition_check_failure for one in wanted.transact_statements),
    )
    with statement_errors():
        if statements[0].is_read:
            return read_all(engine, statements, options, images)
        return write_all(engine, statements, options)

"""ListTables: names in order, at most 100 a page."""

from __future__ import annotations

from typing import Any

from iotlab.table.engine import Engine
from iotlab.table.operations.common import Images, Request, parse


class ListTables(Request, kw_only=True):
    """The request."""

    exclusive_start_table_name: str = ""
    limit: int = 100


def execute(engine: Engine, request: dict[str, Any], images: Images) -> dict[str, Any]:  # noqa: ARG001
    """Return ``TableNames`` and, where there are more, ``LastEvaluatedTableName``."""
    listing = parse(request, ListTables)
    names = [table.name for table in engine.tables() if table.name > listing.exclusive_start_table_name]
    page = names[: listing.limit]
    response: dict[str, Any] = {"TableNames": page}
    if len(names) > len(page):
        response["LastEvaluatedTableName"] = page[-1]
    return response

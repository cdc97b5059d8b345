"""ListTables: names in order, page by page."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from iotlab.table.engine import Engine
from iotlab.table.operations.common import Images, parse
from iotlab.table.requests import Base
from iotlab.table.requests.kinds import IndexName


class ListTables(Base, kw_only=True):
    """The request."""

    exclusive_start_table_name: IndexName | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 100


def execute(engine: Engine, request: dict[str, Any], images: Images) -> dict[str, Any]:  # noqa: ARG001
    """Return ``TableNames`` and, where there are more, ``LastEvaluatedTableName``."""
    listing = parse(request, ListTables)
    start = listing.exclusive_start_table_name or ""
    names = [table.name for table in engine.tables() if table.name > start]
    page = names[: listing.limit]
    response: dict[str, Any] = {"TableNames": page}
    if len(names) > len(page):
        response["LastEvaluatedTableName"] = page[-1]
    return response

"""ListStreams."""

from __future__ import annotations

from typing import Any

from iotlab.table.engine import Engine
from iotlab.table.operations.common import Images, Request, parse


class ListStreams(Request, kw_only=True):
    """The request."""

    table_name: str | None = None


def execute(engine: Engine, request: dict[str, Any], images: Images) -> dict[str, Any]:  # noqa: ARG001
    """Return ``Streams``, of one table or of all."""
    wanted = parse(request, ListStreams).table_name
    return {
        "Streams": [
            {"StreamArn": table.stream_arn, "TableName": table.name, "StreamLabel": table.stream.label}
            for table in engine.tables()
            if table.stream is not None and wanted in {None, table.name}
        ]
    }

"""ListStreams: the streams of one table or of all, also those that ended less than 24 hours ago."""

from __future__ import annotations

from typing import Any

from iotlab.table import limits
from iotlab.table.engine import Engine
from iotlab.table.errors import ValidationException
from iotlab.table.operations.common import Images, Request, parse
from iotlab.table.operations.constraints import length, within
from iotlab.table.shards import is_stream_arn
from iotlab.table.stream import list_streams


class ListStreams(Request, kw_only=True):
    """The request."""

    table_name: str | None = None
    limit: int = limits.STREAMS_PAGE
    exclusive_start_stream_arn: str | None = None


def execute(engine: Engine, request: dict[str, Any], images: Images) -> dict[str, Any]:  # noqa: ARG001
    """Return up to 100 ``Streams`` and, where there are more, ``LastEvaluatedStreamArn``."""
    wanted = parse(request, ListStreams)
    length("tableName", wanted.table_name, limits.TABLE_NAME_CHARACTERS)
    within("limit", wanted.limit, (1, limits.STREAMS_PAGE))
    length("exclusiveStartStreamArn", wanted.exclusive_start_stream_arn, limits.STREAM_ARN_CHARACTERS)
    after = wanted.exclusive_start_stream_arn or ""
    if after and not is_stream_arn(after):
        raise ValidationException("Invalid StreamArn")
    # One more than wanted tells whether there are more.
    found = list_streams(engine, after=after, table_name=wanted.table_name, limit=wanted.limit + 1)
    response: dict[str, Any] = {
        "Streams": [
            {"StreamArn": stream.arn, "TableName": stream.table_name, "StreamLabel": stream.label}
            for stream in found[: wanted.limit]
        ]
    }
    if len(found) > wanted.limit:
        response["LastEvaluatedStreamArn"] = found[wanted.limit - 1].arn
    return response

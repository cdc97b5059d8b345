"""GetShardIterator: a position in one shard, valid for 15 minutes."""

from __future__ import annotations

from typing import Any, Literal

from iotlab.table.engine import Engine
from iotlab.table.errors import ResourceNotFoundException
from iotlab.table.operations.common import Images, Request, parse
from iotlab.table.stream import encode_iterator, start_position, table_of_stream


class GetShardIterator(Request, kw_only=True):
    """The request."""

    stream_arn: str
    shard_id: str
    shard_iterator_type: Literal["TRIM_HORIZON", "LATEST", "AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"]
    sequence_number: str | None = None


def execute(engine: Engine, request: dict[str, Any], images: Images) -> dict[str, Any]:  # noqa: ARG001
    """Return ``ShardIterator``."""
    wanted = parse(request, GetShardIterator)
    table = table_of_stream(engine, wanted.stream_arn)
    if wanted.shard_id != table.shard_id:
        raise ResourceNotFoundException(
            f"Requested resource not found: Shard: {wanted.shard_id} in stream: {wanted.stream_arn} not found"
        )
    position = start_position(engine, table, wanted.shard_iterator_type, wanted.sequence_number)
    return {"ShardIterator": encode_iterator(engine, position)}

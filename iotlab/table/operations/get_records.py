"""GetRecords: the stream's records after a position."""

from __future__ import annotations

from typing import Any

from iotlab.table import limits
from iotlab.table.engine import Engine
from iotlab.table.errors import ValidationException
from iotlab.table.operations.common import Images, Request, parse
from iotlab.table.stream import decode_iterator, encode_iterator, read_records


class GetRecords(Request, kw_only=True):
    """The request."""

    shard_iterator: str
    limit: int = limits.STREAM_RECORDS


def execute(engine: Engine, request: dict[str, Any], images: Images) -> dict[str, Any]:
    """Return ``Records``, oldest first, possibly none, and ``NextShardIterator``."""
    wanted = parse(request, GetRecords)
    if not 1 <= wanted.limit <= limits.STREAM_RECORDS:
        bound = "less than or equal to 1000" if wanted.limit > 1 else "greater than or equal to 1"
        raise ValidationException(
            f"1 validation error detected: Value '{wanted.limit}' at 'limit' failed to satisfy constraint: "
            f"Member must have value {bound}"
        )
    position = decode_iterator(engine, wanted.shard_iterator)
    records, following = read_records(engine, position, wanted.limit, images)
    return {"Records": records, "NextShardIterator": encode_iterator(engine, following)}

"""GetRecords: the stream's records after a position."""

from __future__ import annotations

from typing import Any

from iotlab.table import limits
from iotlab.table.engine import Engine
from iotlab.table.errors import ValidationException
from iotlab.table.operations.common import Images, Request, decode_item, parse
from iotlab.table.store import RecordPage, StreamRecord
from iotlab.table.stream import (
    Position,
    decode_iterator,
    encode_iterator,
    read_records,
    read_rows,
    sequence_text,
)


class GetRecords(Request, kw_only=True):
    """The request."""

    shard_iterator: str
    limit: int = limits.STREAM_RECORDS


def execute(engine: Engine, request: dict[str, Any], images: Images) -> dict[str, Any]:
    """Return ``Records``, oldest first, possibly none, and ``NextShardIterator``."""
    wanted = parse(request, GetRecords)
    position = _position(engine, wanted)
    records, following = read_records(engine, position, wanted.limit, images)
    return {"Records": records, "NextShardIterator": encode_iterator(engine, following)}


def record_page(engine: Engine, iterator: str, limit: int) -> RecordPage:
    """Return the same as `execute`, for a caller in this process, with images that are decoded when needed."""
    position = _position(engine, GetRecords(shard_iterator=iterator, limit=limit))
    rows, following = read_rows(engine, position, limit)
    records = [
        StreamRecord(
            sequence_number=sequence_text(row.sequence),
            event_name=row.event_name,
            keys=decode_item(row.keys),
            new_image=row.new,
            old_image=row.old,
            created_at_us=row.created_us,
        )
        for row in rows
    ]
    return RecordPage(records, encode_iterator(engine, following))


def _position(engine: Engine, wanted: GetRecords) -> Position:
    if not 1 <= wanted.limit <= limits.STREAM_RECORDS:
        bound = "less than or equal to 1000" if wanted.limit > 1 else "greater than or equal to 1"
        raise ValidationException(
            f"1 validation error detected: Value '{wanted.limit}' at 'limit' failed to satisfy constraint: "
            f"Member must have value {bound}"
        )
    return decode_iterator(engine, wanted.shard_iterator)

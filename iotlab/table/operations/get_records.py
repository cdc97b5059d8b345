"""GetRecords: the records of one shard after a position."""

from __future__ import annotations

from typing import Any

from iotlab.table import limits
from iotlab.table.engine import Engine
from iotlab.table.operations.common import Images, Request, decode_item, parse
from iotlab.table.operations.constraints import within
from iotlab.table.store import RecordPage, StreamRecord
from iotlab.table.stream import (
    Page,
    Row,
    decode_iterator,
    encode_iterator,
    identity,
    read_rows,
    record,
    sequence_text,
)


class GetRecords(Request, kw_only=True):
    """The request."""

    shard_iterator: str
    limit: int = limits.STREAM_RECORDS


def execute(engine: Engine, request: dict[str, Any], images: Images) -> dict[str, Any]:
    """Return ``Records``, oldest first, possibly none, and ``NextShardIterator`` unless a closed shard ends here."""
    wanted = parse(request, GetRecords)
    page = _page(engine, wanted.shard_iterator, wanted.limit)
    response: dict[str, Any] = {"Records": [record(row, page.stream.view_type, images) for row in page.rows]}
    if page.following is not None:
        response["NextShardIterator"] = encode_iterator(engine, page.following)
    return response


def record_page(engine: Engine, iterator: str, limit: int) -> RecordPage:
    """Return the same as `execute`, for a caller in this process, with images that are decoded when needed."""
    ends, now_us = engine.ends, engine.clock.now_us()
    if ends.is_at_end(iterator, now_us):
        return RecordPage([], iterator)
    within("limit", limit, (1, limits.STREAM_RECORDS))
    position = decode_iterator(engine, iterator)
    # Taken before the records are read: one that is committed meanwhile changes it.
    stamp = ends.stamp(position.stream_arn)
    page = read_rows(engine, position, limit)
    ends.learn(position.stream_arn, page.stream.records_table)
    following = None if page.following is None else encode_iterator(engine, page.following)
    if not page.rows and following is not None and stamp is not None:
        ends.found_end(following, position.stream_arn, stamp, now_us)
    return RecordPage([_stream_record(row) for row in page.rows], following)


def _page(engine: Engine, iterator: str, limit: int) -> Page:
    within("limit", limit, (1, limits.STREAM_RECORDS))
    return read_rows(engine, decode_iterator(engine, iterator), limit)


def _stream_record(row: Row) -> StreamRecord:
    return StreamRecord(
        sequence_number=sequence_text(row.sequence),
        event_name=row.event_name,
        keys=decode_item(row.keys),
        new_image=row.new,
        old_image=row.old,
        created_at_us=row.created_us,
        user_identity=None if row.identity is None else identity(row.identity),
    )

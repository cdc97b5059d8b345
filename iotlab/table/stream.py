"""Stop 4 of the journey: reading a stream by shard iterator.

A shard iterator is a position (the last sequence number seen in one shard), signed so that a forged one is refused.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import msgspec

from iotlab.clock import US_PER_S
from iotlab.table import limits
from iotlab.table.definition import REGION
from iotlab.table.engine import Engine
from iotlab.table.errors import (
    ExpiredIteratorException,
    ResourceNotFoundException,
    TrimmedDataAccessException,
    ValidationException,
)
from iotlab.table.shards import Shard, StreamRow, is_stream_arn, place, sequence_of
from iotlab.table.sizes import size_bytes
from iotlab.table.store import EventName
from iotlab.table.unit_of_work import EVENT_NAMES
from iotlab.table.values import Item

_SIGNATURE_BYTES = 16
_TRIMMED = (
    "The operation attempted to read past the oldest stream record in a shard. Requested records are older than "
    "the trim horizon."
)
_decode_item = msgspec.json.Decoder(Item).decode


class Position(msgspec.Struct, array_like=True):
    """Where a shard iterator stands.

    Attributes:
        stream_arn: Which stream.
        shard: The number of the shard in it.
        after: The sequence number after which to read.
        issued_us: When the iterator was given out; it lives 15 minutes.
    """

    stream_arn: str
    shard: int
    after: int
    issued_us: int


def sequence_text(sequence: int) -> str:
    """Return a sequence number as DynamoDB's text: 21 digits."""
    return f"{sequence:021d}"


def encode_iterator(engine: Engine, position: Position) -> str:
    """Return a position as the opaque text of a ShardIterator."""
    body = msgspec.json.encode(position)
    signature = hmac.digest(engine.iterator_secret, body, hashlib.sha256)[:_SIGNATURE_BYTES]
    # The body first: with a signature at the beginning, one text in 64 starts with "-", which the AWS CLI takes for
    # an option.
    return base64.urlsafe_b64encode(body + signature).decode("ascii")


def decode_iterator(engine: Engine, text: str) -> Position:
    """Return the position of a ShardIterator.

    Raises:
        ValidationException: it is none of this table's. ExpiredIteratorException: it is older than 15 minutes.
    """
    try:
        raw = base64.urlsafe_b64decode(text)
    except (binascii.Error, ValueError) as error:
        raise ValidationException("Invalid ShardIterator") from error
    body, signature = raw[:-_SIGNATURE_BYTES], raw[-_SIGNATURE_BYTES:]
    expected = hmac.digest(engine.iterator_secret, body, hashlib.sha256)[:_SIGNATURE_BYTES]
    if not hmac.compare_digest(signature, expected):
        raise ValidationException("Invalid ShardIterator")
    position = msgspec.json.decode(body, type=Position)
    if engine.clock.now_us() - position.issued_us > limits.ITERATOR_LIFETIME_S * US_PER_S:
        raise ExpiredIteratorException("Iterator expired. The iterator was created more than 15 minutes ago.")
    return position


def find_stream(engine: Engine, stream_arn: str) -> StreamRow:
    """Return a stream, enabled or ended less than 24 hours ago.

    Raises:
        ValidationException: it is no ARN of a stream. ResourceNotFoundException: there is none of that ARN.
    """
    if not is_stream_arn(stream_arn):
        raise ValidationException("Invalid StreamArn")
    row = engine.read().execute("SELECT * FROM streams WHERE arn=?", (stream_arn,)).fetchone()
    if row is None:
        raise ResourceNotFoundException(f"Requested resource not found: Stream: {stream_arn} not found")
    return StreamRow.of(row)


def list_streams(engine: Engine, *, after: str = "", table_name: str | None = None, limit: int) -> list[StreamRow]:
    """Return up to ``limit`` streams in order of their ARNs, behind ``after``, of one table name or of all."""
    rows = engine.read().execute(
        "SELECT * FROM streams WHERE arn > ? AND (?2 IS NULL OR table_name = ?2) ORDER BY arn LIMIT ?",
        (after, table_name, limit),
    )
    return [StreamRow.of(row) for row in rows]


def list_shards(
    engine: Engine, stream: StreamRow, *, after: str = "", parent: str | None = None, limit: int
) -> list[Shard]:
    """Return up to ``limit`` shards in order of creation, behind the id ``after``; only a parent's if given."""
    rows = engine.read().execute(
        "SELECT * FROM shards WHERE stream=? AND id > ? AND (?3 IS NULL OR parent = ?3) ORDER BY number LIMIT ?",
        (stream.number, after, parent, limit),
    )
    return [Shard(*row) for row in rows]


def find_shard(engine: Engine, stream: StreamRow, shard_id: str) -> Shard:
    """Return a shard of a stream. Raises ResourceNotFoundException."""
    row = engine.read().execute("SELECT * FROM shards WHERE stream=? AND id=?", (stream.number, shard_id)).fetchone()
    if row is None:
        raise ResourceNotFoundException(
            f"Requested resource not found: Shard: {shard_id} in stream: {stream.arn} not found"
        )
    return Shard(*row)


def position_at(engine: Engine, stream: StreamRow, shard: Shard, after: int) -> Position:
    """Return the position in a shard after a sequence number.

    Raises:
        TrimmedDataAccessException: it is older than the 24 hours that a shard keeps.
    """
    if after < shard.trimmed:
        raise TrimmedDataAccessException(_TRIMMED)
    return Position(stream.arn, shard.number, after, engine.clock.now_us())


def sequence_before(engine: Engine, stream: StreamRow, shard: Shard, at_us: int) -> int:
    """Return the sequence number after which a shard's records are of a time or younger.

    A shard's records are in order of time as far as the clock did not step back, so it is found by halving.
    """
    low, high = shard.trimmed, engine.last_sequence()
    behind = (
        f"SELECT place, created_us FROM {stream.records_table} WHERE place > ? AND place < ? ORDER BY place LIMIT 1"
    )
    while low < high:
        middle = (low + high) // 2
        found = engine.read().execute(behind, (place(shard.number, middle), place(shard.number + 1, 0))).fetchone()
        if found is None or found[1] >= at_us:
            high = middle
        else:
            low = sequence_of(found[0])
    return low


class Row(NamedTuple):
    """One stored record, with its images still encoded."""

    place: int
    created_us: int
    event: int
    keys: bytes
    new: bytes | None
    old: bytes | None
    identity: str | None

    @property
    def sequence(self) -> int:
        """Its sequence number."""
        return sequence_of(self.place)

    @property
    def event_name(self) -> EventName:
        """INSERT, MODIFY or REMOVE."""
        return EVENT_NAMES[self.event]

    @property
    def page_bytes(self) -> int:
        """What it counts towards a page's 1 MB."""
        return len(self.keys) + len(self.new or b"") + len(self.old or b"")

    @property
    def size_bytes(self) -> int:
        """Its size by DynamoDB's rule for items: the keys and each image."""
        return sum(size_bytes(_decode_item(part)) for part in (self.keys, self.new, self.old) if part is not None)


class Page(NamedTuple):
    """Records of one shard.

    Attributes:
        rows: Oldest first.
        stream: Their stream.
        following: Where to go on; None once a closed shard is read to its end.
    """

    rows: list[Row]
    stream: StreamRow
    following: Position | None


def read_rows(engine: Engine, position: Position, limit: int) -> Page:
    """Return the records after a position, at most ``limit`` and 1 MB, and where to go on.

    Raises:
        TrimmedDataAccessException: the position is older than what the shard keeps.
        ResourceNotFoundException: the stream ended more than 24 hours ago.
    """
    stream = find_stream(engine, position.stream_arn)
    # The end is read before the records and the trimming after them: what happens in between is never passed over.
    last = _shard_of(engine, stream, position).last
    found = engine.read().execute(
        f"SELECT place, created_us, event, keys, new, old, identity FROM {stream.records_table} "
        "WHERE place > ? AND place < ? ORDER BY place LIMIT ?",
        (place(position.shard, position.after), place(position.shard + 1, 0), limit),
    )
    rows, is_all = _fitting(Row(*values) for values in found)
    if position.after < _shard_of(engine, stream, position).trimmed:
        raise TrimmedDataAccessException(_TRIMMED)
    if last is not None and is_all and len(rows) < limit:
        return Page(rows, stream, None)
    after = rows[-1].sequence if rows else position.after
    return Page(rows, stream, Position(stream.arn, position.shard, after, engine.clock.now_us()))


def _shard_of(engine: Engine, stream: StreamRow, position: Position) -> Shard:
    row = (
        engine.read()
        .execute("SELECT * FROM shards WHERE stream=? AND number=?", (stream.number, position.shard))
        .fetchone()
    )
    if row is None:
        raise TrimmedDataAccessException(_TRIMMED)
    return Shard(*row)


def _fitting(found: Iterable[Row]) -> tuple[list[Row], bool]:
    """Return the rows that fit one page, and whether these are all."""
    rows: list[Row] = []
    page_bytes = 0
    for row in found:
        page_bytes += row.page_bytes
        if rows and page_bytes > limits.STREAM_PAGE_BYTES:
            return rows, False
        rows.append(row)
    return rows, True


def record(row: Row, view_type: str, decode: Callable[[bytes], Any]) -> dict[str, Any]:
    """Return one record in DynamoDB Streams' form. Its time is floored to the second, as DynamoDB's is."""
    change: dict[str, Any] = {
        "ApproximateCreationDateTime": row.created_us // US_PER_S,
        "Keys": decode(row.keys),
        "SequenceNumber": sequence_text(row.sequence),
        "SizeBytes": row.size_bytes,
        "StreamViewType": view_type,
    }
    if row.new is not None:
        change["NewImage"] = decode(row.new)
    if row.old is not None:
        change["OldImage"] = decode(row.old)
    shown: dict[str, Any] = {
        "eventID": f"{row.sequence:032x}",
        "eventName": row.event_name,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": REGION,
        "dynamodb": change,
    }
    if row.identity is not None:
        shown["userIdentity"] = identity(row.identity)
    return shown


def identity(principal: str) -> dict[str, str]:
    """Return the userIdentity of a change that a service made."""
    return {"Type": "Service", "PrincipalId": principal}

"""Stop 4 of the journey: reading a stream by shard iterator.

A shard iterator is a position (the last sequence number seen), signed so that a forged one is refused.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from iotlab.clock import US_PER_S
from iotlab.table import limits
from iotlab.table.definition import TableDefinition
from iotlab.table.engine import Engine, trimmed_sequence
from iotlab.table.errors import (
    ExpiredIteratorException,
    ResourceNotFoundException,
    TrimmedDataAccessException,
    ValidationException,
)
from iotlab.table.store import EventName
from iotlab.table.unit_of_work import EVENT_NAMES

_SIGNATURE_BYTES = 16
_TRIMMED = (
    "The operation attempted to read past the oldest stream record in a shard. Requested records are older than "
    "the trim horizon."
)


class Position(msgspec.Struct, array_like=True):
    """Where a shard iterator stands.

    Attributes:
        stream_arn: Which stream.
        after: The sequence number after which to read.
        issued_us: When the iterator was given out; it lives 15 minutes.
    """

    stream_arn: str
    after: int
    issued_us: int


def sequence_text(sequence: int) -> str:
    """Return a sequence number as DynamoDB's text: 21 digits."""
    return f"{sequence:021d}"


def encode_iterator(engine: Engine, position: Position) -> str:
    """Return a position as the opaque text of a ShardIterator."""
    body = msgspec.json.encode(position)
    signature = hmac.digest(engine.iterator_secret, body, hashlib.sha256)[:_SIGNATURE_BYTES]
    return base64.urlsafe_b64encode(signature + body).decode("ascii")


def decode_iterator(engine: Engine, text: str) -> Position:
    """Return the position of a ShardIterator.

    Raises:
        ValidationException: it is none of this table's. ExpiredIteratorException: it is older than 15 minutes.
    """
    try:
        raw = base64.urlsafe_b64decode(text)
    except (binascii.Error, ValueError) as error:
        raise ValidationException("Invalid ShardIterator") from error
    signature, body = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
    expected = hmac.digest(engine.iterator_secret, body, hashlib.sha256)[:_SIGNATURE_BYTES]
    if not hmac.compare_digest(signature, expected):
        raise ValidationException("Invalid ShardIterator")
    position = msgspec.json.decode(body, type=Position)
    if engine.clock.now_us() - position.issued_us > limits.ITERATOR_LIFETIME_S * US_PER_S:
        raise ExpiredIteratorException("Iterator expired. The iterator was created more than 15 minutes ago.")
    return position


def table_of_stream(engine: Engine, stream_arn: str) -> TableDefinition:
    """Return the table whose stream it is. Raises ResourceNotFoundException."""
    for table in engine.tables():
        if table.stream_arn == stream_arn:
            return table
    raise ResourceNotFoundException(f"Requested resource not found: Stream: {stream_arn} not found")


def start_position(engine: Engine, table: TableDefinition, kind: str, sequence_number: str | None) -> Position:
    """Return the position that a GetShardIterator request asks for.

    Raises:
        TrimmedDataAccessException: the sequence number is older than the 24 hours that a shard keeps.
        ValidationException: the type is unknown, or its sequence number is missing or not wanted.
    """
    arn, now_us = table.stream_arn or "", engine.clock.now_us()
    trimmed = trimmed_sequence(engine, table)
    if kind in {"AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"}:
        if sequence_number is None or not sequence_number.isascii() or not sequence_number.isdigit():
            raise ValidationException(f"A SequenceNumber of digits is required with ShardIteratorType {kind}")
        after = int(sequence_number) - (kind == "AT_SEQUENCE_NUMBER")
        if after < trimmed:
            raise TrimmedDataAccessException(_TRIMMED)
        return Position(arn, after, now_us)
    if sequence_number is not None:
        raise ValidationException(f"SequenceNumber is not allowed with ShardIteratorType {kind}")
    if kind == "TRIM_HORIZON":
        return Position(arn, trimmed, now_us)
    return Position(arn, engine.last_sequence(), now_us)


class Row(NamedTuple):
    """One stored record, with its images still encoded."""

    sequence: int
    created_us: int
    event: int
    keys: bytes
    new: bytes | None
    old: bytes | None

    @property
    def event_name(self) -> EventName:
        """INSERT, MODIFY or REMOVE."""
        return EVENT_NAMES[self.event]

    @property
    def size_bytes(self) -> int:
        """What it counts towards a page's 1 MB."""
        return len(self.keys) + len(self.new or b"") + len(self.old or b"")


def read_rows(engine: Engine, position: Position, limit: int) -> tuple[list[Row], Position]:
    """Return the records after a position, at most ``limit`` and 1 MB, and where to go on.

    Raises:
        TrimmedDataAccessException: the position is older than what the stream keeps.
    """
    table = table_of_stream(engine, position.stream_arn)
    if position.after < trimmed_sequence(engine, table):
        raise TrimmedDataAccessException(_TRIMMED)
    found = engine.read().execute(
        f"SELECT sequence, created_us, event, keys, new, old FROM {table.records_table} "
        "WHERE sequence > ? ORDER BY sequence LIMIT ?",
        (position.after, limit),
    )
    rows: list[Row] = []
    size_bytes = 0
    for values in found:
        row = Row(*values)
        size_bytes += row.size_bytes
        if rows and size_bytes > limits.STREAM_PAGE_BYTES:
            break
        rows.append(row)
    after = rows[-1].sequence if rows else position.after
    return rows, Position(position.stream_arn, after, engine.clock.now_us())


def read_records(
    engine: Engine, position: Position, limit: int, decode: Callable[[bytes], Any]
) -> tuple[list[dict[str, Any]], Position]:
    """Return what `read_rows` does in DynamoDB Streams' form."""
    rows, following = read_rows(engine, position, limit)
    stream = table_of_stream(engine, position.stream_arn).stream
    view = stream.view_type if stream else ""
    return [_record(row, view, decode) for row in rows], following


def _record(row: Row, view: str, decode: Callable[[bytes], Any]) -> dict[str, Any]:
    change: dict[str, Any] = {
        "ApproximateCreationDateTime": row.created_us / US_PER_S,
        "Keys": decode(row.keys),
        "SequenceNumber": sequence_text(row.sequence),
        "SizeBytes": row.size_bytes,
        "StreamViewType": view,
    }
    if row.new is not None:
        change["NewImage"] = decode(row.new)
    if row.old is not None:
        change["OldImage"] = decode(row.old)
    return {
        "eventID": f"{row.sequence:032x}",
        "eventName": row.event_name,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "local",
        "dynamodb": change,
    }

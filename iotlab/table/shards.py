"""A stream and its shards in the data file: opening, rolling into children, closing.

The items of a table are spread over the shards of its stream by the hash that a partition's bytes begin with. Every
four hours the open shards close and a child of each opens; a consumer finishes a parent before its child.

Source: Amazon DynamoDB Developer Guide, "Change data capture for DynamoDB Streams".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import apsw
import msgspec

from iotlab.clock import US_PER_S, iso
from iotlab.table import limits
from iotlab.table.definition import Stream, TableDefinition
from iotlab.table.keys import HASH_BYTES, KeySchema

if TYPE_CHECKING:
    from iotlab.table.unit_of_work import UnitOfWork

SCHEMA = """
CREATE TABLE streams (number INTEGER PRIMARY KEY, arn TEXT NOT NULL UNIQUE, table_number INTEGER NOT NULL,
    table_name TEXT NOT NULL, label TEXT NOT NULL, view_type TEXT NOT NULL, keys BLOB NOT NULL,
    created_us INTEGER NOT NULL, closed_us INTEGER);
CREATE TABLE shards (stream INTEGER, number INTEGER, id TEXT NOT NULL, parent TEXT, opened_us INTEGER NOT NULL,
    first_sequence INTEGER NOT NULL, trimmed INTEGER NOT NULL, last_sequence INTEGER, closed_us INTEGER,
    PRIMARY KEY (stream, number)) WITHOUT ROWID;
"""
_ARN = re.compile(r"arn:[^:]+:dynamodb:[^:]+:[^:]*:table/[^/]+/stream/[^/]+")
SEQUENCE_BITS = 44
_SEQUENCE_MASK = (1 << SEQUENCE_BITS) - 1
_HASHES: int = 256**HASH_BYTES
_LIFETIME_US = limits.SHARD_LIFETIME_S * US_PER_S


class OpenStream(msgspec.Struct, frozen=True):
    """A stream that takes records.

    Attributes:
        number: Unique in the data file; names the table of its records.
        table_number: Whose changes it has.
        view_type: Which images its records have.
        shards: How many are open, numbered one after the other.
        first_shard: The number of the first open one.
        opened_us: When they were opened.
    """

    number: int
    table_number: int
    view_type: str
    shards: int
    first_shard: int
    opened_us: int

    @property
    def records_table(self) -> str:
        """The SQLite table of its records."""
        return records_table(self.number)

    def shard_of(self, partition: bytes) -> int:
        """Return the number of the open shard for a partition, given as its bytes in the file."""
        part: int = int.from_bytes(partition[:HASH_BYTES], "big") * self.shards // _HASHES
        return self.first_shard + part


def records_table(stream: int) -> str:
    """Return the name of the SQLite table of a stream's records."""
    return f"records_{stream}"


def place(shard: int, sequence: int) -> int:
    """Return a record's key in its table: shard and sequence number in one integer, so that both cost one B-tree.

    A table keyed by the pair itself keeps images of a kilobyte in overflow pages, which made a commit a third dearer.
    The bits suffice for 55 years at 10,000 records a second, and for 59 years of four shards.
    """
    return shard << SEQUENCE_BITS | sequence


def sequence_of(record_place: int) -> int:
    """Return the sequence number in a record's key."""
    return record_place & _SEQUENCE_MASK


def shard_id(opened_us: int, number: int) -> str:
    """Return a shard's id, 37 characters; their order is the order of creation."""
    return f"shardId-{opened_us:020d}-{number:08x}"


def open_streams(connection: apsw.Connection) -> list[OpenStream]:
    """Return the streams that take records."""
    rows = connection.execute(
        "SELECT streams.number, table_number, view_type, count(*), min(shards.number), max(opened_us) "
        "FROM streams JOIN shards ON shards.stream = streams.number "
        "WHERE streams.closed_us IS NULL AND shards.closed_us IS NULL GROUP BY streams.number"
    )
    return [OpenStream(*row) for row in rows]


def open_stream(unit: UnitOfWork, table: TableDefinition, view_type: str) -> Stream:
    """Begin a new stream of a table, with as many shards as the table wants, and return it.

    Args:
        unit: The work that creates the table or enables its stream.
        table: Its number, name, keys and number of shards.
        view_type: One of `VIEW_TYPES`.
    """
    connection = unit.connection
    number: int = connection.execute("SELECT value FROM meta WHERE name='next_table'").get
    connection.execute("UPDATE meta SET value=value+1 WHERE name='next_table'")
    # A time of its own keeps its ARN and its shards' ids apart from those of the stream before it.
    created_us = _free_us(connection, table, unit.now_us)
    label = _label(created_us)
    stream = Stream(number, label, view_type)
    row = (number, f"{table.arn}/stream/{label}", table.number, table.name, label, view_type)
    connection.execute(
        "INSERT INTO streams VALUES (?,?,?,?,?,?,?,?,NULL)", (*row, msgspec.json.encode(table.keys), created_us)
    )
    connection.execute(
        f"CREATE TABLE {records_table(number)} (place INTEGER PRIMARY KEY, created_us INTEGER NOT NULL, "
        "event INTEGER NOT NULL, keys BLOB NOT NULL, new BLOB, old BLOB, identity TEXT)"
    )
    for slot in range(table.shards):
        _open_shard(unit, number, slot, created_us, None)
    unit.capture.reload(connection)
    return stream


def close_stream(unit: UnitOfWork, table: TableDefinition) -> None:
    """Close the stream of a table, if it has one; its records stay readable for 24 hours."""
    for stream in open_streams(unit.connection):
        if stream.table_number == table.number:
            _close_shards(unit, stream)
            unit.connection.execute("UPDATE streams SET closed_us=? WHERE number=?", (unit.now_us, stream.number))
    unit.capture.reload(unit.connection)


def roll_streams(unit: UnitOfWork) -> None:
    """Close the shards that are four hours old and open a child of each. Call it before anything is staged."""
    if unit.now_us < unit.capture.roll_due_us:
        return
    for stream in unit.capture.streams.values():
        if unit.now_us - stream.opened_us >= _LIFETIME_US:
            _close_shards(unit, stream)
            for slot in range(stream.shards):
                number = stream.first_shard + slot
                parent = shard_id(stream.opened_us, number)
                _open_shard(unit, stream.number, number + stream.shards, unit.now_us, parent)
    unit.capture.reload(unit.connection)


def roll_due_us(streams: list[OpenStream]) -> int:
    """Return when the first of the open shards becomes four hours old, µs since 1970."""
    return min((stream.opened_us for stream in streams), default=2**62) + _LIFETIME_US


def _open_shard(unit: UnitOfWork, stream: int, number: int, opened_us: int, parent: str | None) -> None:
    last = unit.sequence
    unit.connection.execute(
        "INSERT INTO shards VALUES (?,?,?,?,?,?,?,NULL,NULL)",
        (stream, number, shard_id(opened_us, number), parent, opened_us, last + 1, last),
    )


def _close_shards(unit: UnitOfWork, stream: OpenStream) -> None:
    # The end takes a sequence number of its own, so that a shard without records has a range too.
    unit.capture.sequence += 1
    unit.connection.execute("UPDATE meta SET value=? WHERE name='sequence'", (unit.sequence,))
    unit.connection.execute(
        "UPDATE shards SET last_sequence=?, closed_us=? WHERE stream=? AND closed_us IS NULL",
        (unit.sequence, unit.now_us, stream.number),
    )


def _label(us: int) -> str:
    return iso(us).removesuffix("Z")


def _free_us(connection: apsw.Connection, table: TableDefinition, now_us: int) -> int:
    """Return the time, moved on by milliseconds until no stream of that table name has it as its label."""
    while connection.execute("SELECT 1 FROM streams WHERE arn=?", (f"{table.arn}/stream/{_label(now_us)}",)).get:
        now_us += 1000
    return now_us


class StreamRow(msgspec.Struct, frozen=True):
    """A stream as the file keeps it. It outlives its table by 24 hours.

    Attributes:
        number: Unique in the data file; names the table of its records.
        arn, table_number, table_name, label, view_type, keys: What it is called and what its records have.
        created_us: When it was enabled.
        closed_us: When it was disabled or its table deleted; None while it takes records.
    """

    number: int
    arn: str
    table_number: int
    table_name: str
    label: str
    view_type: str
    keys: KeySchema
    created_us: int
    closed_us: int | None

    @classmethod
    def of(cls, row: Sequence[Any]) -> StreamRow:
        """Return a row of the table ``streams``."""
        values = list(row)
        values[6] = msgspec.json.decode(values[6], type=KeySchema)
        return cls(*values)

    @property
    def records_table(self) -> str:
        """The SQLite table of its records."""
        return records_table(self.number)


class Shard(msgspec.Struct, frozen=True):
    """A shard as the file keeps it.

    Attributes:
        stream, number, id: Which one.
        parent: The id of the shard that it goes on from; None for one that opened with its stream.
        opened_us: When it was opened.
        first: The first sequence number that it may have.
        trimmed: The last sequence number that was trimmed; one before the first while none was.
        last: The sequence number that it ended with; None while it is open.
        closed_us: When it ended.
    """

    stream: int
    number: int
    id: str
    parent: str | None
    opened_us: int
    first: int
    trimmed: int
    last: int | None
    closed_us: int | None


def is_stream_arn(arn: str) -> bool:
    """Return whether a text has the form of a stream's ARN."""
    return _ARN.fullmatch(arn) is not None

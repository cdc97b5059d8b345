"""Time to live: which items have expired, kept so that finding them costs only what expires.

An item expires when its attribute is a Number of epoch seconds that have passed, by at most five years. Each item
with such an attribute has an entry in its table's expiry table, written in the item's transaction.

Source: Amazon DynamoDB Developer Guide, "Using time to live (TTL) in DynamoDB".
"""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING

import apsw
import msgspec

from iotlab.clock import US_PER_S
from iotlab.table import limits
from iotlab.table.definition import TableDefinition
from iotlab.table.keys import Key

if TYPE_CHECKING:
    from iotlab.table.engine import Engine
    from iotlab.table.unit_of_work import UnitOfWork

SCHEMA = "CREATE TABLE expiries (table_number INTEGER PRIMARY KEY, attribute TEXT NOT NULL, pk BLOB, sk BLOB);"
"""Which tables have a time to live, and how far the items that were there before have their entries; NULL: all."""

PRINCIPAL = "dynamodb.amazonaws.com"
"""Who deletes an expired item, in the userIdentity of its stream record."""

_decode = msgspec.json.Decoder().decode
_LATEST_S = Decimal(2**62 // US_PER_S)
_OLDEST_US = limits.EXPIRY_AGE_S * US_PER_S
_BACKFILL_ITEMS = 2000
_DELETE_ITEMS = 100
_Entry = tuple[int, bytes, bytes]
_Place = tuple[bytes, bytes]


def attributes(connection: apsw.Connection) -> dict[int, str]:
    """Return table number → attribute, of the tables with a time to live."""
    return dict(connection.execute("SELECT table_number, attribute FROM expiries"))


def expires_us(body: bytes | None, attribute: str) -> int | None:
    """Return when an encoded item expires, µs since 1970, or None for one that never does."""
    # Most items of most tables have no such attribute: they are not decoded for it.
    if body is None or _needle(attribute) not in body:
        return None
    text = _decode(body).get(attribute, {}).get("N")
    if text is None:
        return None
    seconds = Decimal(text)
    return int(seconds * US_PER_S) if 0 < seconds < _LATEST_S else None


def _needle(attribute: str) -> bytes:
    return msgspec.json.encode(attribute)


def write_entry(connection: apsw.Connection, table: int, entry: _Entry, *, is_added: bool) -> None:
    """Add or remove one entry of a table's expiry table."""
    if is_added:
        connection.execute(f"INSERT OR IGNORE INTO {_entries_table(table)} VALUES (?,?,?)", entry)
    else:
        connection.execute(f"DELETE FROM {_entries_table(table)} WHERE expires_us=? AND pk=? AND sk=?", entry)


def start(unit: UnitOfWork, table: TableDefinition, attribute: str) -> None:
    """Give a table a time to live. `fill` then makes the entries of the items that it has."""
    unit.connection.execute(
        f"CREATE TABLE {_entries_table(table.number)} "
        "(expires_us INTEGER, pk BLOB, sk BLOB, PRIMARY KEY (expires_us, pk, sk)) WITHOUT ROWID"
    )
    unit.connection.execute("INSERT INTO expiries VALUES (?,?,x'',x'')", (table.number, attribute))
    unit.capture.reload(unit.connection)


def stop(unit: UnitOfWork, table: TableDefinition) -> None:
    """Take a table's time to live away, if it has one."""
    unit.connection.execute(f"DROP TABLE IF EXISTS {_entries_table(table.number)}")
    unit.connection.execute("DELETE FROM expiries WHERE table_number=?", (table.number,))
    unit.capture.reload(unit.connection)


def fill(engine: Engine, table: TableDefinition) -> None:
    """Make the entries of the items that were there before, in steps between the writes of others.

    After a crash `expire` goes on with it.
    """
    unfilled = "SELECT 1 FROM expiries WHERE table_number=? AND pk IS NOT NULL"
    while engine.read().execute(unfilled, (table.number,)).get is not None:
        engine.transact(partial(_fill_step, table.number, table.items_table))


def _fill_step(number: int, items_table: str, unit: UnitOfWork) -> None:
    connection = unit.connection
    row = connection.execute("SELECT attribute, pk, sk FROM expiries WHERE table_number=?", (number,)).fetchone()
    if row is None or row[1] is None:
        return
    attribute, partition, sort = row
    unit.flush()
    items: list[tuple[bytes, bytes, bytes]] = connection.execute(
        f"SELECT pk, sk, item FROM {items_table} WHERE (pk, sk) > (?,?) ORDER BY pk, sk LIMIT {_BACKFILL_ITEMS}",
        (partition, sort),
    ).fetchall()  # type: ignore[assignment]
    for pk, sk, body in items:
        at_us = expires_us(body, str(attribute))
        if at_us is not None:
            write_entry(connection, number, (at_us, pk, sk), is_added=True)
    is_done = len(items) < _BACKFILL_ITEMS
    place: tuple[bytes | None, bytes | None] = (None, None) if is_done else (items[-1][0], items[-1][1])
    connection.execute("UPDATE expiries SET pk=?, sk=? WHERE table_number=?", (*place, number))


def expire(engine: Engine, limit: int) -> int:
    """Delete expired items, at most ``limit``; return how many. Raises UnavailableError."""
    deleted = 0
    for table in engine.tables():
        if table.ttl is not None and deleted < limit:
            fill(engine, table)
            deleted += _expire_table(engine, table, limit - deleted)
    return deleted


def _expire_table(engine: Engine, table: TableDefinition, limit: int) -> int:
    deleted = 0
    while deleted < limit and (entries := _expired(engine, table, min(_DELETE_ITEMS, limit - deleted))):
        count = engine.transact(partial(_delete, engine, table, entries))
        if count == 0:
            break
        deleted += count
    return deleted


def _expired(engine: Engine, table: TableDefinition, limit: int) -> list[_Entry]:
    now_us = engine.clock.now_us()
    rows = engine.read().execute(
        f"SELECT expires_us, pk, sk FROM {_entries_table(table.number)} "
        "WHERE expires_us >= ? AND expires_us < ? ORDER BY expires_us, pk, sk LIMIT ?",
        (now_us - _OLDEST_US, now_us, limit),
    )
    return [(int(at_us), bytes(pk), bytes(sk)) for at_us, pk, sk in rows]


def _delete(engine: Engine, seen: TableDefinition, entries: list[_Entry], unit: UnitOfWork) -> int:
    table = next((table for table in engine.tables() if table.number == seen.number), None)
    attribute = unit.capture.ttl_attribute(seen.number)
    if table is None or attribute is None:
        # The table or its time to live went while the entries were read.
        return 0
    deleted = 0
    for at_us, partition, sort in entries:
        key = Key(partition, sort)
        body = unit.get(table, key)
        # An update may have rescued the item since its entry was read.
        if body is not None and expires_us(body, attribute) == at_us:
            keys = table.keys.project(_decode(body))
            unit.put(table, key, None, old=body, key_attributes=keys, identity=PRINCIPAL)
            deleted += 1
    return deleted


def _entries_table(table: int) -> str:
    return f"expiry_{table}"

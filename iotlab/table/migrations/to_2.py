"""Format 2: partitions begin with their hash, streams have shards, numbers are plain digits.

Tables get what they had not before: sizes, tags, tokens, times to live. What a step needs to know of the old and the
new format stands here, so that later changes of the program do not change it.
"""

from __future__ import annotations

import zlib
from decimal import Decimal
from typing import Any, cast

import apsw
import msgspec

_SCHEMA = """
CREATE TABLE sizes (number INTEGER PRIMARY KEY, items INTEGER NOT NULL, bytes INTEGER NOT NULL);
CREATE TABLE tags (table_number INTEGER, key TEXT, value TEXT NOT NULL, PRIMARY KEY (table_number, key))
    WITHOUT ROWID;
CREATE TABLE tokens (token TEXT PRIMARY KEY, digest BLOB NOT NULL, expires_us INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE streams (number INTEGER PRIMARY KEY, arn TEXT NOT NULL UNIQUE, table_number INTEGER NOT NULL,
    table_name TEXT NOT NULL, label TEXT NOT NULL, view_type TEXT NOT NULL, keys BLOB NOT NULL,
    created_us INTEGER NOT NULL, closed_us INTEGER);
CREATE TABLE shards (stream INTEGER, number INTEGER, id TEXT NOT NULL, parent TEXT, opened_us INTEGER NOT NULL,
    first_sequence INTEGER NOT NULL, trimmed INTEGER NOT NULL, last_sequence INTEGER, closed_us INTEGER,
    PRIMARY KEY (stream, number)) WITHOUT ROWID;
CREATE TABLE expiries (table_number INTEGER PRIMARY KEY, attribute TEXT NOT NULL, pk BLOB, sk BLOB);
"""
_ARN = "arn:aws:dynamodb:us-east-1:000000000001:table/"


def migrate(connection: apsw.Connection) -> None:
    """Bring a file of format 1 to format 2; see `iotlab.table.migrations`."""
    connection.execute(_SCHEMA)
    connection.create_scalar_function("placed", cast(Any, _placed), 1, deterministic=True)
    connection.create_scalar_function("plain_numbers", cast(Any, _plain_numbers), 1, deterministic=True)
    for number, definition in connection.execute("SELECT number, definition FROM tables").fetchall():
        _table(connection, int(str(number)), msgspec.json.decode(bytes(definition)))  # type: ignore[arg-type]
    connection.execute("DELETE FROM meta WHERE name LIKE 'trimmed\\_%' ESCAPE '\\'")
    for name in ("placed", "plain_numbers"):
        connection.create_scalar_function(name, None)


def _table(connection: apsw.Connection, number: int, old: dict[str, Any]) -> None:
    _items(connection, number)
    sort = old["keys"].get("sort")
    keys = {"partition": [old["keys"]["partition"]], "sort": [] if sort is None else [sort]}
    new = {
        "number": number,
        "name": old["name"],
        "keys": keys,
        "created_us": old["created_us"],
        "attributes": {one["name"]: one["kind"] for part in keys.values() for one in part},
        "shards": 1,
    }
    if old.get("stream") is not None:
        new["stream"] = _stream(connection, old, keys)
    connection.execute("UPDATE tables SET definition=? WHERE number=?", (msgspec.json.encode(new), number))


def _items(connection: apsw.Connection, number: int) -> None:
    connection.execute(f"ALTER TABLE items_{number} RENAME TO old_items")
    connection.execute(
        f"CREATE TABLE items_{number} "
        "(pk BLOB NOT NULL, sk BLOB NOT NULL, item BLOB NOT NULL, PRIMARY KEY (pk, sk)) WITHOUT ROWID"
    )
    connection.execute(f"INSERT INTO items_{number} SELECT placed(pk), sk, plain_numbers(item) FROM old_items")
    connection.execute("DROP TABLE old_items")
    connection.execute(
        f"INSERT INTO sizes SELECT ?, count(*), coalesce(sum(length(item)), 0) FROM items_{number}", (number,)
    )


def _stream(connection: apsw.Connection, old: dict[str, Any], keys: dict[str, Any]) -> dict[str, Any]:
    stream, name = old["stream"], old["name"]
    number = int(str(connection.execute("SELECT value FROM meta WHERE name='next_table'").get))
    connection.execute("UPDATE meta SET value=value+1 WHERE name='next_table'")
    records, was = f"records_{number}", f"records_{stream['number']}"
    trimmed = connection.execute("SELECT value FROM meta WHERE name=?", (f"trimmed_{was}",)).get or 0
    connection.execute(f"ALTER TABLE {was} RENAME TO old_records")
    connection.execute(
        f"CREATE TABLE {records} (place INTEGER PRIMARY KEY, created_us INTEGER NOT NULL, event INTEGER NOT NULL, "
        "keys BLOB NOT NULL, new BLOB, old BLOB, identity TEXT)"
    )
    # The one shard of it has the number 0, so a record's place is its sequence number.
    connection.execute(
        f"INSERT INTO {records} SELECT sequence, created_us, event, keys, new, old, NULL FROM old_records"
    )
    connection.execute("DROP TABLE old_records")
    row = (
        number,
        f"{_ARN}{name}/stream/{stream['label']}",
        old["number"],
        name,
        stream["label"],
        stream["view_type"],
    )
    connection.execute(
        "INSERT INTO streams VALUES (?,?,?,?,?,?,?,?,NULL)", (*row, msgspec.json.encode(keys), old["created_us"])
    )
    shard = f"shardId-{old['created_us']:020d}-{0:08x}"
    connection.execute(
        "INSERT INTO shards VALUES (?,0,?,NULL,?,1,?,NULL,NULL)", (number, shard, old["created_us"], trimmed)
    )
    return {**stream, "number": number}


def _placed(partition: Any) -> bytes:
    raw = bytes(partition)
    return zlib.crc32(raw).to_bytes(4, "big") + raw


def _plain_numbers(body: Any) -> bytes:
    # Only numbers with an exponent change, and few items have one.
    raw = bytes(body)
    if b"E" not in raw:
        return raw
    return msgspec.json.encode({name: _plain(value) for name, value in msgspec.json.decode(raw).items()})


def _plain(attribute: dict[str, Any]) -> dict[str, Any]:
    ((kind, value),) = attribute.items()
    match kind:
        case "N":
            return {kind: format(Decimal(value), "f")}
        case "NS":
            return {kind: sorted((format(Decimal(element), "f") for element in value), key=Decimal)}
        case "L":
            return {kind: [_plain(element) for element in value]}
        case "M":
            return {kind: {name: _plain(element) for name, element in value.items()}}
        case _:
            return attribute

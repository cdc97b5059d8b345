"""A unit of work over a table elsewhere: reads what it needs, stages in memory, and becomes one TransactWriteItems.

Each item that it replaces is put on condition that it still is what was read. So several bridges may write one table:
of two that change the same item one succeeds, and the other reads again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from iotlab.domain import schema
from iotlab.table.definition import TableDefinition
from iotlab.table.expressions import KeyRange
from iotlab.table.keys import HASH_BYTES, Key
from iotlab.table.store import Put, Store
from iotlab.table.values import AttributeValue, Item

Place = tuple[str, Key]

VERSIONS: dict[str, tuple[str, ...]] = {
    schema.DEVICES: ("stored",),
    # Each change of a ledger counts one of these up.
    schema.LEDGER: ("stored", "refused", "lost", "repeats"),
    schema.UNCLAIMED: ("count",),
    schema.DESCRIPTIONS: ("at_us",),
}
"""Tables whose items change → the numbers that together are the item's version."""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, AttributeValue]).decode


class Reads:
    """Items as they were read, so that a try reads each once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._found: dict[Place, Item | None] = {}

    def prefetch(self, places: Iterable[tuple[TableDefinition, Key]]) -> None:
        """Read many items at once."""
        wanted = {(table.name, key): (table, key) for table, key in places}
        keys: dict[str, list[Item]] = {}
        for table, key in wanted.values():
            keys.setdefault(table.name, []).append(wire_key(table, key))
        self._found = dict.fromkeys(wanted)
        tables = {table.name: table for table, _ in wanted.values()}
        for name, items in self._store.batch_get(keys).items() if keys else ():
            for item in items:
                self._found[name, tables[name].keys.of_item(item)] = item

    def get(self, table: TableDefinition, key: Key) -> Item | None:
        """Return one item, or None when there is none."""
        place = (table.name, key)
        if place not in self._found:
            self._found[place] = self._store.get_item(table.name, wire_key(table, key))
        return self._found[place]

    def newest(self, table: TableDefinition, partition: bytes, *, forward: bool, limit: int) -> list[Item]:
        """Return up to ``limit`` items of one partition, in the order of their sort keys."""
        name = table.keys.names[0]
        values = {":p": {"S": partition[HASH_BYTES:].decode()}}
        items: list[Item] = []
        start: Item | None = None
        while len(items) < limit:
            page = self._store.query(
                table.name,
                "#p = :p",
                names={"#p": name},
                values=values,
                forward=forward,
                limit=limit - len(items),
                start_key=start,
            )
            items += page.items
            start = page.last_key
            if start is None:
                break
        return items


class RemoteUnit:
    """The `Unit` of one transaction. Safe to throw away.

    Args:
        reads: Where items come from.
        written_once: Names of tables whose rows are never changed: what stands there under the same key is the same.
    """

    def __init__(self, reads: Reads, written_once: frozenset[str]) -> None:
        self._reads = reads
        self._written_once = written_once
        self._staged: dict[Place, bytes] = {}
        self._tables: dict[str, TableDefinition] = {}
        self.sequence = 0

    def get(self, table: TableDefinition, key: Key) -> bytes | None:
        """Return the item as this unit would leave it; see `Unit.get`."""
        staged = self._staged.get((table.name, key))
        if staged is not None or table.name in self._written_once:
            return staged
        found = self._reads.get(table, key)
        return None if found is None else _encode(found)

    def put(
        self,
        table: TableDefinition,
        key: Key,
        body: bytes,
        *,
        old: bytes | None,
        key_attributes: Item,  # noqa: ARG002
    ) -> None:
        """Stage one item; see `Unit.put`."""
        if body == old:
            return
        self._tables[table.name] = table
        self._staged[table.name, key] = body
        self.sequence += table.stream is not None

    def select(self, table: TableDefinition, key_range: KeyRange, *, forward: bool, limit: int) -> list[bytes]:
        """Return stored items of a partition; see `Unit.select`."""
        return [
            _encode(item) for item in self._reads.newest(table, key_range.partition, forward=forward, limit=limit)
        ]

    @property
    def size_bytes(self) -> int:
        """An upper bound of what the transaction counts towards its limit."""
        return sum(map(len, self._staged.values()))

    def writes(self) -> list[Put]:
        """Return what is staged, each item under its condition."""
        return [self._write(self._tables[name], key, body) for (name, key), body in self._staged.items()]

    def _write(self, table: TableDefinition, key: Key, body: bytes) -> Put:
        item = _decode(body)
        version = VERSIONS.get(table.name)
        if version is None:
            return Put(table.name, item)
        before = self._reads.get(table, key)
        if before is None:
            return Put(table.name, item, "attribute_not_exists(#p)", {"#p": table.keys.names[0]})
        return _if_unchanged(table.name, item, before, version)


def _if_unchanged(table: str, item: Item, before: Item, version: Sequence[str]) -> Put:
    condition = " AND ".join(f"#{number} = :{number}" for number in range(len(version)))
    names = {f"#{number}": name for number, name in enumerate(version)}
    values = {f":{number}": before[name] for number, name in enumerate(version)}
    return Put(table, item, condition, names, values)


def wire_key(table: TableDefinition, key: Key) -> Item:
    """Return a key in wire form. All keys of the bridge's tables are text."""
    parts = [key.partition[HASH_BYTES:], key.sort][: len(table.keys.names)]
    return {name: {"S": part.decode()} for name, part in zip(table.keys.names, parts, strict=True)}

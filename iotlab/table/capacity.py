"""What an operation costs in capacity units, as ReturnConsumedCapacity reports it. Nothing is throttled by it.

Source: Amazon DynamoDB Developer Guide, "DynamoDB throughput capacity".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from iotlab.table import limits
from iotlab.table.definition import Index, TableDefinition
from iotlab.table.indexes import projected
from iotlab.table.sizes import size_bytes
from iotlab.table.values import AttributeValue, Item

Units = float


def read_units(read_bytes: int, *, consistent: bool, transactional: bool = False, least_units: int = 1) -> Units:
    """Return what reading so many bytes costs: one unit for each 4 KB begun, half if eventually consistent."""
    units = float(max(least_units, -(-read_bytes // limits.READ_UNIT_BYTES)))
    if transactional:
        return units * 2
    return units if consistent else units / 2


def write_units(item_bytes: int, *, transactional: bool = False) -> Units:
    """Return what writing an item of so many bytes costs: one unit for each KB begun."""
    units = float(max(1, -(-item_bytes // limits.WRITE_UNIT_BYTES)))
    return units * 2 if transactional else units


class Consumed:
    """The units that one operation takes from one table and its indexes.

    Args:
        table: Whose units they are.
        kind: ``ReadCapacityUnits`` or ``WriteCapacityUnits`` to tell them apart as transactions do; None otherwise.
    """

    def __init__(self, table: TableDefinition, kind: str | None = None) -> None:
        self._table = table
        self._kind = kind
        self._own: Units = 0.0
        self._indexes: dict[str, Units] = {}

    def add(self, units: Units, index: Index | None = None) -> None:
        """Count units of the table, or of one of its indexes."""
        if index is None:
            self._own += units
        else:
            self._indexes[index.name] = self._indexes.get(index.name, 0.0) + units

    def add_write(self, old: Item | None, new: Item | None, *, transactional: bool = False) -> None:
        """Count one write of an item, from ``old`` to ``new`` (None where there is none), with its index entries."""
        before, after = (0 if item is None else size_bytes(item) for item in (old, new))
        self.add(write_units(max(before, after), transactional=transactional))
        for index in self._table.indexes:
            units = _index_write_units(self._table, index, old, new)
            if units:
                self.add(units * (2 if transactional else 1), index)

    def shown(self, wanted: str | None) -> dict[str, Any] | None:
        """Return the ConsumedCapacity structure for a ReturnConsumedCapacity, or None when nobody asked for it."""
        if wanted is None or wanted == "NONE":
            return None
        total = self._own + sum(self._indexes.values())
        document: dict[str, Any] = {"TableName": self._table.name} | self._units(total)
        if wanted == "INDEXES":
            document["Table"] = self._units(self._own)
            for name, is_local in (("LocalSecondaryIndexes", True), ("GlobalSecondaryIndexes", False)):
                of_kind = {index.name for index in self._table.indexes if index.is_local is is_local}
                found = {key: self._units(units) for key, units in self._indexes.items() if key in of_kind}
                if found:
                    document[name] = found
        return document

    def _units(self, units: Units) -> dict[str, Units]:
        return {"CapacityUnits": units} | ({} if self._kind is None else {self._kind: units})


def _index_write_units(table: TableDefinition, index: Index, old: Item | None, new: Item | None) -> Units:
    before, after = (_entry(table, index, item) for item in (old, new))
    if before == after:
        return 0.0
    if before is not None and after is not None and _same_key(index, before, after):
        return write_units(max(size_bytes(before), size_bytes(after)))
    # A changed key takes the old entry away and puts a new one.
    return sum(write_units(size_bytes(entry)) for entry in (before, after) if entry is not None)


def _entry(table: TableDefinition, index: Index, item: Item | None) -> Item | None:
    if item is None or not all(name in item for name in index.keys.names):
        return None
    return projected(table, index, item)


def _same_key(index: Index, one: Mapping[str, AttributeValue], other: Mapping[str, AttributeValue]) -> bool:
    return all(one[name] == other[name] for name in index.keys.names)

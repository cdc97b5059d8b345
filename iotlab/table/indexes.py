"""Secondary indexes: which entries an item has, and what a reader of an index sees of it.

An entry is a place in the index and the place of its item; the item itself is stored once. So an index never shows an
item that the table does not have, and all projections cost the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import apsw

from iotlab.table.definition import Index, TableDefinition
from iotlab.table.errors import ValidationException
from iotlab.table.keys import Key
from iotlab.table.values import AttributeValue, Item

Entry = tuple[bytes, bytes, bytes, bytes]
"""Index partition, index sort, then the item's own partition and sort."""


def entry(index: Index, key: Key, item: Mapping[str, AttributeValue] | None) -> Entry | None:
    """Return an item's entry in an index; None for no item, or one that lacks one of the index's key attributes."""
    if item is None:
        return None
    place = _place(index, item)
    return None if place is None else (place.partition, place.sort, key.partition, key.sort)


def _place(index: Index, item: Mapping[str, AttributeValue]) -> Key | None:
    try:
        return index.keys.of_indexed(item)
    except ValidationException:
        # It was there before the index, which left it out then.
        return None


def changed_entries(
    table: TableDefinition,
    key: Key,
    old: Mapping[str, AttributeValue] | None,
    new: Mapping[str, AttributeValue] | None,
) -> Iterator[tuple[str, Entry, bool]]:
    """Yield (table of entries, entry, is added) for each entry that a change of one item takes away or adds."""
    for index in table.indexes:
        before, after = entry(index, key, old), entry(index, key, new)
        if before == after:
            continue
        if before is not None:
            yield index.entries_table, before, False
        if after is not None:
            yield index.entries_table, after, True


def write_entry(connection: apsw.Connection, entries_table: str, place: Entry, *, is_added: bool) -> None:
    """Add an entry, or take it away."""
    if is_added:
        connection.execute(f"INSERT OR IGNORE INTO {entries_table} VALUES (?,?,?,?)", place)
    else:
        connection.execute(f"DELETE FROM {entries_table} WHERE ipk=? AND isk=? AND pk=? AND sk=?", place)


def check_index_keys(table: TableDefinition, item: Mapping[str, AttributeValue]) -> None:
    """Refuse an item whose attributes can't be keys of the table's indexes.

    Raises:
        ValidationException: an index key attribute has another type, is empty, or is too long.
    """
    for index in table.indexes:
        for attribute in index.keys.attributes:
            value = item.get(attribute.name)
            if value is None:
                continue
            if attribute.kind not in value:
                actual = next(iter(value))
                raise ValidationException(
                    f"One or more parameter values were invalid: Type mismatch for Index Key {attribute.name} "
                    f"Expected: {attribute.kind} Actual: {actual} IndexName: {index.name}"
                )
            if attribute.kind != "N" and not value[attribute.kind]:
                shown = "string" if attribute.kind == "S" else "binary"
                raise ValidationException(
                    "One or more parameter values are not valid. A value specified for a secondary index key is not "
                    f"supported. The AttributeValue for a key attribute cannot contain an empty {shown} value. "
                    f"IndexName: {index.name}, IndexKey: {attribute.name}"
                )
        index.keys.of_indexed(item)


def projected_names(table: TableDefinition, index: Index) -> frozenset[str] | None:
    """Return the names of the attributes that an index has, or None for all."""
    if index.projection.kind == "ALL":
        return None
    return frozenset((*table.keys.names, *index.keys.names, *index.projection.names))


def projected(table: TableDefinition, index: Index, item: Item) -> Item:
    """Return an item as a reader of the index sees it."""
    names = projected_names(table, index)
    return item if names is None else {name: value for name, value in item.items() if name in names}

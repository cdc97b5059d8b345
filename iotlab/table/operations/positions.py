"""Where a page begins and ends: exclusive start keys, as the bytes that rows are ordered by, and back."""

from __future__ import annotations

from typing import Any

import msgspec

from iotlab.table.definition import Index, TableDefinition
from iotlab.table.errors import ValidationException
from iotlab.table.keys import NO_MATCH, Key
from iotlab.table.validation import canonical_item
from iotlab.table.values import Item

_INVALID = "The provided starting key is invalid"


class Start(msgspec.Struct, frozen=True):
    """An exclusive start key.

    Attributes:
        own: The item's place in its table.
        indexed: Its place in the index that is read; None for a table.
    """

    own: Key
    indexed: Key | None = None

    @property
    def row(self) -> tuple[bytes, ...]:
        """What rows of the whole table or index are ordered by."""
        own = (self.own.partition, self.own.sort)
        return own if self.indexed is None else (self.indexed.partition, self.indexed.sort, *own)


def names_of(table: TableDefinition, index: Index | None) -> tuple[str, ...]:
    """Return the attributes of a LastEvaluatedKey, the table's own keys first."""
    names = table.keys.names if index is None else (*table.keys.names, *index.keys.names)
    return tuple(dict.fromkeys(names))


def last_key(table: TableDefinition, index: Index | None, item: Item) -> Item:
    """Return the LastEvaluatedKey of a page that ends with an item."""
    return {name: item[name] for name in names_of(table, index)}


def checked_values(given: dict[str, Any] | None) -> Item | None:
    """Return a start key's values in canonical form. Raises ValidationException."""
    if given is None:
        return None
    try:
        return canonical_item(given)
    except ValidationException as error:
        raise ValidationException(f"{_INVALID}: {error.message}") from error


def start_of(table: TableDefinition, index: Index | None, values: Item | None) -> Start | None:
    """Return where an exclusive start key lies.

    Raises:
        ValidationException: it has not just the key attributes of table and index, or one of another type.
    """
    if values is None:
        return None
    names = names_of(table, index)
    if set(values) != set(names):
        raise ValidationException(f"{_INVALID}: {NO_MATCH}")
    try:
        own = table.keys.of_key({name: values[name] for name in table.keys.names})
        if index is None:
            return Start(own)
        return Start(own, index.keys.of_key({name: values[name] for name in index.keys.names}))
    except ValidationException as error:
        raise ValidationException(f"{_INVALID}: {error.message}") from error

"""What the bridge needs of a table: a unit of work to stage in, and a batch to commit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from iotlab.bridge.arrival import Arrival
from iotlab.table.definition import TableDefinition
from iotlab.table.expressions import KeyRange
from iotlab.table.keys import Key
from iotlab.table.values import Item


class Unit(Protocol):
    """Changes that become durable together or not at all. Items are encoded as JSON in wire form."""

    @property
    def sequence(self) -> int:
        """The sequence number of the newest stream record staged, as far as the table tells; else any but 0."""
        ...

    def get(self, table: TableDefinition, key: Key) -> bytes | None:
        """Return the item as this unit would leave it, or None when there is none."""
        ...

    def put(self, table: TableDefinition, key: Key, body: bytes, *, old: bytes | None, key_attributes: Item) -> None:
        """Stage one item, with its stream record if the table has a stream.

        Args:
            table, key: Which item.
            body: The item as it will be.
            old: The item as `get` returned it; equal to ``body``, nothing changes.
            key_attributes: The key in wire form, for the record.
        """
        ...

    def select(self, table: TableDefinition, key_range: KeyRange, *, forward: bool, limit: int) -> list[bytes]:
        """Return up to ``limit`` stored items of a whole partition, in the order of their sort keys."""
        ...


class Committed(msgspec.Struct, frozen=True):
    """What a durable batch leaves to be said.

    Attributes:
        stored: (device, boot id) → every sequence number up to this one is accounted for.
        at_us: When the batch became durable, µs since 1970.
    """

    stored: dict[tuple[str, str], int]
    at_us: int


class Batch(Protocol):
    """Messages on their way into the table."""

    def commit(self) -> Committed:
        """Store all messages, each once, and set their fates; return once everything is durable.

        Raises:
            UnavailableError: the table can't be written now. Call it again: what is stored is not stored twice.
        """
        ...


class BridgeStore(Protocol):
    """A table as the pipeline uses it, on its one thread."""

    def batch(self, arrivals: Sequence[Arrival], redelivered: set[str]) -> Batch:
        """Return the batch of these arrivals, in order.

        Args:
            arrivals: The messages.
            redelivered: See `iotlab.bridge.commit.BatchCommit`. The batch adds to it once it is durable.
        """
        ...

    def trace(self, rows: Sequence[Item]) -> None:
        """Store rows of the table ``traces``, soon. They are for a person who looks; nothing waits for them."""
        ...

    def close(self) -> None:
        """Finish what was given to `trace`."""
        ...

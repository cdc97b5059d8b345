"""What a table is: its name, keys and stream, as kept in the data file."""

from __future__ import annotations

from typing import Any, Protocol

import msgspec

from iotlab.table.keys import KeyAttribute, KeySchema

VIEW_TYPES = ("KEYS_ONLY", "NEW_IMAGE", "OLD_IMAGE", "NEW_AND_OLD_IMAGES")
DEFAULT_SHARDS = 4
"""Open shards of a stream, where nobody says otherwise. DynamoDB chooses by load."""

REGION = "us-east-1"
"""What ARNs and stream records name. Clients take a region from an ARN, so it must be one that they know."""

ARN_PREFIX = f"arn:aws:dynamodb:{REGION}:000000000001:table/"


class TableSpec(Protocol):
    """What a caller must say to have a table.

    It may also say ``shards: int`` and ``time_to_live: str | None``; see `shards_of` and `time_to_live_of`.
    """

    @property
    def name(self) -> str: ...
    @property
    def partition_key(self) -> tuple[str, str]: ...
    @property
    def sort_key(self) -> tuple[str, str] | None: ...
    @property
    def stream(self) -> str | None: ...


class Stream(msgspec.Struct, frozen=True):
    """One stream of a table. A table that disables and enables its stream gets another one.

    Attributes:
        number: Unique in the data file; names the table of its records.
        label: The last part of its ARN, an ISO 8601 time.
        view_type: One of `VIEW_TYPES`.
        enabled: False for one that is only still readable.
    """

    number: int
    label: str
    view_type: str
    enabled: bool = True


class Projection(msgspec.Struct, frozen=True):
    """Which attributes an index has.

    Attributes:
        kind: ``ALL``, ``KEYS_ONLY`` or ``INCLUDE``.
        names: With ``INCLUDE``, the attributes beside the keys.
    """

    kind: str = "ALL"
    names: tuple[str, ...] = ()


class Throughput(msgspec.Struct, frozen=True):
    """Provisioned capacity in units a second. It is kept and shown; nothing is throttled by it."""

    read: int = 0
    write: int = 0


class Index(msgspec.Struct, frozen=True):
    """One secondary index.

    Attributes:
        number: Unique in the data file; names the table of its entries.
        name: The name that callers use.
        keys: Its key attributes. A local index shares the table's partition key.
        projection: Which attributes it has.
        is_local: True for a local index, which lives and dies with its table.
        throughput: None unless the table is provisioned.
        is_complete: False while the items that were there before it are still being added.
    """

    number: int
    name: str
    keys: KeySchema
    projection: Projection
    is_local: bool = False
    throughput: Throughput | None = None
    is_complete: bool = True

    @property
    def entries_table(self) -> str:
        """The SQLite table of its entries."""
        return f"index_{self.number}"


class TableDefinition(msgspec.Struct, frozen=True):
    """One table.

    Attributes:
        number: Unique in the data file, never used again; names the table of its items.
        name: The name that callers use.
        keys: Its key attributes.
        created_us: When it was created, µs since 1970.
        stream: Its stream, or None.
        indexes: Local, then global secondary indexes, each in order of creation.
        throughput: None for pay-per-request.
        ttl: The attribute that holds an item's time to live, or None.
        settings: What DescribeTable shows and the engine does not act on, such as the table class.
        protected: True while DeleteTable is refused.
        attributes: The types of all key attributes, of table and indexes, as they were declared.
        shards: How many open shards a stream of it has.
    """

    number: int
    name: str
    keys: KeySchema
    created_us: int
    stream: Stream | None = None
    indexes: tuple[Index, ...] = ()
    throughput: Throughput | None = None
    ttl: str | None = None
    settings: dict[str, Any] = {}
    protected: bool = False
    attributes: dict[str, str] = {}

    def index(self, name: str) -> Index | None:
        """Return the index of that name, or None."""
        return next((index for index in self.indexes if index.name == name), None)

    shards: int = DEFAULT_SHARDS

    @property
    def arn(self) -> str:
        """The table's ARN."""
        return ARN_PREFIX + self.name

    @property
    def stream_arn(self) -> str | None:
        """The ARN of the table's stream, or None."""
        return None if self.stream is None else f"{self.arn}/stream/{self.stream.label}"

    @property
    def items_table(self) -> str:
        """The SQLite table of the items."""
        return items_table(self.number)

    @property
    def records_table(self) -> str:
        """The SQLite table of the stream's records. Only for a table with a stream."""
        if self.stream is None:
            raise ValueError(f"the table {self.name} has no stream")
        return f"records_{self.stream.number}"


def items_table(number: int) -> str:
    """Return the name of the SQLite table that holds the items of table ``number``."""
    return f"items_{number}"


def shards_of(spec: TableSpec) -> int:
    """Return how many open shards a stream of the table is to have: its ``shards``, else `DEFAULT_SHARDS`."""
    return int(getattr(spec, "shards", DEFAULT_SHARDS))


def time_to_live_of(spec: TableSpec) -> str | None:
    """Return the attribute that holds the time to live of the table's items, or None."""
    attribute: str | None = getattr(spec, "time_to_live", None)
    return attribute


def define(spec: TableSpec) -> TableDefinition:
    """Return the draft of a table that needs keys and perhaps a stream."""
    sort = () if spec.sort_key is None else (KeyAttribute(*spec.sort_key),)
    keys = KeySchema((KeyAttribute(*spec.partition_key),), sort)
    types = {one.name: one.kind for one in keys.attributes}
    return TableDefinition(0, spec.name, keys, 0, attributes=types, shards=shards_of(spec))

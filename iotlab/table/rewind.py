"""A table as it was: its items of now, with the old images of everything that changed since.

The first change of an item after a position says what it was at the position; an item without a change since is what
it is. So it takes the stream's records after the position once, and the items once, however far back that is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import chain

import msgspec

from iotlab.clock import US_PER_S
from iotlab.table.errors import TrimmedDataAccessException, ValidationException
from iotlab.table.follower import TRIM_HORIZON, Follower
from iotlab.table.lineage import list_lineage
from iotlab.table.store import Store, StreamRecord
from iotlab.table.values import Item

_canonical = msgspec.json.Encoder(order="deterministic").encode


def rewind(store: Store, table: str, sequence_number: str) -> list[Item]:
    """Return the items as they were right after the change of a sequence number.

    Args:
        store: Where the table is.
        table: Its name. Its stream must have old images.
        sequence_number: The number of any change of the store, or a position of `iotlab.table.follower.Follower`.

    Raises:
        TrimmedDataAccessException: it is older than what the stream keeps.
        ValidationException: the stream has no old images.
        UnavailableError: the table has no stream, or can't be reached now.
    """
    names = _key_names(store, table)
    # The items come before the records: what changes while they are read has a record that says what it was.
    items = {_key(item, names): item for item in store.scan_all(table)}
    return _rewound(items, names, _records(store, table, sequence_number))


def rewind_to(store: Store, table: str, at_us: int) -> list[Item]:
    """Return the items as they were at a time, µs since 1970, by the clock of the service; see `rewind`.

    On Amazon DynamoDB the times of changes are whole seconds.

    Raises:
        TrimmedDataAccessException: the stream is younger, or keeps not all records since that time any more.
    """
    names = _key_names(store, table)
    items = {_key(item, names): item for item in store.scan_all(table)}
    records = _records(store, table, TRIM_HORIZON)
    first = next(records, None)
    if first is None or first.created_at_us > at_us:
        _check_reach(store, table, at_us)
    kept = chain(() if first is None else (first,), records)
    return _rewound(items, names, (record for record in kept if record.created_at_us > at_us))


def digest(items: Iterable[Item]) -> str:
    """Return the SHA-256 of items in their canonical form and order, whatever order they come in."""
    whole = hashlib.sha256()
    for line in sorted(map(_canonical, items)):
        whole.update(line + b"\n")
    return whole.hexdigest()


def _rewound(items: dict[bytes, Item], names: list[str], records: Iterable[StreamRecord]) -> list[Item]:
    changed: set[bytes] = set()
    for record in records:
        key = _key(record.keys, names)
        if key in changed:
            continue
        changed.add(key)
        if record.old_image is None:
            items.pop(key, None)
        else:
            items[key] = record.old_image
    return list(items.values())


def _key_names(store: Store, table: str) -> list[str]:
    description = store.call("DescribeTable", {"TableName": table})["Table"]
    view = description.get("StreamSpecification", {}).get("StreamViewType", "")
    if view not in {"NEW_AND_OLD_IMAGES", "OLD_IMAGE"}:
        raise ValidationException(f"The table {table} has no stream with old images.")
    return [part["AttributeName"] for part in description["KeySchema"]]


def _records(store: Store, table: str, position: str) -> Iterator[StreamRecord]:
    follower = Follower(store, table)
    follower.open_after(position)
    while records := follower.read():
        yield from records


def _key(item: Item, names: list[str]) -> bytes:
    return _canonical([item[name] for name in names])


def _check_reach(store: Store, table: str, at_us: int) -> None:
    """Refuse a time before the oldest record, unless no record was before it since the stream began.

    Raises:
        TrimmedDataAccessException: see above.
    """
    arn = store.stream_arn(table) or ""
    began = datetime.fromisoformat(arn.rpartition("/")[2]).replace(tzinfo=UTC)
    if at_us < began.timestamp() * US_PER_S:
        raise TrimmedDataAccessException(f"The stream of {table} is younger than that time.")
    lineage = list_lineage(store, arn)
    for shard in lineage.roots():
        if lineage.parent(shard) is not None:
            raise TrimmedDataAccessException(f"The stream of {table} does not reach back to that time.")
        # It tells by itself when records at its start are gone.
        store.shard_iterator(arn, shard, "AT_SEQUENCE_NUMBER", lineage.starts[shard])

"""A table as it was: its items of now, with the old images of everything that changed since.

The first change of an item after a position says what it was at the position; an item without a change since is what
it is. So it takes the stream's records after the position once, and the items once, however far back that is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

import msgspec

from iotlab.clock import US_PER_S
from iotlab.table.errors import TrimmedDataAccessException, ValidationException
from iotlab.table.follower import TRIM_HORIZON, Follower
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
    return _rewound(store, table, sequence_number, after_us=0)


def rewind_to(store: Store, table: str, at_us: int) -> list[Item]:
    """Return the items as they were at a time, µs since 1970, by the clock of the service; see `rewind`.

    On Amazon DynamoDB the times of changes are whole seconds.

    Raises:
        TrimmedDataAccessException: the stream is younger, or keeps no records of that time any more.
    """
    if at_us < _stream_began_us(store, table):
        raise TrimmedDataAccessException(f"The stream of {table} is younger than that time.")
    return _rewound(store, table, TRIM_HORIZON, after_us=at_us)


def digest(items: Iterable[Item]) -> str:
    """Return the SHA-256 of items in their canonical form and order, whatever order they come in."""
    whole = hashlib.sha256()
    for line in sorted(map(_canonical, items)):
        whole.update(line + b"\n")
    return whole.hexdigest()


def _rewound(store: Store, table: str, position: str, *, after_us: int) -> list[Item]:
    description = store.call("DescribeTable", {"TableName": table})["Table"]
    view = description.get("StreamSpecification", {}).get("StreamViewType", "")
    if view not in {"NEW_AND_OLD_IMAGES", "OLD_IMAGE"}:
        raise ValidationException(f"The stream of {table} has no old images.")
    names = [part["AttributeName"] for part in description["KeySchema"]]
    # The items come before the records: what changes while they are read has a record that says what it was.
    items = {_key(item, names): item for item in store.scan_all(table)}
    changed: set[bytes] = set()
    for record in _records(store, table, position):
        key = _key(record.keys, names)
        if record.created_at_us <= after_us or key in changed:
            continue
        changed.add(key)
        if record.old_image is None:
            items.pop(key, None)
        else:
            items[key] = record.old_image
    return list(items.values())


def _records(store: Store, table: str, position: str) -> Iterator[StreamRecord]:
    follower = Follower(store, table)
    follower.open_after(position)
    while records := follower.read():
        yield from records


def _key(item: Item, names: list[str]) -> bytes:
    return _canonical([item[name] for name in names])


def _stream_began_us(store: Store, table: str) -> int:
    """Return from when on the stream has all records: its oldest shard's beginning."""
    arn = store.stream_arn(table)
    if arn is None:
        return 0
    return _label_us(arn.rpartition("/")[2])


def _label_us(label: str) -> int:
    from datetime import UTC, datetime  # noqa: PLC0415

    return round(datetime.fromisoformat(label).replace(tzinfo=UTC).timestamp() * US_PER_S)

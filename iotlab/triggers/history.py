"""The history as rules see it: a device as it was at each message, made of the rows of the table ``readings``."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any

import msgspec

from iotlab.domain.schema import READINGS, sort_time
from iotlab.table.store import Store
from iotlab.table.values import Item

_MOST_ROWS = 5000
_PAGE_ROWS = 1000


Wire = dict[str, Any]


class Row(msgspec.Struct, gc=False):
    """One row of ``readings``, as far as rules want to know it, in wire form."""

    at: Wire
    received_us: Wire
    values: Wire | None = None
    message_id: Wire | None = None


class History:
    """Reads what rules must know of the time before they began to look.

    Args:
        store: The lab's table.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, device: str, before_us: int, span_us: int) -> Iterator[Item]:
        """Return the device as it was at each message of a span before a time, oldest first; of very many the newest.

        Raises:
            UnavailableError, TableError: the table failed.
        """
        rows: list[Item] = []
        start_key: Item | None = None
        while True:
            page = self._store.query(
                READINGS,
                "device = :d AND #at BETWEEN :from AND :to",
                names={"#at": "at"},
                values={
                    ":d": {"S": device},
                    ":from": {"S": sort_time(max(before_us - span_us, 0))},
                    ":to": {"S": sort_time(before_us)},
                },
                forward=False,
                limit=_PAGE_ROWS,
                start_key=start_key,
            )
            rows += page.items
            start_key = page.last_key
            if start_key is None or len(rows) >= _MOST_ROWS:
                return images(device, (msgspec.convert(row, Row) for row in reversed(rows)))


def images(
    device: str, rows: Iterable[Row], known: Item | None = None, channels: Collection[str] | None = None
) -> Iterator[Item]:
    """Yield the device's item as it was after each row of its history.

    Args:
        device: Its id.
        rows: Oldest first.
        known: Its item, for what the history does not have: type, room, name and other attributes.
        channels: Those that are wanted; None for all.

    It is the same item each time, brought up to date.
    """
    image: Item = {name: value for name, value in (known or {}).items() if name not in _OF_THE_MESSAGE}
    units = {name: entry["M"]["unit"] for name, entry in _channels(known).items() if "unit" in entry["M"]}
    latest: dict[str, Any] = {}
    image |= {"device": {"S": device}, "channels": {"M": latest}}
    for row in rows:
        values = {} if row.values is None else row.values["M"]
        if not values:
            # A message that brought no reading. Seen once more, the readings before it would seem to have come again.
            continue
        image["received_us"] = row.received_us
        # Seventeen digits of microseconds, without the zeros before them.
        image["measured_us"] = at = {"N": row.at["S"][:17].lstrip("0") or "0"}
        for name in values if channels is None else channels:
            if name in values:
                members = {"value": values[name], "at_us": at}
                if name in units:
                    members["unit"] = units[name]
                latest[name] = {"M": members}
        if row.message_id is not None:
            image["message_id"] = row.message_id
        else:
            image.pop("message_id", None)
        yield image


_OF_THE_MESSAGE = frozenset({"received_us", "measured_us", "channels", "message_id"})


def _channels(image: Item | None) -> dict[str, Any]:
    found: dict[str, Any] = (image or {}).get("channels", {"M": {}})["M"]
    return found

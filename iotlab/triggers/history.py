"""The history as rules see it: a device as it was at each message, made of the rows of the table ``readings``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from iotlab.domain.schema import READINGS, sort_time
from iotlab.table.store import Store
from iotlab.table.values import Item

_MOST_ROWS = 5000
_PAGE_ROWS = 1000


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
                return images(device, reversed(rows))


def images(device: str, rows: Iterable[Item], known: Item | None = None) -> Iterator[Item]:
    """Yield the device's item as it was after each row of its history.

    Args:
        device: Its id.
        rows: Oldest first.
        known: Its item, for what the history does not have: type, room, name and other attributes.

    Each image shares its parts with those after it: it is good until the next one is taken.
    """
    base: Item = {name: value for name, value in (known or {}).items() if name not in _OF_THE_MESSAGE}
    units = {name: entry["M"]["unit"] for name, entry in _channels(known).items() if "unit" in entry["M"]}
    channels: dict[str, Any] = {}
    for row in rows:
        values = row.get("values", {"M": {}})["M"]
        received = row["received_us"]
        at = {"N": str(int(row["at"]["S"].partition("#")[0]))}
        for name, value in values.items():
            members = {"value": value, "at_us": at}
            if name in units:
                members["unit"] = units[name]
            channels[name] = {"M": members}
        image = base | {"device": {"S": device}, "received_us": received, "channels": {"M": channels}}
        if values:
            image["measured_us"] = at
        if "message_id" in row:
            image["message_id"] = row["message_id"]
        yield image


_OF_THE_MESSAGE = frozenset({"received_us", "measured_us", "channels", "message_id"})


def _channels(image: Item | None) -> dict[str, Any]:
    found: dict[str, Any] = (image or {}).get("channels", {"M": {}})["M"]
    return found

"""A lab without broker and devices for tests: a real table in a real file, and items as the bridge writes them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from iotlab.clock import Clock, ManualClock
from iotlab.domain.schema import ALARMS, CHECKPOINTS, DEVICES, JOURNAL, OUTBOX, TABLES
from iotlab.table.engine import Engine
from iotlab.table.store import Store, Transport
from iotlab.table.values import item, plain

START_US = 1_763_958_000_000_000


class KilledError(Exception):
    """Stands for kill -9 at one place."""


WRITES = frozenset({"PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"})


class KillingTransport:
    """Passes calls on until the n-th write, where the process 'dies' before or after the table has executed it.

    A death at a read leaves behind what a death after the write before it leaves.
    """

    def __init__(self, transport: Transport, *, at: int, after: bool) -> None:
        self._transport = transport
        self._left = at
        self._after = after
        self.killed = False

    def call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        self._left -= operation in WRITES
        if self._left > 0 or operation not in WRITES:
            return self._transport.call(operation, request)
        self.killed = True
        if self._after:
            self._transport.call(operation, request)
        raise KilledError(operation)


class LittleLab:
    """A table, a clock and devices that report.

    Args:
        path: The data file.
        clock: Everybody's time.
        shards: Open shards of each stream.
    """

    def __init__(self, path: Path, clock: Clock | None = None, *, shards: int = 1) -> None:
        self.clock = clock or ManualClock(START_US)
        self.engine = Engine.open(path, clock=self.clock)
        self.engine.ensure_tables(msgspec.structs.replace(table, shards=shards) for table in TABLES)
        self.store = Store(self.engine)
        self._devices: dict[str, dict[str, Any]] = {}

    @property
    def hands(self) -> ManualClock:
        """The clock, to be moved by a test."""
        assert isinstance(self.clock, ManualClock)
        return self.clock

    def report(
        self, device: str, *, at_us: int | None = None, units: dict[str, str] | None = None, **values: Any
    ) -> None:
        """Store one message of a device as the bridge does: the device's item with the channels that came."""
        self.store.put_item(DEVICES, item(self.next_item(device, at_us=at_us, units=units, **values)))

    def next_item(
        self, device: str, *, at_us: int | None = None, units: dict[str, str] | None = None, **values: Any
    ) -> dict[str, Any]:
        """Return the device's item after one more message. Names that begin with ``_`` are attributes of the item."""
        now_us = self.clock.now_us()
        at_us = now_us if at_us is None else at_us
        before = self._devices.get(device, {"device": device, "stored": 0, "channels": {}})
        channels = dict(before["channels"])
        for name, value in values.items():
            if not name.startswith("_"):
                unit = {"unit": units[name]} if units and name in units else {}
                channels[name] = {"value": value, "at_us": at_us} | unit
        own = {name[1:]: value for name, value in values.items() if name.startswith("_")}
        after = before | {
            "received_us": now_us,
            "measured_us": at_us,
            "stored": before["stored"] + 1,
            "channels": channels,
            "message_id": None,
        }
        self._devices[device] = after | own
        return self._devices[device]

    def journal(self) -> list[tuple[str, int, str]]:
        """Return (alarm, version, state entered) of every transition."""
        rows = sorted(
            (plain(row) for row in self.store.scan_all(JOURNAL)), key=lambda row: (row["alarm"], row["version"])
        )
        return [(row["alarm"], row["version"], row["to"]) for row in rows]

    def steps(self, alarm: str) -> list[str]:
        """Return the states that one alarm entered, in order."""
        return [to for key, _, to in self.journal() if key == alarm]

    def happened(self, alarm: str) -> list[str]:
        """Return what the transitions of one alarm did, in order."""
        rows = sorted(map(plain, self.store.scan_all(JOURNAL)), key=lambda row: int(row["version"]))
        return [row["what"] for row in rows if row["alarm"] == alarm]

    def alarm(self, key: str) -> dict[str, Any]:
        """Return one alarm's item; empty when there is none."""
        found = self.store.get_item(ALARMS, {"alarm": {"S": key}})
        return {} if found is None else plain(found)

    def outbox(self) -> list[dict[str, Any]]:
        """Return the outbox's rows by key."""
        return sorted((plain(row) for row in self.store.scan_all(OUTBOX)), key=lambda row: str(row["key"]))

    def checkpoint(self) -> str:
        """Return the position up to which the triggers say they are done; empty before the first."""
        found = self.store.get_item(CHECKPOINTS, {"consumer": {"S": "triggers"}})
        return "" if found is None else str(found["sequence_number"]["S"])

    def close(self) -> None:
        self.engine.close()


@contextmanager
def little_lab(path: Path, clock: Clock | None = None, *, shards: int = 1) -> Iterator[LittleLab]:
    lab = LittleLab(path, clock, shards=shards)
    try:
        yield lab
    finally:
        lab.close()

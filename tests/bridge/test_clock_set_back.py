"""A numbered device whose clock is set back: its messages are new ones, and what really comes late stays late."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from iotlab.bridge.arrival import Arrival
from iotlab.bridge.conventions import Resolver, conventions
from iotlab.bridge.ledger import BootLedger
from iotlab.bridge.stores.embedded import EmbeddedStore
from iotlab.clock import US_PER_S, ManualClock
from iotlab.domain.schema import DEVICES, READINGS, TABLES
from iotlab.mqtt.message import Message
from iotlab.table.engine import Engine
from iotlab.table.store import Store
from iotlab.table.values import plain

START_US = 1_763_958_000 * US_PER_S


class Lab:
    """The bridge's store on a real file; each message is a batch of its own."""

    def __init__(self, engine: Engine, clock: ManualClock) -> None:
        self.store = Store(engine)
        self._bridge, self._resolver = EmbeddedStore(engine), Resolver(conventions(), clock)

    def send(self, came_s: int, measured_s: int, seq: int, value: int, boot_id: str = "a") -> None:
        """Receive one message; times are seconds after the start."""
        body = {"boot_id": boot_id, "seq": seq, "ts": START_US // 1000 + measured_s * 1000, "values": {"t": value}}
        received_us = START_US + came_s * US_PER_S
        message = Message("lab/d/telemetry", msgspec.json.encode(body), qos=1, mid=1, received_at_us=received_us)
        self._bridge.batch([Arrival(message, decoded=self._resolver.decode(message))], set()).commit()

    def now(self) -> tuple[int, int]:
        """Return the device's value and its time, in seconds after the start."""
        found = self.store.get_item(DEVICES, {"device": {"S": "d"}})
        assert found is not None
        channel: dict[str, Any] = plain(found)["channels"]["t"]
        return int(channel["value"]), (int(channel["at_us"]) - START_US) // US_PER_S

    def history(self) -> list[int]:
        """Return all values in the order of their times."""
        rows = sorted(map(plain, self.store.scan_all(READINGS)), key=lambda row: str(row["at"]))
        return [int(row["values"]["t"]) for row in rows]


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    clock = ManualClock(START_US)
    engine = Engine.open(tmp_path / "table.db", clock=clock)
    engine.ensure_tables(TABLES)
    yield Lab(engine, clock)
    engine.close()


def test_the_value_after_a_clock_was_set_back_is_the_newest_and_has_the_time_of_its_receipt(lab: Lab) -> None:
    lab.send(7200, 7200, seq=0, value=1)
    lab.send(7500, 3900, seq=1, value=2)
    assert lab.now() == (2, 7500)
    lab.send(7800, 4200, seq=2, value=3)
    assert lab.now() == (3, 7800)
    assert lab.history() == [1, 2, 3]


def test_what_the_device_said_of_its_time_is_kept_in_the_history(lab: Lab) -> None:
    lab.send(7200, 7200, seq=0, value=1)
    lab.send(7500, 3900, seq=1, value=2)
    rows = sorted(map(plain, lab.store.scan_all(READINGS)), key=lambda row: str(row["at"]))
    assert [(row["measured_us"] - START_US) // US_PER_S for row in rows] == [7200, 3900]


def test_a_lower_number_that_comes_late_is_in_the_history_only(lab: Lab) -> None:
    lab.send(7200, 7200, seq=1, value=2)
    lab.send(7500, 7000, seq=0, value=1)
    assert lab.now() == (2, 7200)
    assert lab.history() == [1, 2]


def test_a_gap_that_is_filled_after_the_clock_was_right_again_stays_late(lab: Lab) -> None:
    for seq in (0, 2, 3):
        lab.send(7200 + seq * 60, 7200 + seq * 60, seq=seq, value=seq)
    lab.send(7500, 7260, seq=1, value=1)
    assert lab.now() == (3, 7380)
    assert lab.history() == [0, 1, 2, 3]


def test_an_hour_that_waited_and_comes_in_order_keeps_its_own_times(lab: Lab) -> None:
    lab.send(0, 0, seq=0, value=0)
    for seq in range(1, 4):
        lab.send(3600, seq * 1000, seq=seq, value=seq)
        assert lab.now() == (seq, seq * 1000)


def test_a_boot_whose_clock_is_behind_that_of_the_boot_before_is_the_newest(lab: Lab) -> None:
    lab.send(7200, 7200, seq=9, value=1)
    lab.send(7300, 3700, seq=0, value=2, boot_id="b")
    assert lab.now() == (2, 7300)


def test_the_highest_number_counts_beyond_gaps() -> None:
    ledger = BootLedger()
    assert ledger.highest == -1
    for seq, highest in ((0, 0), (5, 5), (3, 5), (1, 5), (6, 6)):
        ledger.add(seq)
        assert ledger.highest == highest

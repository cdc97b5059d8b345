"""kill -9 of the bridge and of the broker in traffic: nothing lost, nothing stored twice, no gap in the stream.

The emulator is a process of its own and keeps its own books. `IOTLAB_TEST_KILLS` sets the number of kills.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

from iotlab.clock import SystemClock
from iotlab.domain import schema
from iotlab.mqtt.broker import PrivateBroker
from iotlab.table.engine import Engine
from iotlab.table.store import Store
from iotlab.table.values import Item, plain

KILLS = int(os.environ.get("IOTLAB_TEST_KILLS", "4"))
RATE = 500
BETWEEN_S = 1.2


class Lab:
    """A broker, a bridge and an emulator, each a process."""

    def __init__(self, directory: Path, *emulator: str) -> None:
        self.directory = directory
        self.ledger = directory / "emulator-ledger.json"
        self.broker = PrivateBroker(directory, SystemClock())
        self.address = self.broker.start()
        self.bridge = self._start("bridge", "--quiet")
        self.emulator = self._start(
            "emulate", "--quiet", "--rate", str(RATE), "--ledger", str(self.ledger), *emulator
        )
        self._wait(lambda: self.ledger.exists() and self.sent() > RATE)

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        place = [
            "--data-dir",
            str(self.directory),
            "--broker-host",
            "127.0.0.1",
            "--broker-port",
            str(self.address.port),
        ]
        with (self.directory / f"{arguments[0]}.log").open("ab") as log:
            return subprocess.Popen([sys.executable, "-m", "iotlab.cli", *arguments, *place], stdout=log, stderr=log)

    def sent(self) -> int:
        return sum(row["sent"] for row in self.books()["devices"].values())

    def books(self) -> dict[str, Any]:
        books: dict[str, Any] = json.loads(self.ledger.read_text())
        return books

    def kill_bridge(self) -> None:
        self.bridge.kill()
        self.bridge.wait()
        self.bridge = self._start("bridge", "--quiet")

    def pause_bridge(self, seconds: float) -> None:
        self.bridge.kill()
        self.bridge.wait()
        time.sleep(seconds)
        self.bridge = self._start("bridge", "--quiet")

    def kill_broker(self) -> None:
        assert self.broker.pid is not None
        os.kill(self.broker.pid, signal.SIGKILL)
        self._wait(lambda: not self.broker.alive)
        self.broker.ensure_running()

    def settle(self) -> None:
        """Wait until all that was sent so far is acknowledged: devices close a gap after 5 s without progress."""
        until = {device: row["sent"] for device, row in self.books()["devices"].items()}
        self._wait(lambda: all(row["acked"] >= until[name] for name, row in self.books()["devices"].items()))

    def finish(self) -> None:
        """End the devices, which wait until everything is acknowledged, then the bridge, which drains."""
        self.emulator.terminate()
        self.emulator.wait(30)
        self.bridge.terminate()
        self.bridge.wait(30)

    def stop(self) -> None:
        for process in (self.emulator, self.bridge):
            if process.poll() is None:
                process.kill()
            process.wait()
        self.broker.stop()

    @staticmethod
    def _wait(condition: Any) -> None:
        deadline_s = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < deadline_s, "the lab did not come up"
            time.sleep(0.02)


def check(lab: Lab) -> None:
    """The oracle: the emulator's books against the table, and the stream against the table."""
    engine = Engine.open(lab.directory / "table.db")
    try:
        store = Store(engine)
        rows = Counter(
            (row["device"]["S"], int(row["seq"]["N"])) for row in store.scan_all(schema.READINGS) if "seq" in row
        )
        sent = {(device, seq) for device, row in lab.books()["devices"].items() for seq in range(row["sent"])}
        assert len(sent) > KILLS * RATE // 2
        assert not [key for key in sent if key not in rows], "lost"
        assert not [key for key, count in rows.items() if count > 1], "stored twice"
        assert not [key for key in rows if key not in sent], "stored, but never sent"
        _check_stream(store)
    finally:
        engine.close()


def _check_stream(store: Store) -> None:
    arn = store.stream_arn(schema.DEVICES)
    assert arn is not None
    iterator: str | None = store.shard_iterator(arn, store.shards(arn)[0], "TRIM_HORIZON")
    replayed: dict[str, Item] = {}
    versions: dict[str, list[int]] = defaultdict(list)
    while iterator is not None:
        page = store.get_records(iterator)
        for record in page.records:
            assert record.new_image is not None
            device = record.keys["device"]["S"]
            assert record.old_image == replayed.get(device)
            replayed[device] = record.new_image
            versions[device].append(plain(record.new_image)["stored"])
        iterator = page.next_iterator if page.records else None
    assert all(seen == list(range(1, len(seen) + 1)) for seen in versions.values()), "gaps in the stream"
    assert replayed == {row["device"]["S"]: row for row in store.scan_all(schema.DEVICES)}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("victim", ["bridge", "broker"])
def test_nothing_is_lost_or_stored_twice_when_a_process_is_killed_in_traffic(tmp_path: Path, victim: str) -> None:
    lab = Lab(tmp_path)
    try:
        for _ in range(KILLS if victim == "bridge" else max(KILLS // 4, 1)):
            time.sleep(BETWEEN_S)
            lab.kill_bridge() if victim == "bridge" else lab.kill_broker()
        lab.settle()
        lab.finish()
        check(lab)
    finally:
        lab.stop()


@pytest.mark.timeout(300)
def test_what_a_full_outbox_drops_has_a_name_and_holds_up_nothing_after_it(tmp_path: Path) -> None:
    lab = Lab(tmp_path, "--emulator-outbox-capacity", "20")
    try:
        lab.pause_bridge(4)
        lab.settle()
        lab.finish()
        engine = Engine.open(tmp_path / "table.db")
        rows = Counter(row["device"]["S"] for row in Store(engine).scan_all(schema.READINGS) if "seq" in row)
        lost = Counter[str]()
        for row in map(plain, Store(engine).scan_all(schema.LEDGER)):
            lost[row["device"]] += row["lost"]
        engine.close()
        books = lab.books()["devices"]
        assert sum(lost.values()) > 0, "the outboxes did not overflow"
        assert {name: rows[name] + lost[name] for name in books} == {name: row["sent"] for name, row in books.items()}
    finally:
        lab.stop()

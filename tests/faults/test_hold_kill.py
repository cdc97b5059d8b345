"""kill -9 in the middle of a hold, on the real clock: the alarm comes when it would have come.

`IOTLAB_TEST_HOLD_S` sets the hold; the long form is 60 s. The bridge is killed at its half and started again at once.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from iotlab.clock import US_PER_S, SystemClock
from iotlab.domain.schema import ALARMS, JOURNAL
from iotlab.lab.runtime import read_runtime
from iotlab.mqtt.broker import PrivateBroker
from iotlab.mqtt.client import Client
from iotlab.mqtt.options import ClientOptions
from iotlab.table import credentials
from iotlab.table.engine import Engine
from iotlab.table.remote import connect
from iotlab.table.store import Store
from iotlab.table.values import plain
from tests.notify.receiver import Got, Receiver

HOLD_S = float(os.environ.get("IOTLAB_TEST_HOLD_S", "4"))
TOLERANCE_S = 1.0
RULE = '[[rule]]\nid = "warm"\nname = "Too warm"\nchannel = "t"\nabove = 30\nclear = 25\nhold_s = {hold_s}\n'
CHANNELS = '[{name="receiver", kind="webhook", url="env:TEST_RECEIVER"}]'
Record = Callable[[str, object], None]
READING = b'{"values": {"t": 40}}'


class Lab:
    """A broker of the test's own, and a bridge that can be killed."""

    def __init__(self, directory: Path, port: int, url: str) -> None:
        self.directory = directory
        self._port = port
        self._environment = {**os.environ, "IOTLAB_NOTIFY_CHANNEL": CHANNELS, "TEST_RECEIVER": url}
        self.bridge = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        place = ["--data-dir", str(self.directory), "--broker-host", "127.0.0.1", "--broker-port", str(self._port)]
        command = [sys.executable, "-m", "iotlab.cli", "bridge", "--quiet", *place]
        with (self.directory / "bridge.log").open("ab") as log:
            return subprocess.Popen(command, stderr=log, env=self._environment)

    def kill_and_start_again(self) -> None:
        self.bridge.kill()
        self.bridge.wait(10)
        self.bridge = self._start()

    def store(self) -> Store | None:
        running = read_runtime(self.directory)
        if running is None or running.pid != self.bridge.pid:
            return None
        return connect(running.endpoint_url, credentials.load(self.directory))

    def alarm(self) -> dict[str, Any]:
        store = self.store()
        found = None if store is None else store.get_item(ALARMS, {"alarm": {"S": "warm/oven"}})
        return {} if found is None else plain(found)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[PrivateBroker]:
    broker = PrivateBroker(tmp_path, SystemClock())
    yield broker
    broker.stop()


@contextlib.contextmanager
def lab(directory: Path, port: int, url: str) -> Iterator[Lab]:
    running = Lab(directory, port, url)
    try:
        yield running
    finally:
        running.bridge.terminate()
        running.bridge.wait(30)


@pytest.mark.timeout(60 + 2 * HOLD_S)
def test_a_hold_that_a_kill_interrupts_ends_when_it_would_have_ended(
    tmp_path: Path, broker: PrivateBroker, record_property: Record
) -> None:
    (tmp_path / "rules.toml").write_text(RULE.format(hold_s=HOLD_S))
    port = broker.start().port
    arrived_us: list[int] = []

    def note(_number: int) -> int:
        arrived_us.append(time.time_ns() // 1000)
        return 200

    with Receiver(note) as receiver, lab(tmp_path, port, receiver.web_url) as running:
        _until(lambda: running.store() is not None)
        _publish(port)
        _until(lambda: running.alarm().get("state") == "pending")
        began_us: int = running.alarm()["since_us"]
        _sleep_until(began_us + round(HOLD_S / 2 * US_PER_S))
        running.kill_and_start_again()
        _until(lambda: arrived_us != [], HOLD_S + 10)
        told = list(receiver.got)
    _check(tmp_path, began_us, arrived_us, told, record_property)


def _check(directory: Path, began_us: int, arrived_us: list[int], told: list[Got], record_property: Record) -> None:
    engine = Engine.open(directory / "table.db")
    try:
        [raised] = [row for row in map(plain, Store(engine).scan_all(JOURNAL)) if row["to"] == "raised"]
    finally:
        engine.close()
    journal_s = (raised["at_us"] - began_us) / US_PER_S
    arrived_s = (arrived_us[0] - began_us) / US_PER_S
    record_property("raised_s", journal_s)
    record_property("told_s", arrived_s)
    assert abs(journal_s - HOLD_S) <= TOLERANCE_S
    assert abs(arrived_s - HOLD_S) <= TOLERANCE_S
    assert [(one.body["type"], one.is_marked) for one in told] == [("alarm.raised", False)]


def _publish(port: int) -> None:
    client = Client(ClientOptions(port=port), clock=SystemClock())
    client.start()
    _until(lambda: client.status.state == "connected")
    client.publish("lab/oven/telemetry", READING, qos=1)
    _until(lambda: client.counters.published == 1)
    client.stop()


def _sleep_until(at_us: int) -> None:
    # The real clock is what is tested.
    time.sleep(max(at_us - time.time_ns() // 1000, 0) / US_PER_S)


def _until(condition: Callable[[], bool], timeout_s: float = 20.0) -> None:
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline_s, "the lab did not get on"
        time.sleep(0.02)

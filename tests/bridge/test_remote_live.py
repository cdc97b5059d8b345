"""Bridges as processes on a table elsewhere, through a real broker: every message once, also after kill -9."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from iotlab.clock import SystemClock
from iotlab.domain import schema
from iotlab.lab.runtime import read_runtime
from iotlab.mqtt.broker import PrivateBroker
from iotlab.mqtt.client import Client
from iotlab.mqtt.options import ClientOptions
from iotlab.table import credentials
from iotlab.table.remote import RemoteTransport, connect
from iotlab.table.remote.prefix import PrefixedTransport
from iotlab.table.store import Store
from tests.bridge.remote_parts import ledgers, states, stored_seqs
from tests.contract.targets import MOTO_KEYS, moto_server, serving
from tests.mqtt.peers import eventually

DEVICES = 20
MESSAGES = 2000
MOTO_MESSAGES = 100
"""moto copies all items of a table for each transaction: 500 messages took 20 s, the next 500 took 78 s."""

PREFIX = "live-"


class Place:
    """A table elsewhere: its address, how a bridge gets its key pair, and a store of our own on it."""

    def __init__(self, url: str, keys: credentials.Credentials, flags: list[str], messages: int) -> None:
        self.url = url
        self.flags = flags
        self.messages = messages
        self.environment = {"AWS_ACCESS_KEY_ID": keys.access_key_id, "AWS_SECRET_ACCESS_KEY": keys.secret_access_key}
        self.store = Store(PrefixedTransport(RemoteTransport(url, keys), PREFIX))


@pytest.fixture(params=["endpoint", "moto"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "moto":
        with moto_server(tmp_path) as url:
            yield Place(url, MOTO_KEYS, [], MOTO_MESSAGES)
    else:
        served = tmp_path / "served"
        served.mkdir()
        with serving(served) as (url, keys):
            yield Place(url, keys, ["--table-credentials-dir", str(served)], MESSAGES)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[PrivateBroker]:
    broker = PrivateBroker(tmp_path, SystemClock())
    broker.start()
    yield broker
    broker.stop()


class Bridge:
    """`iotlab bridge --table dynamodb` in a data directory of its own."""

    def __init__(self, directory: Path, place: Place, broker: PrivateBroker, *flags: str) -> None:
        self.directory = directory
        address = broker.start()
        self._command = [sys.executable, "-m", "iotlab.cli", "bridge", "--quiet", "--table", "dynamodb"]
        self._command += ["--data-dir", str(directory), "--table-endpoint-url", place.url, "--table-prefix", PREFIX]
        self._command += ["--broker-host", address.host, "--broker-port", str(address.port), *place.flags, *flags]
        self._environment = os.environ | place.environment
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        self.directory.mkdir(exist_ok=True)
        with (self.directory / "bridge.log").open("a") as log:
            process = subprocess.Popen(self._command, stderr=log, stdout=log, env=self._environment)
        eventually(lambda: process.poll() is not None or self._is_connected(), self.log(), timeout_s=60)
        assert process.poll() is None, self.log()
        return process

    def health(self) -> dict[str, Any]:
        runtime = read_runtime(self.directory)
        if runtime is None:
            return {}
        try:
            with urllib.request.urlopen(f"{runtime.endpoint_url}/health", timeout=5) as answer:  # noqa: S310  ours
                document: dict[str, Any] = json.load(answer)
        except OSError:
            return {}
        return document

    def _is_connected(self) -> bool:
        return bool(self.health().get("broker", {}).get("state") == "connected")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)

    def restart(self) -> None:
        self.process = self._start()

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            assert self.process.wait(30) == 0, self.log()

    def log(self) -> str:
        return (self.directory / "bridge.log").read_text()[-2000:]


@contextmanager
def publishing(broker: PrivateBroker) -> Iterator[Client]:
    address = broker.start()
    client = Client(ClientOptions(address.host, address.port, queue_limit=MESSAGES + 1), clock=SystemClock())
    client.start()
    eventually(lambda: client.status.state == "connected")
    yield client
    client.stop()


def publish(client: Client, first: int, last: int) -> None:
    """Publish messages first to last - 1 of all, each device's in order."""
    before = client.counters.published
    for number in range(first, last):
        body = {"boot_id": "b1", "seq": number // DEVICES, "values": {"t": number}}
        client.publish(f"lab/d{number % DEVICES}/telemetry", json.dumps(body).encode(), qos=1)
    eventually(lambda: client.counters.published >= before + last - first, timeout_s=30)


def all_stored(place: Place) -> bool:
    found = ledgers(place.store)
    return len(found) == DEVICES and all(row["contiguous"] == place.messages // DEVICES - 1 for row in found.values())


def assert_each_once(place: Place) -> None:
    each = place.messages // DEVICES
    names = [f"d{number}" for number in range(DEVICES)]
    assert stored_seqs(place.store) == Counter((name, seq) for name in names for seq in range(each))
    assert {name: row["stored"] for name, row in states(place.store).items()} == dict.fromkeys(names, each)
    rows = ledgers(place.store).values()
    assert all(row["stored"] == each and row["refused"] == row["lost"] == 0 for row in rows)


@pytest.mark.slow
def test_messages_are_stored_once_each_over_a_kill(place: Place, broker: PrivateBroker, tmp_path: Path) -> None:
    bridge = Bridge(tmp_path / "one", place, broker)
    try:
        with publishing(broker) as client:
            publish(client, 0, place.messages // 2)
            eventually(lambda: bool(stored_seqs(place.store)), timeout_s=30)
            bridge.kill()
            publish(client, place.messages // 2, place.messages)
            bridge.restart()
            eventually(lambda: all_stored(place), "all stored", timeout_s=90)
        table = bridge.health()["table"]
        assert (table["kind"], table["where"], table["prefix"]) == ("dynamodb", place.url, PREFIX)
        assert bridge.health()["losses"] == {}
    finally:
        bridge.end()
    assert_each_once(place)


@pytest.mark.slow
@pytest.mark.parametrize("place", ["endpoint"], indirect=True)
def test_two_bridges_of_a_group_on_one_table_lose_and_double_nothing(
    place: Place, broker: PrivateBroker, tmp_path: Path
) -> None:
    # Not on moto: of two transactions at the same time, one that is refused undoes what the other did.
    flags = ("--bridge-shared-group", "both")
    bridges = [Bridge(tmp_path / name, place, broker, *flags) for name in ("one", "two")]
    try:
        with publishing(broker) as client:
            publish(client, 0, place.messages // 2)
            bridges[0].kill()
            publish(client, place.messages // 2, place.messages)
            bridges[0].restart()
            eventually(lambda: all_stored(place), "all stored", timeout_s=100)
        assert bridges[1].health()["counters"]["stored"] > 0
        assert bridges[1].health()["losses"] == {}
    finally:
        for one in bridges:
            one.end()
    assert_each_once(place)


@pytest.mark.slow
def test_alarms_notifications_traces_and_the_lab_endpoint_work_on_a_table_elsewhere(
    place: Place, broker: PrivateBroker, tmp_path: Path
) -> None:
    bridge = Bridge(tmp_path / "one", place, broker)
    try:
        with publishing(broker) as client:
            status = {"status": "online", "boot_id": "b1", "type": "probe", "name": "Probe", "room": "lab"}
            client.publish("lab/trace-probe/status", json.dumps(status).encode(), qos=1)
            reading = {"boot_id": "b1", "seq": 0, "values": {"probe": 1}, "id": "followed"}
            client.publish("lab/trace-probe/telemetry", json.dumps(reading).encode(), qos=1)
            runtime = read_runtime(bridge.directory)
            assert runtime is not None
            # As a window or a command does it: through the lab's own endpoint, with the lab's own key pair.
            lab = connect(runtime.endpoint_url, credentials.load(bridge.directory))
            wanted = {"receive", "decode", "commit", "record", "evaluate", "deliver"}

            def stops() -> set[str]:
                page = lab.query(schema.TRACES, "id = :id", values={":id": {"S": "followed"}})
                return {row["stop"]["S"] for row in page.items}

            eventually(lambda: stops() >= wanted, "all stops but the window's", timeout_s=30)
            assert [row["state"]["S"] for row in lab.scan_all(schema.ALARMS)] == ["raised"]
            assert schema.ALARMS in lab.call("ListTables", {})["TableNames"]
    finally:
        bridge.end()

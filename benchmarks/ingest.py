"""Durable ingest at QoS 1, divided by a paho subscriber that only counts and acknowledges.

Both drain the same queue of the same broker: each has a persistent session, is away while the messages are
published, and is timed from its first message to its last. So the publisher costs neither of them anything.
"""

from __future__ import annotations

import json
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from pathlib import Path
from typing import Any

from iotlab.clock import SystemClock
from iotlab.lab.runtime import read_runtime
from iotlab.mqtt.broker import PrivateBroker
from iotlab.mqtt.client import Client
from iotlab.mqtt.options import ClientOptions
from iotlab.table.engine import Engine

MESSAGES = 20_000
DEVICES = 50
ROUNDS = 3


def main() -> None:
    """Run the rounds and print a table."""
    rounds = []
    for number in range(1, ROUNDS + 1):
        with tempfile.TemporaryDirectory() as folder:
            rounds.append(_round(Path(folder)))
        counting, bridge = rounds[-1]
        print(f"round {number}: counting {counting:,.0f}/s, bridge {bridge:,.0f}/s, ratio {bridge / counting:.2f}")
    ratio = statistics.median(bridge / counting for counting, bridge in rounds)
    print(f"median ratio of durable ingest to a counting subscriber: {ratio:.2f} (promised: at least 0.5)")


def _round(folder: Path) -> tuple[float, float]:
    broker = PrivateBroker(folder, SystemClock())
    port = broker.start().port
    try:
        _count(port, 0)
        bridge = _bridge(folder, port)
        _wait(lambda: (_health(folder) or {}).get("broker", {}).get("state") == "connected")
        _end(bridge)
        _publish(port)
        counting_s = float(_count(port, MESSAGES))
        bridge = _bridge(folder, port)
        _wait(lambda: (_health(folder) or {"counters": {"stored": 0}})["counters"]["stored"] >= MESSAGES)
        _end(bridge)
        return MESSAGES / counting_s, MESSAGES / _ingest_s(folder)
    finally:
        broker.stop()


def _ingest_s(folder: Path) -> float:
    """Return the time from the first message's receipt to the commit of the last one's stream record."""
    engine = Engine.open(folder / "table.db")
    try:
        records = engine.table("devices").records_table
        readings = engine.table("readings").items_table
        last_us = engine.read().execute(f"SELECT max(created_us) FROM {records}").get
        rows = engine.read().execute(f"SELECT item FROM {readings}")
        first_us = min(int(json.loads(item)["received_us"]["N"]) for (item,) in rows)
        return float(last_us - first_us) / 1_000_000
    finally:
        engine.close()


def _publish(port: int) -> None:
    client = Client(ClientOptions(port=port, queue_limit=MESSAGES + 1), clock=SystemClock())
    client.start()
    boot_id = uuid.uuid4().hex[:8]
    _wait(lambda: client.status.state == "connected")
    for number in range(MESSAGES):
        device, seq = number % DEVICES, number // DEVICES
        values = {"temperature": 21.5 + seq % 10, "humidity": 45 + seq % 7, "co2": 600 + seq % 90}
        body = {"boot_id": boot_id, "seq": seq, "ts": SystemClock().now_us() // 1000, "values": values}
        client.publish(f"lab/bench-{device}/telemetry", json.dumps(body).encode(), qos=1)
    _wait(lambda: client.counters.published >= MESSAGES)
    client.stop()


def _count(port: int, count: int) -> str:
    command = [sys.executable, "-m", "benchmarks.counting_subscriber", str(port), str(count)]
    return subprocess.run(command, capture_output=True, text=True, timeout=150, check=True).stdout or "0"


def _bridge(folder: Path, port: int) -> subprocess.Popen[bytes]:
    place = ["--data-dir", str(folder), "--broker-host", "127.0.0.1", "--broker-port", str(port), "--quiet"]
    return subprocess.Popen([sys.executable, "-m", "iotlab.cli", "bridge", *place], stderr=subprocess.DEVNULL)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    process.wait(30)


def _health(folder: Path) -> dict[str, Any] | None:
    runtime = read_runtime(folder)
    if runtime is None:
        return None
    try:
        with urllib.request.urlopen(f"{runtime.endpoint_url}/health", timeout=5) as answer:  # noqa: S310  loopback
            document: dict[str, Any] = json.load(answer)
            return document
    except OSError:
        return None


def _wait(condition: object) -> None:
    deadline_s = time.monotonic() + 120
    while not condition():  # type: ignore[operator]
        if time.monotonic() > deadline_s:
            raise TimeoutError("the benchmark did not get on within 120 s")
        time.sleep(0.1)

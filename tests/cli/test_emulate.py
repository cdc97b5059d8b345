"""`iotlab emulate`: finds its broker, plays, and ends at a signal."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from iotlab.clock import SystemClock
from iotlab.mqtt.broker import Address, PrivateBroker
from iotlab.mqtt.ports import free_port

DEADLINE_S = 20.0


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Address]:
    private = PrivateBroker(tmp_path / "broker-data", SystemClock(), port=free_port())
    yield private.start()
    private.stop()


def start(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "iotlab.cli", "emulate", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def until(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline_s = time.monotonic() + DEADLINE_S
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline_s
        time.sleep(0.05)


def sent(ledger: Path) -> int:
    if not ledger.exists():
        return 0
    return sum(int(device["sent"]) for device in json.loads(ledger.read_text())["devices"].values())


def end(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Interrupt twice: the second says not to wait for acknowledgements, which nobody gives here."""
    process.send_signal(signal.SIGINT)
    # Two signals at once would be one to the process. A third could meet the interpreter on its way out.
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0, err
    return out, err


def test_it_joins_the_lab_that_runs_on_the_data_directory(tmp_path: Path, broker: Address) -> None:
    runtime = {"pid": os.getpid(), "broker_host": broker.host, "broker_port": broker.port, "endpoint_url": ""}
    (tmp_path / "lab.json").write_text(json.dumps(runtime))
    ledger = tmp_path / "ledger.json"
    process = start("--data-dir", str(tmp_path), "--devices", "3", "--rate", "20", "--ledger", str(ledger))
    until(lambda: sent(ledger) > 0, process)
    out, err = end(process)
    assert out.startswith(f"Devices publish to {broker.host}:{broker.port}.")
    assert "3 devices sent" in out
    assert err == ""


def test_the_settings_reach_the_run(tmp_path: Path, broker: Address) -> None:
    ledger = tmp_path / "ledger.json"
    (tmp_path / "lab.toml").write_text("[emulator]\nseed = 41\n")
    where = ["--data-dir", str(tmp_path), "--broker-host", broker.host, "--broker-port", str(broker.port)]
    process = start(*where, "--devices", "2", "--rate", "20", "--ledger", str(ledger), "--quiet")
    until(lambda: sent(ledger) > 0, process)
    out, _ = end(process)
    assert out == ""
    written = json.loads(ledger.read_text())
    assert (written["seed"], len(written["devices"])) == (41, 2)


def test_the_scenarios_are_listed() -> None:
    out, _ = start("--list").communicate(timeout=DEADLINE_S)
    assert "home" in out.split()


def test_an_unknown_scenario_is_refused_and_nothing_starts() -> None:
    process = start("--scenario", "hmoe", "--broker-host", "127.0.0.1", "--broker-port", str(free_port()))
    _, err = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 2
    assert "home" in err

"""A lab as it is run: a private mosquitto, and the bridge with rules, functions and channels in its own process."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.report import ROOT
from iotlab.clock import SystemClock
from iotlab.lab.runtime import read_runtime
from iotlab.mqtt.broker import PrivateBroker

_START_S = 60.0


class Lab:
    """A running lab.

    Args:
        folder: Its data directory.
        port: The broker's.
    """

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port

    def health(self) -> dict[str, Any]:
        """Return what ``/health`` says; empty while nothing answers."""
        runtime = read_runtime(self.folder)
        if runtime is None:
            return {}
        with contextlib.suppress(OSError):
            url = f"{runtime.endpoint_url}/health"
            with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310  loopback
                document: dict[str, Any] = json.load(answer)
                return document
        return {}


@contextlib.contextmanager
def lab(folder: Path, environment: Mapping[str, str]) -> Iterator[Lab]:
    """Run a lab on a data directory until the end of the context, when the bridge drains and ends.

    Args:
        folder: The data directory, with its rules and functions.
        environment: Variables for the bridge beside this process's own.
    """
    broker = PrivateBroker(folder, SystemClock())
    port = broker.start().port
    try:
        place = ["--data-dir", str(folder), "--broker-host", "127.0.0.1", "--broker-port", str(port), "--quiet"]
        command = [sys.executable, "-m", "iotlab.cli", "bridge", *place]
        with (folder / "bridge.log").open("ab") as log:
            bridge = subprocess.Popen(command, cwd=ROOT, stderr=log, env={**os.environ, **environment})
        running = Lab(folder, port)
        try:
            wait_until(lambda: running.health().get("broker", {}).get("state") == "connected")
            yield running
        finally:
            bridge.send_signal(signal.SIGTERM)
            bridge.wait(60)
    finally:
        broker.stop()


def wait_until(condition: Callable[[], bool], timeout_s: float = _START_S) -> None:
    """Wait for something. Raises TimeoutError."""
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline_s:
            raise TimeoutError(f"the benchmark did not get on within {timeout_s:g} s")
        time.sleep(0.05)

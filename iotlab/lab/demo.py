"""The demo: broker, bridge, emulated devices and a receiver of notifications, each in a process of its own."""

from __future__ import annotations

import json
import logging
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from iotlab.clock import US_PER_S, Clock, to_datetime
from iotlab.emulator.cast import Script, load_script
from iotlab.errors import LabRunningError, UnavailableError
from iotlab.lab.children import Child
from iotlab.lab.pace import end_pace, set_pace
from iotlab.lab.report import Report, make_report
from iotlab.lab.resources import RULES_FILE, assets_dir
from iotlab.lab.runtime import read_runtime
from iotlab.mqtt.broker import PrivateBroker
from iotlab.table import credentials
from iotlab.table.remote import connect
from iotlab.table.store import Store

_log = logging.getLogger(__name__)
_START_S = 20.0
_READY_S = 12.0
_DAY_US = 86_400 * US_PER_S
_SETTLE_S = 15.0
_URL_VARIABLE = "LAB_DEMO_RECEIVER"
_CHANNELS = f'[{{name="inbox", kind="inbox"}}, {{name="receiver", kind="apprise", url="env:{_URL_VARIABLE}"}}]'


class Demo:
    """All processes of a demo, on one data directory.

    Args:
        directory: The data directory.
        seed: Of the emulated home.
        clock: The machine's time.
        scenario: What is played. Rules that it brings are in force unless the data directory has some.
        speed: Lab seconds in one second of the machine. At any but 1 the lab plays yesterday, from midnight UTC on.

    Attributes:
        since_us: When the run began, in the lab's time.
        end_s: The moment of the machine's monotonic clock at which the scenario is over; None when it has no end.

    Raises:
        ConfigError: the scenario is wrong.
    """

    def __init__(
        self, directory: Path, *, seed: int, clock: Clock, scenario: str = "home", speed: float = 1.0
    ) -> None:
        self._directory = directory
        self._clock = clock
        self._seed = seed
        self._logs = directory / "logs"
        self.ledger = directory / "emulator-ledger.json"
        self.received = directory / "received.jsonl"
        self.broker = PrivateBroker(directory, clock)
        self._receiver = self._child("receiver", ["-m", "iotlab.lab.receiver", str(self.received)])
        self._bridge: Child | None = None
        self._emulator: Child | None = None
        self._window: Child | None = None
        self._window_report = directory / "window-report.json"
        self._scenario = scenario
        self._play = load_script(Script(scenario=scenario, seed=seed))
        self._speed = speed
        self.since_us = clock.now_us()
        self.end_s: float | None = None

    def start(self) -> None:
        """Start everything and wait until the bridge answers.

        Raises:
            LabRunningError: a lab runs on this data directory.
            UnavailableError: a part did not start; the message has the end of its log.
        """
        running = read_runtime(self._directory)
        if running is not None:
            raise LabRunningError(
                f"a lab runs on {self._directory} already (process {running.pid}, {running.endpoint_url})",
                hint="Use that one, or choose another directory with --data-dir.",
            )
        self._directory.mkdir(parents=True, exist_ok=True)
        self.received.unlink(missing_ok=True)
        self.ledger.unlink(missing_ok=True)
        begin = self._set_time()
        address = self.broker.start()
        self._receiver.start()
        url = f"json://127.0.0.1:{self._receiver.first_line()}/"
        place = [
            "--data-dir",
            str(self._directory),
            "--broker-host",
            address.host,
            "--broker-port",
            str(address.port),
        ]
        self._bridge = self._child(
            "bridge",
            ["-m", "iotlab.cli", "bridge", *place, *self._rules()],
            {"IOTLAB_NOTIFY_CHANNEL": _CHANNELS, _URL_VARIABLE: url},
        )
        self._bridge.start()
        self._wait(lambda: self.health() is not None, self._bridge)
        emulate = ["-m", "iotlab.cli", "emulate", "--quiet", "--seed", str(self._seed), "--scenario", self._scenario]
        self._emulator = self._child("emulator", [*emulate, "--ledger", str(self.ledger), *place, *begin])
        self._emulator.start()
        self._wait(self.ledger.exists, self._emulator)

    def _set_time(self) -> list[str]:
        """Let the lab's time run at the demo's speed; return the emulator's flags for that."""
        lasts_s = self._play.lasts_s
        if self._speed == 1.0:
            end_pace(self._directory)
            self.since_us = self._clock.now_us()
            self.end_s = None if lasts_s is None else self._clock.monotonic_s() + lasts_s
            return []
        midnight_us = (self._clock.now_us() // _DAY_US - 1) * _DAY_US
        # All parts must run before the day begins: what a slow start misses of it could not be made up for.
        self.since_us = midnight_us - round(_READY_S * self._speed * US_PER_S)
        clock = set_pace(self._directory, speed=self._speed, start_us=self.since_us)
        self.end_s = None if lasts_s is None else clock.machine_s(midnight_us + round(lasts_s * US_PER_S))
        return ["--begin", f"{to_datetime(midnight_us):%Y-%m-%dT%H:%M:%S}"]

    def _rules(self) -> list[str]:
        if not self._play.rules or (self._directory / RULES_FILE).exists():
            return []
        return ["--rules-file", str(assets_dir() / self._play.rules)]

    def open_window(self, arguments: list[str]) -> None:
        """Open the window on this lab, in a process of its own. ``arguments`` are those of ``iotlab gui``."""
        self._window_report.unlink(missing_ok=True)
        place = ["--data-dir", str(self._directory), "--report", str(self._window_report)]
        self._window = self._child("window", ["-m", "iotlab.cli", "gui", *place, *arguments])
        self._window.start()

    @property
    def window_exit_code(self) -> int | None:
        """None while the window is open, and when there is none."""
        return None if self._window is None else self._window.exit_code

    @property
    def window_log(self) -> str:
        """The end of what the window had to say, for an error message."""
        return "" if self._window is None else self._window.log_tail

    def close_window(self) -> dict[str, Any]:
        """Close the window, if there is one, and return its report."""
        if self._window is not None:
            self._window.stop()
        return json.loads(self._window_report.read_text()) if self._window_report.exists() else {}

    def watch(self) -> None:
        """Start again what has died."""
        if self.broker.ensure_running():
            _log.warning("the broker had died and was started again")
        for child in (self._bridge, self._emulator):
            if child is not None and child.restart_if_dead():
                _log.warning("the %s had died and was started again", child.name)

    def health(self) -> dict[str, Any] | None:
        """Return the lab's ``/health``, or None while it does not answer."""
        runtime = read_runtime(self._directory)
        if runtime is None:
            return None
        try:
            # The URL is the lab's own, from a file that only we can write.
            with urllib.request.urlopen(f"{runtime.endpoint_url}/health", timeout=2) as answer:  # noqa: S310
                document: dict[str, Any] = json.load(answer)
                return document
        except (OSError, ValueError):
            return None

    def store(self) -> Store:
        """Return the lab's table, through its endpoint."""
        runtime = read_runtime(self._directory)
        if runtime is None:
            raise UnavailableError("the lab has ended", hint=f"See {self._logs}")
        return connect(runtime.endpoint_url, credentials.load(self._directory))

    def finish(self) -> Report:
        """End the devices, let everything that is on its way arrive, and return the report. The lab still runs."""
        window = self.close_window()
        if self._emulator is not None:
            self._emulator.stop()
        deadline_s = self._clock.monotonic_s() + _SETTLE_S
        calm = 0
        while calm < 3 and self._clock.monotonic_s() < deadline_s:
            lag = (self.health() or {}).get("lag", {"unknown": 1})
            calm = calm + 1 if not any(lag.values()) else 0
            time.sleep(0.2)
        return make_report(
            self.store(),
            ledger=self.ledger,
            received=self.received,
            health=self.health() or {},
            window=window,
            since_us=self.since_us,
            restarts=self.restarts(),
            speed=self._speed,
        )

    def restarts(self) -> dict[str, int]:
        """Return how often each part had to be started again."""
        children = [child for child in (self._bridge, self._emulator) if child is not None]
        return {"broker": self.broker.restarts} | {child.name: child.restarts for child in children}

    def stop(self) -> None:
        """End all children: devices first, then the bridge, which drains, then the broker."""
        for child in (self._window, self._emulator, self._bridge, self._receiver):
            if child is not None:
                child.stop()
        self.broker.stop()
        end_pace(self._directory)

    def _child(self, name: str, arguments: list[str], environment: dict[str, str] | None = None) -> Child:
        return Child(name, arguments, log=self._logs / f"{name}.log", environment=environment)

    def _wait(self, condition: Callable[[], object], child: Child) -> None:
        deadline_s = self._clock.monotonic_s() + _START_S
        while not condition():
            if child.exit_code is not None or self._clock.monotonic_s() > deadline_s:
                raise UnavailableError(
                    f"the {child.name} did not start:\n{child.log_tail}", hint="Run: iotlab doctor"
                )
            time.sleep(0.05)

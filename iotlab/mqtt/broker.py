"""The lab's own broker, when none is configured: mosquitto if it is installed, else amqtt, on loopback only."""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Literal

import msgspec

from iotlab.clock import Clock
from iotlab.errors import UnavailableError
from iotlab.mqtt.die_with_parent import with_parent
from iotlab.mqtt.mosquitto import find_mosquitto, mosquitto_config
from iotlab.mqtt.ports import LOOPBACK, broker_answers, free_port, is_free

logger = logging.getLogger(__name__)

BrokerKind = Literal["mosquitto", "amqtt"]

START_TIMEOUT_S = 15.0
_POLL_S = 0.02
_LOG_TAIL_LINES = 8
_INSTALL_HINT = "Install mosquitto (Debian: apt install mosquitto, macOS: brew install mosquitto)."


class Address(msgspec.Struct, frozen=True):
    """Where a broker listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class PrivateBroker:
    """A broker as a child process that ends with this one (on Linux even when this one is killed).

    It has a process group of its own, so that Ctrl-C in the terminal reaches the lab first, which then drains.

    Args:
        data_dir: The lab's data directory; the broker's files go into ``broker/`` there.
        clock: Measures how long to wait.
        port: The loopback port; None takes 1883 if it is free, else any. It stays the same at each restart.
        kind: ``auto`` takes mosquitto if it is found, else amqtt.
    """

    def __init__(
        self,
        data_dir: Path,
        clock: Clock,
        port: int | None = None,
        kind: Literal["auto", "mosquitto", "amqtt"] = "auto",
    ) -> None:
        self._directory = (data_dir / "broker").resolve()
        self._clock = clock
        self._port = port
        self._wanted = kind
        self._program: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.RLock()
        self.restarts = 0

    @property
    def kind(self) -> BrokerKind:
        """Return which broker runs, or would run."""
        if self._wanted == "auto":
            return "mosquitto" if self._program or find_mosquitto() else "amqtt"
        return self._wanted

    @property
    def protocol(self) -> Literal["5", "3.1.1"]:
        """Return the protocol to connect with; clients that are told need not find out."""
        return "5" if self.kind == "mosquitto" else "3.1.1"

    @property
    def address(self) -> Address | None:
        """Return where it listens, or None before the first start without a given port."""
        return None if self._port is None else Address(LOOPBACK, self._port)

    @property
    def pid(self) -> int | None:
        """Return the broker's process id while it runs."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    @property
    def alive(self) -> bool:
        """Return whether the process runs."""
        return self.pid is not None

    @property
    def log_path(self) -> Path:
        """Return the file that the broker logs to."""
        return self._directory / f"{self.kind}.log"

    def start(self) -> Address:
        """Start it and wait until it answers; do nothing if it runs.

        Raises:
            UnavailableError: the port is taken, mosquitto is wanted but not there, or it does not answer.
        """
        with self._lock:
            if self.alive and self._port is not None:
                return Address(LOOPBACK, self._port)
            self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            port = self._port if self._port is not None else free_port()
            if not is_free(port):
                raise UnavailableError(
                    f"port {port} on {LOOPBACK} is taken by another program",
                    hint="Stop it, choose another port, or use it as the lab's broker if it is one.",
                )
            self._process = self._launch(self._command(port))
            self._wait_until_it_answers(port)
            self._port = port
            logger.info("%s listens on %s:%d", self.kind, LOOPBACK, port)
            return Address(LOOPBACK, port)

    def ensure_running(self) -> bool:
        """Start it again on its port if it is dead, and return whether that was necessary.

        Raises:
            UnavailableError: as at `start`.
        """
        with self._lock:
            if self.alive:
                return False
            self.restarts += 1
            self.start()
            return True

    def stop(self, timeout_s: float = 5.0) -> None:
        """End it; mosquitto saves its sessions before. After ``timeout_s`` it is killed."""
        with self._lock:
            process, self._process = self._process, None
            if process is None:
                return
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            try:
                process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                logger.warning("%s does not end and is killed", self.kind)
                process.kill()
                process.wait()

    def _command(self, port: int) -> list[str]:
        if self.kind == "amqtt":
            return [sys.executable, "-m", "iotlab.mqtt.amqtt_broker", "--port", str(port)]
        self._program = find_mosquitto()
        if self._program is None:
            raise UnavailableError("mosquitto is not installed", hint=_INSTALL_HINT)
        config = self._directory / "mosquitto.conf"
        config.write_text(mosquitto_config(self._directory, port, self.log_path.name), encoding="utf-8")
        return [str(self._program), "-c", str(config)]

    def _launch(self, command: list[str]) -> subprocess.Popen[bytes]:
        """Start the program from a thread that stays until it ends: on Linux a child dies with its parent thread."""
        started = threading.Event()
        outcome: list[subprocess.Popen[bytes] | OSError] = []

        def keep() -> None:
            try:
                with self.log_path.open("ab") as log:
                    process = subprocess.Popen(
                        with_parent(command),
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=subprocess.STDOUT,
                        cwd=self._directory,
                        env=_environment(),
                        start_new_session=True,
                    )
            except OSError as error:
                outcome.append(error)
                started.set()
                return
            outcome.append(process)
            started.set()
            process.wait()

        threading.Thread(target=keep, name="broker-keeper", daemon=True).start()
        started.wait()
        process = outcome[0]
        if isinstance(process, OSError):
            raise UnavailableError(f"{self.kind} can't be started: {process}", hint=_INSTALL_HINT) from process
        return process

    def _wait_until_it_answers(self, port: int) -> None:
        deadline_s = self._clock.monotonic_s() + START_TIMEOUT_S
        pause = threading.Event()
        while self.alive and self._clock.monotonic_s() < deadline_s:
            # The second look makes sure that it was ours that answered, and not another that took the port first.
            if broker_answers(port) and self.alive:
                return
            pause.wait(_POLL_S)
        state = "does not answer" if self.alive else "ended at once"
        self.stop()
        raise UnavailableError(
            f"{self.kind} on {LOOPBACK}:{port} {state}", hint=f"The end of {self.log_path}:\n{self._log_tail()}"
        )

    def _log_tail(self) -> str:
        try:
            lines = self.log_path.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError as error:
            return f"(it can't be read: {error})"
        return "\n".join(lines[-_LOG_TAIL_LINES:]) or "(it is empty)"


def _environment() -> dict[str, str]:
    """Return the child's environment: ours, and where to find this package when it is not installed."""
    package_root = str(Path(__file__).resolve().parents[2])
    paths = [package_root, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}

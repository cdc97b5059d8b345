"""The child processes of a demo: started so that they end with it, stopped in order, and restarted when one dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from iotlab.mqtt.die_with_parent import with_parent


class Child:
    """One child process of ours, with its output in a log file.

    It has a session of its own, so that Ctrl-C in the terminal reaches the demo first, which then ends its children
    in the right order.

    Args:
        name: For messages and its log file.
        arguments: Python's arguments, such as ``["-m", "iotlab.cli", "bridge"]``.
        log: Where its output goes.
        environment: Variables beside this process's own.
    """

    def __init__(
        self, name: str, arguments: Sequence[str], *, log: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self.restarts = 0
        self._arguments = list(arguments)
        self._log = log
        self._environment = {**os.environ, **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it."""
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                with_parent([sys.executable, *self._arguments]),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE if self._arguments[-1].endswith(".jsonl") else log,
                stderr=log,
                env=self._environment,
                start_new_session=True,
            )

    def first_line(self) -> str:
        """Return the first line of its output; only for the receiver, which says its port there."""
        if self._process is None or self._process.stdout is None:
            return ""
        return self._process.stdout.readline().decode().strip()

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return None if self._process is None else self._process.poll()

    @property
    def log_tail(self) -> str:
        """The end of its log, for an error message."""
        return self._log.read_text(errors="replace")[-1500:] if self._log.exists() else ""

    def restart_if_dead(self) -> bool:
        """Start it again if it has ended; return whether that was necessary."""
        if self.exit_code is None:
            return False
        self.restarts += 1
        self._let_go()
        self.start()
        return True

    def stop(self, timeout_s: float = 15.0) -> None:
        """End it with SIGTERM, which drains; after ``timeout_s`` with SIGKILL."""
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._let_go()

    def _let_go(self) -> None:
        """Close our ends of a process that has ended."""
        if self._process is None:
            return
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()

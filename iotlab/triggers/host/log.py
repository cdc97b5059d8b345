"""A function's log in Lambda's form: the newest lines in memory, more of them in a file of bounded size."""

from __future__ import annotations

import logging
import threading
from collections import deque
from pathlib import Path

from iotlab.clock import Clock, iso
from iotlab.triggers.host.function import VERSION
from iotlab.triggers.host.instance import Answer

LOG = logging.getLogger(__name__)

MAX_LINES = 1000
MAX_FILE_BYTES = 1_000_000
_US_PER_MS = 1000
_MIB = 2**20


class HandlerLog:
    """Keeps what one function wrote. Safe to use from several threads.

    Args:
        file: Where it goes as well; at 1 MB it becomes ``<file>.1`` and a new one begins. None for no file.
        clock: For the times of the host's own lines.
    """

    def __init__(self, file: Path | None, clock: Clock) -> None:
        self._file = file
        self._clock = clock
        self._lines: deque[str] = deque(maxlen=MAX_LINES)
        self._lock = threading.Lock()
        self._is_refused = False

    @property
    def lines(self) -> list[str]:
        """The newest lines, oldest first."""
        with self._lock:
            return list(self._lines)

    def say(self, text: str) -> None:
        """Write a line of the host's own."""
        self.write(f"{iso(self._clock.now_us())} {text}\n")

    def write(self, text: str) -> None:
        """Write lines as they are."""
        if not text:
            return
        with self._lock:
            self._lines += text.splitlines()
            if self._file is not None:
                self._append(self._file, text)

    def _append(self, file: Path, text: str) -> None:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            if file.exists() and file.stat().st_size > MAX_FILE_BYTES:
                file.replace(file.with_name(file.name + ".1"))
            with file.open("a", encoding="utf-8", errors="backslashreplace") as opened:
                opened.write(text if text.endswith("\n") else text + "\n")
        except OSError as error:
            # A full disk ends no function; it is said once, and the lines in memory go on.
            if not self._is_refused:
                LOG.warning("the log %s can't be written: %s", file, error)
            self._is_refused = True
        else:
            self._is_refused = False


def told(answer: Answer, request_id: str, *, memory_mb: int, used_bytes: int, init_us: int) -> str:
    """Return all lines of one invocation: START, what the function wrote, why it failed, END and REPORT.

    Args:
        answer, request_id: The invocation.
        memory_mb: The memory that the function may use.
        used_bytes: The most that its process was seen with.
        init_us: How long its process took to initialise, for a cold start; else 0.
    """
    lines = [f"START RequestId: {request_id} Version: {VERSION}"]
    if answer.output:
        lines.append(answer.output.rstrip("\n"))
    if answer.error is not None and not answer.error.handled:
        lines.append(answer.error.message)
    billed_ms = -(-(answer.duration_us + init_us) // _US_PER_MS)
    report = [
        f"REPORT RequestId: {request_id}",
        f"Duration: {answer.duration_us / _US_PER_MS:.2f} ms",
        f"Billed Duration: {billed_ms} ms",
        f"Memory Size: {memory_mb} MB",
        f"Max Memory Used: {-(-used_bytes // _MIB)} MB",
    ]
    report += [f"Init Duration: {init_us / _US_PER_MS:.2f} ms"] if init_us else []
    return "\n".join([*lines, f"END RequestId: {request_id}", "\t".join(report), ""])

"""What one function did since the start, in figures."""

from __future__ import annotations

import threading

import msgspec

from iotlab.stats import Percentiles, Reservoir
from iotlab.triggers.invoke import FunctionError


class HandlerStats(msgspec.Struct, frozen=True):
    """The figures.

    Attributes:
        name: The function.
        version: The mark of the code that serves; empty before the first invocation.
        invocations, errors: How many, and how many of them failed.
        timeouts, exits: Of the errors: those that took too long, and those whose process ended.
        cold_starts: Invocations that waited for a process to start.
        duration: Of the invocations, in µs.
        init_us: How long the newest process took to initialise.
        memory_bytes: The most memory that a process was seen with.
        processes: How many run now.
        refused: Why the newest code does not serve; empty when it does.
    """

    name: str
    version: str = ""
    invocations: int = 0
    errors: int = 0
    timeouts: int = 0
    exits: int = 0
    cold_starts: int = 0
    duration: Percentiles = Percentiles()
    init_us: int = 0
    memory_bytes: int = 0
    processes: int = 0
    refused: str = ""


class Counting:
    """Counts invocations. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._durations = Reservoir()
        self._counts = {"invocations": 0, "errors": 0, "timeouts": 0, "exits": 0, "cold_starts": 0}
        self._init_us = 0
        self._memory_bytes = 0

    def count(self, duration_us: int, error: FunctionError | None, *, init_us: int, memory_bytes: int) -> None:
        """Count one invocation; ``init_us`` is 0 unless it was a cold start."""
        self._durations.add(duration_us)
        with self._lock:
            self._counts["invocations"] += 1
            self._counts["errors"] += error is not None
            self._counts["timeouts"] += error is not None and error.error_type == "Sandbox.Timedout"
            self._counts["exits"] += error is not None and error.error_type == "Runtime.ExitError"
            self._counts["cold_starts"] += init_us > 0
            self._init_us = init_us or self._init_us
            self._memory_bytes = max(self._memory_bytes, memory_bytes)

    def stats(self, name: str, version: str, processes: int, refused: str) -> HandlerStats:
        """Return the figures as they are now."""
        duration = self._durations.percentiles()
        with self._lock:
            return HandlerStats(
                name,
                version,
                duration=duration,
                init_us=self._init_us,
                memory_bytes=self._memory_bytes,
                processes=processes,
                refused=refused,
                **self._counts,
            )

"""What a mapping counts, and its newest invocations."""

from __future__ import annotations

import threading
from collections import Counter, deque
from typing import Literal

import msgspec

from iotlab.stats import Percentiles, Reservoir
from iotlab.triggers.mapping.invocation import Invocation

MappingState = Literal["enabled", "disabled", "no stream"]
Count = Literal[
    "records",
    "filtered",
    "delivered",
    "handled",
    "batches",
    "errors",
    "retries",
    "splits",
    "dead_letters",
    "expired",
    "gaps",
    "windows",
    "sink_errors",
    "table_errors",
    "journal_errors",
]

RECENT = 200


class MappingStats(msgspec.Struct, frozen=True, kw_only=True):
    """A mapping's figures since the start.

    Attributes:
        name, table, handler: Which mapping.
        state: Whether it runs.
        shards, lanes: Open ones.
        records: Read from the stream; those that no filter wants are ``filtered``.
        delivered: Records in invocations, with repeats. ``handled`` ones are done, ``dead_letters`` given up.
        batches: Invocations that succeeded; ``errors`` those that did not.
        retries, splits: What followed the errors.
        expired: Records given up by age; they are among the dead letters.
        gaps: How often records were gone before they could be read: more than 24 hours behind.
        windows: Tumbling windows that ended.
        sink_errors: What a further destination did not take.
        table_errors: Steps that the table failed; they were repeated.
        journal_errors: Invocations that are missing in the table ``invocations``; they happened all the same.
        lag_records: Read and not yet handled.
        lag_us: Age of the oldest of these; 0 without.
        last_error: The newest error of the function or the table.
        invoke_us: How long invocations took.
    """

    name: str
    table: str
    handler: str
    state: MappingState
    shards: int = 0
    lanes: int = 0
    records: int = 0
    filtered: int = 0
    delivered: int = 0
    handled: int = 0
    batches: int = 0
    errors: int = 0
    retries: int = 0
    splits: int = 0
    dead_letters: int = 0
    expired: int = 0
    gaps: int = 0
    windows: int = 0
    sink_errors: int = 0
    table_errors: int = 0
    journal_errors: int = 0
    lag_records: int = 0
    lag_us: int = 0
    last_error: str = ""
    invoke_us: Percentiles = Percentiles()


class Tally:
    """Counts for all threads of one mapping."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[Count] = Counter()
        self._recent: deque[Invocation] = deque(maxlen=RECENT)
        self.last_error = ""
        self.invoke_us = Reservoir()

    def add(self, name: Count, count: int = 1) -> None:
        """Count something."""
        with self._lock:
            self._counts[name] += count

    def failed(self, error: Exception) -> None:
        """Count a step that the table failed."""
        self.add("table_errors")
        self.last_error = f"{type(error).__name__}: {error}"

    def invoked(self, invocation: Invocation) -> None:
        """Keep an invocation for `recent`."""
        self.invoke_us.add(round(invocation.duration_ms * 1000))
        if invocation.error:
            self.last_error = invocation.error
        with self._lock:
            self._recent.append(invocation)

    def counts(self) -> dict[str, int]:
        """Return all counts by name."""
        with self._lock:
            return {str(name): count for name, count in self._counts.items()}

    def recent(self) -> list[Invocation]:
        """Return the newest invocations, oldest first."""
        with self._lock:
            return list(self._recent)

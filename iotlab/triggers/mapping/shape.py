"""How batches are cut and events are made: plainly, or within tumbling windows that carry the function's state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from iotlab.clock import US_PER_S
from iotlab.triggers.invoke import InvocationResult
from iotlab.triggers.mapping.batch import Batch
from iotlab.triggers.mapping.event import Window, encode_event, encode_window_event, fitting_count, window_of
from iotlab.triggers.mapping.record import Entry
from iotlab.triggers.mapping.response import MAX_STATE_BYTES, Failure, read_failures, read_state
from iotlab.triggers.mapping.settings import MappingSettings

WINDOW_SLACK_US = US_PER_S
"""How long after its end a window waits: a service elsewhere floors its records' times to the second."""


class Shape(Protocol):
    """What a lane asks about its batches. One lane has one; it is used by one thread at a time."""

    window: Window | None
    """The open window; None without."""

    def take(self, waiting: Sequence[Entry]) -> tuple[int, bool]:
        """Return how many of the waiting records the next batch takes, and whether it is full.

        A full batch waits for no others: it has reached the batch size or 6 MB, or another window begins.
        """
        ...

    def is_over(self, waiting: Sequence[Entry], seen_until_us: int, *, is_ended: bool) -> bool:
        """Return whether the open window's last invocation is due.

        Args:
            waiting: The records that wait.
            seen_until_us: Everything that was created until then is among them or was handled.
            is_ended: Whether the shard was read to its end.
        """
        ...

    def event(self, batch: Batch) -> bytes:
        """Return a batch's event."""
        ...

    def read(self, batch: Batch, result: InvocationResult) -> Failure | None:
        """Return what the invocation says of the batch; None for success."""
        ...

    def adopt(self) -> None:
        """Take over the state that came back with the response that was read last."""
        ...

    def close(self) -> None:
        """Take note that the window's last invocation is done, or given up."""
        ...


class PlainShape:
    """Batches without windows. See `Shape`."""

    window: Window | None = None

    def __init__(self, settings: MappingSettings) -> None:
        self._settings = settings

    def take(self, waiting: Sequence[Entry]) -> tuple[int, bool]:
        """See `Shape.take`."""
        count = fitting_count(waiting, self._settings.batch_size)
        return count, count == self._settings.batch_size or count < len(waiting)

    def is_over(self, waiting: Sequence[Entry], seen_until_us: int, *, is_ended: bool) -> bool:  # noqa: ARG002
        """There is no window."""
        return False

    def event(self, batch: Batch) -> bytes:
        """See `Shape.event`."""
        return encode_event(batch.entries)

    def read(self, batch: Batch, result: InvocationResult) -> Failure | None:
        """See `Shape.read`."""
        if result.error is not None:
            return Failure(result.error)
        return read_failures(result.payload, batch.entries) if self._settings.reports_failures else None

    def adopt(self) -> None:
        """There is no state."""

    def close(self) -> None:
        """There is no window."""


class WindowShape:
    """Batches within tumbling windows of one shard. See `Shape`.

    A record belongs to the window of the time of its creation; one that is older than the open window, because
    a clock was set back, belongs to the open one. The state is the function's; it is kept with the position.

    Args:
        settings: The mapping.
        shard, arn: The shard and its stream, which the events name.
        window: The window that was open when the position was stored.
    """

    def __init__(self, settings: MappingSettings, shard: str, arn: str, window: Window | None) -> None:
        self._settings = settings
        self._shard = shard
        self._arn = arn
        self._is_full = False
        self._is_ended = False
        self._given: bytes | None = None
        self.window = window

    def take(self, waiting: Sequence[Entry]) -> tuple[int, bool]:
        """See `Shape.take`. Opens the first record's window if none is open."""
        if self.window is None:
            self.window = window_of(waiting[0].created_us, self._settings.tumbling_window_s)
        end_us = self.window.end_us
        within = next((number for number, entry in enumerate(waiting) if entry.created_us >= end_us), len(waiting))
        count = fitting_count(waiting[:within], self._settings.batch_size, beside_bytes=len(self.window.state))
        return count, count == self._settings.batch_size or count < len(waiting)

    def is_over(self, waiting: Sequence[Entry], seen_until_us: int, *, is_ended: bool) -> bool:
        """See `Shape.is_over`."""
        window = self.window
        if window is None:
            return False
        if waiting:
            return self._is_full or waiting[0].created_us >= window.end_us
        self._is_ended = is_ended
        return self._is_full or is_ended or seen_until_us >= window.end_us + WINDOW_SLACK_US

    def event(self, batch: Batch) -> bytes:
        """See `Shape.event`."""
        window = self._open()
        return encode_window_event(
            batch.entries,
            window,
            self._shard,
            self._arn,
            is_final=batch.is_final,
            is_early=batch.is_final and (self._is_full or self._is_ended),
        )

    def read(self, batch: Batch, result: InvocationResult) -> Failure | None:
        """See `Shape.read`. What was handled before the first record that failed is in the state that came back."""
        self._given = None
        if result.error is not None:
            return Failure(result.error)
        if batch.is_final:
            return None
        state = read_state(result.payload)
        if isinstance(state, Failure):
            return state
        failure = read_failures(result.payload, batch.entries) if self._settings.reports_failures else None
        if failure is None or failure.first_failed:
            self._given = msgspec.json.encode(state)
        return failure

    def adopt(self) -> None:
        """See `Shape.adopt`. A state of more than 1 MB ends its window early."""
        if self._given is not None:
            # The last invocation still gets the whole of it, and the next window begins without.
            self._is_full = len(self._given) > MAX_STATE_BYTES
            self.window = msgspec.structs.replace(self._open(), state=self._given)
        self._given = None

    def close(self) -> None:
        """See `Shape.close`."""
        self.window, self._is_full, self._is_ended = None, False, False

    def _open(self) -> Window:
        if self.window is None:
            raise RuntimeError(f"no window of {self._shard} is open")
        return self.window

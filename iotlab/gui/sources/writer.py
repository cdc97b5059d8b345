"""What the window writes: acknowledgements, and the last stop of traced messages."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from iotlab.clock import Clock
from iotlab.domain import schema
from iotlab.errors import IotlabError, UnavailableError
from iotlab.gui.feed import Applied, EventQueue
from iotlab.gui.models.events import AcknowledgeDone
from iotlab.gui.sources.worker import Worker
from iotlab.table.errors import ConditionalCheckFailedException
from iotlab.table.store import Store
from iotlab.table.values import item
from iotlab.triggers.acknowledge import acknowledge

MAX_TRACES = 10_000


class Writer(Worker):
    """Writes in the background, acknowledgements first.

    Args:
        store: Returns the store of the lab as it is now; raises UnavailableError.
        queue: Where outcomes go.
        clock: Time of the acknowledgements.
        person: Who acknowledges, as others see it.
    """

    def __init__(self, store: Callable[[], Store], queue: EventQueue, clock: Clock, person: str) -> None:
        super().__init__("window-writer")
        self._store = store
        self._queue = queue
        self._clock = clock
        self._person = person
        self._lock = threading.Lock()
        self._alarms: deque[tuple[str, int]] = deque()
        self._traces: deque[Applied] = deque()
        self.traces_lost = 0

    def acknowledge(self, alarm: str, seen_version: int) -> None:
        """Acknowledge an alarm as the person saw it."""
        with self._lock:
            self._alarms.append((alarm, seen_version))
        self.wake()

    def trace(self, applied: Applied) -> None:
        """Write a traced message's last stop; what does not fit is counted."""
        with self._lock:
            if len(self._traces) >= MAX_TRACES:
                self.traces_lost += 1
                return
            self._traces.append(applied)
        self.wake()

    def work(self) -> None:
        """Write one thing."""
        with self._lock:
            alarm = self._alarms.popleft() if self._alarms else None
            traced = self._traces.popleft() if alarm is None and self._traces else None
        if alarm is not None:
            self._acknowledge(*alarm)
        elif traced is not None:
            self._trace(traced)
        else:
            self.pause(None)

    def _acknowledge(self, alarm: str, seen_version: int) -> None:
        try:
            acknowledge(self._store(), alarm, by=self._person, clock=self._clock, seen_version=seen_version)
        except IotlabError as error:
            self._queue.put(AcknowledgeDone(alarm, error.message))
        else:
            self._queue.put(AcknowledgeDone(alarm))

    def _trace(self, applied: Applied) -> None:
        row = item({"id": applied.message_id, "stop": "apply", "at_us": applied.at_us, "detail": "shown in a window"})
        try:
            self._store().put_item(schema.TRACES, row, condition="attribute_not_exists(id)")
        except ConditionalCheckFailedException:
            # Another window was first.
            return
        except UnavailableError:
            with self._lock:
                self.traces_lost += 1

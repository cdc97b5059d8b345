"""How far the evaluator has come in the stream of ``devices``, and the trace rows that go with it."""

from __future__ import annotations

from iotlab.clock import Clock
from iotlab.domain.schema import CHECKPOINTS, TRACES
from iotlab.table.store import Put, Store, Write
from iotlab.table.values import item

CONSUMER = "triggers"
MAX_WRITES = 100
_RECORDS = 1000
_AFTER_S = 1.0


class Checkpoint:
    """The position, which is never ahead of its effects: a transition carries it in its own transaction.

    Args:
        store: The lab's table.
        clock: The time.

    Attributes:
        position: Behind the last record that was judged; None while nothing says where that is.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self.position: str | None = None
        self._traces: list[Write] = []
        self._unsaved = 0
        self._saved_at_s = 0.0
        self._is_unplaced = False

    def load(self) -> str | None:
        """Return the stored position, or None before the first; what was not stored is forgotten."""
        self._traces.clear()
        stored = self._store.get_item(CHECKPOINTS, {"consumer": {"S": CONSUMER}})
        self._unsaved, self._saved_at_s = 0, self._clock.monotonic_s()
        position: str | None = None if stored is None else stored["sequence_number"]["S"]
        return position

    def store_first(self, position: str) -> None:
        """Store the position of a lab without devices, before the first of them can be."""
        self._store.transact_write(self.writes(position, MAX_WRITES))

    def lose(self) -> None:
        """Have no position until the next record gives one."""
        self.position, self._is_unplaced = None, True

    def move(self, position: str) -> None:
        """Take over a position behind one more record."""
        self.position = position
        self._unsaved += 1

    def trace(self, traced: str, stop: str, at_us: int, detail: str) -> None:
        """Have a stop of a traced message stored with the next writes."""
        self._traces.append(Put(TRACES, item({"id": traced, "stop": stop, "at_us": at_us, "detail": detail})))

    def writes(self, position: str | None, room: int) -> list[Write]:
        """Return the writes of a position and of trace rows, at most ``room``."""
        writes: list[Write] = []
        if position is not None:
            row = {"consumer": CONSUMER, "sequence_number": position, "at_us": self._clock.now_us()}
            writes.append(Put(CHECKPOINTS, item(row)))
        return writes + self._traces[: room - len(writes)]

    def saved(self, writes: list[Write]) -> None:
        """Take note that these writes were committed."""
        traces = sum(1 for write in writes if write.table == TRACES)
        del self._traces[:traces]
        if traces < len(writes):
            self._is_unplaced = False
            self._unsaved, self._saved_at_s = 0, self._clock.monotonic_s()

    def save(self) -> None:
        """Write the position and the trace rows that are not yet written. Raises UnavailableError, TableError."""
        while self._traces or (self._unsaved and self.position is not None):
            writes = self.writes(self.position, MAX_WRITES)
            self._store.transact_write(writes)
            self.saved(writes)

    def save_when_due(self) -> None:
        """Write now and then what nothing else carries: after 1,000 records, a second, or when a trace waits."""
        waited_s = self._clock.monotonic_s() - self._saved_at_s
        # After a start from the present state, the first records give the first position to come back to.
        if self._traces or self._is_unplaced or self._unsaved >= _RECORDS or waited_s >= _AFTER_S:
            self.save()

"""Stop 5 of the journey: the consumer of the stream of ``devices`` that turns readings into alarm transitions.

The checkpoint is never ahead of its effects: a transition carries it in its own transaction, and records that cause
none move it only after they were judged. After a crash the records behind it are judged again, against alarms that
already know what happened, which changes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial

from iotlab.clock import US_PER_S, Clock
from iotlab.domain.notification import Route
from iotlab.domain.schema import CHECKPOINTS, DEVICES, TRACES
from iotlab.errors import UnavailableError
from iotlab.table.errors import ExpiredIteratorException, TransactionCanceledException, TrimmedDataAccessException
from iotlab.table.follower import TRIM_HORIZON, Follower
from iotlab.table.store import Put, Store, StreamRecord, Write
from iotlab.table.values import Item, item
from iotlab.triggers.alarms import Alarm, abandoned, held, is_silent
from iotlab.triggers.book import AlarmBook
from iotlab.triggers.evaluator_stats import Counters, EvaluatorStats
from iotlab.triggers.judge import Hit, Judge
from iotlab.triggers.loop import POLL_S, Loop
from iotlab.triggers.ruleset import RuleSet
from iotlab.triggers.watch import Watch, message_id, stored_count
from iotlab.triggers.writes import RULE, transition_writes

LOG = logging.getLogger(__name__)

CONSUMER = "triggers"
RULES_CHANGED = "rules changed"
PAGE_RECORDS = 1000
CHECKPOINT_RECORDS = 1000
CHECKPOINT_S = 1.0
SETTLE_S = 1.0
MAX_WRITES = 100
_ATTEMPTS = 5

Propose = Callable[[Alarm | None], Alarm | None]


class Evaluator:
    """Judges every record of ``devices`` by the rules, in order, and writes each transition exactly once.

    Args:
        store: The lab's table, with all tables created.
        rules: All rules.
        clock: For hold timers and the times of transitions.
        routes: The notification channels; each gets an outbox row for each transition that it wants to know.
        after_commit: Called after each committed transition, on the evaluator's thread, to wake the notifier.
    """

    def __init__(
        self,
        store: Store,
        rules: RuleSet,
        *,
        clock: Clock,
        routes: Sequence[Route] = (),
        after_commit: Callable[[], None] | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._after_commit = after_commit
        self._counters = Counters()
        self._watch = Watch(rules, routes)
        self._book = AlarmBook(store, clock, settle_s=SETTLE_S)
        self._judge = Judge(self._watch, self._book, self._counters)
        self._records = Follower(store, DEVICES)
        self._loop = Loop("triggers", self.step, self._wait_s, self._counters.failed)
        self._is_open = False
        self._is_unplaced = False
        self._position: str | None = None
        self._unsaved = 0
        self._saved_at_s = 0.0
        self._traces: list[Write] = []
        self._snapshot: dict[str, int] = {}

    def start(self) -> None:
        """Take the snapshot now, then evaluate on a thread of its own until `stop`.

        Whatever is stored after this has returned is judged record by record.

        Raises:
            UnavailableError, TableError: the table can't be used now; nothing was started.
        """
        self.step()
        self._loop.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Finish the step in work, save the position and end the thread. Calling it twice does no harm.

        Raises:
            UnavailableError: the step takes longer than ``timeout_s``, or the table can't be written now. The
                checkpoint then stays where it was, which loses nothing.
        """
        self._loop.stop(timeout_s)
        if self._is_open:
            self.save()

    def wake(self) -> None:
        """Look for records now rather than at the next poll; from any thread."""
        self._loop.wake()

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._loop.is_alive

    def stats(self) -> EvaluatorStats:
        """Return figures for health and metrics; from any thread."""
        return self._counters.stats(self._position, dict(self._book.counts))

    def step(self) -> int:
        """Judge the next page of records and fire what is due; return the number of records.

        Raises:
            UnavailableError, TableError: the table failed. The next step starts over from what is stored.
        """
        try:
            if not self._is_open:
                self._start_over()
            self._book.refresh()
            records = self._read()
            self._handle_page(records)
            # A reading that waits behind these records may end a hold: timers fire only near the stream's end.
            if not records or self._clock.now_us() - records[-1].created_at_us < US_PER_S:
                self._fire_timers()
            self._save_when_due()
        except BaseException:
            # What was in flight may or may not have been written: only the table knows.
            self._is_open = False
            raise
        return len(records)

    def save(self) -> None:
        """Write the position and the trace rows that are not yet written. Raises UnavailableError, TableError."""
        while self._traces or (self._unsaved and self._position is not None):
            writes = self._progress(self._position, MAX_WRITES)
            self._store.transact_write(writes)
            self._saved(writes)

    def _wait_s(self) -> float:
        due_s = self._book.next_due_s()
        return POLL_S if due_s is None else min(due_s, POLL_S)

    def _start_over(self) -> None:
        self._traces.clear()
        self._book.load()
        stored = self._store.get_item(CHECKPOINTS, {"consumer": {"S": CONSUMER}})
        self._unsaved, self._saved_at_s = 0, self._clock.monotonic_s()
        if stored is not None:
            self._resume(stored["sequence_number"]["S"])
        elif self._store.scan(DEVICES, limit=1).items:
            self._resync("there is no checkpoint")
        else:
            # A lab without devices: the position is stored before the first of them can be.
            self._store.transact_write(self._progress(TRIM_HORIZON, MAX_WRITES))
            self._resume(TRIM_HORIZON)
        self._drop_unwatched()
        self._is_open = True

    def _resume(self, position: str) -> None:
        self._snapshot.clear()
        self._position = position
        try:
            self._records.open_after(position)
        except TrimmedDataAccessException:
            self._resync("the stream no longer keeps the records after the checkpoint")

    def _read(self) -> list[StreamRecord]:
        try:
            return self._records.read(PAGE_RECORDS)
        except TrimmedDataAccessException:
            self._resync("the stream no longer keeps the next records")
            return []
        except ExpiredIteratorException:
            self._resync("the stream was not read for 15 minutes")
            return []

    def _resync(self, reason: str) -> None:
        # The position comes before the scan; what was seen twice because of that, `_snapshot` tells.
        self._records.open_latest()
        self._position, self._is_unplaced = None, True
        self._snapshot.clear()
        for image in self._store.scan_all(DEVICES):
            device = image["device"]["S"]
            for hit in self._hits(device, image, None, 0):
                self._take(hit, device, image)
        if self._snapshot:
            self._counters.resynced(reason)
            LOG.warning(
                "alarms start from the present state of %d devices: %s; what came and went in between was not judged",
                len(self._snapshot),
                reason,
            )

    def _drop_unwatched(self) -> None:
        for alarm in [alarm for alarm in self._book.alarms.values() if alarm.state != "cleared"]:
            image = self._store.get_item(DEVICES, {"device": {"S": alarm.device}})
            if not self._watch.still_watches(alarm, image):
                self._commit(alarm.alarm, self._without_rule, self._position, by=RULES_CHANGED)

    def _handle_page(self, records: list[StreamRecord]) -> None:
        read_us = self._clock.now_us()
        self._counters.page_read(records, read_us)
        durations_us: list[int] = []
        for record in records:
            if record.new_image is not None:
                self._handle(record, record.new_image, read_us)
            self._position = self._records.position_after(record)
            self._unsaved += 1
            durations_us.append(self._clock.now_us() - read_us)
        self._counters.page_judged(durations_us)
        if not records:
            self._snapshot.clear()
            self._follow_shards()

    def _follow_shards(self) -> None:
        """Take over a position that moved without records, from the end of a shard to its child's start."""
        position = self._records.position
        if position is not None and position != self._position:
            self._position = position
            self._unsaved += 1

    def _handle(self, record: StreamRecord, image: Item, read_us: int) -> None:
        device = record.keys["device"]["S"]
        hits = self._hits(device, image, record, read_us)
        for hit in hits:
            # Only the record's last transition may say that the record is done.
            position = self._records.position_after(record) if hit is hits[-1] else self._position
            self._take(hit, device, image, position)

    def _hits(self, device: str, image: Item, record: StreamRecord | None, read_us: int) -> list[Hit]:
        try:
            if record is None:
                self._snapshot[device] = stored_count(image)
                return self._judge.hits(device, image, None, whole=True)
            if self._snapshot and stored_count(image) <= self._snapshot.get(device, -1):
                return []
            hits = self._judge.hits(device, image, record)
            traced = message_id(image, record.old_image) if "message_id" in image else None
            if traced is not None:
                self._trace(traced, "record", read_us, f"sequence number {record.sequence_number}")
                self._trace(traced, "evaluate", self._clock.now_us(), self._judge.story(device, image, hits))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            # One item that is not as it should be must not stop the alarms of all others.
            self._counters.malformed_item(device, error)
            return []
        return hits

    def _take(self, hit: Hit, device: str, image: Item, position: str | None = None) -> None:
        self._commit(
            hit.key, lambda alarm: self._judge.after(hit, device, image, alarm, self._clock.now_us()), position
        )

    def _fire_timers(self) -> None:
        for due in self._book.due():
            self._commit(due.alarm, partial(self._held, due.version), self._position)

    def _held(self, version: int, alarm: Alarm | None) -> Alarm | None:
        if alarm is None or alarm.version != version:
            return None
        return held(alarm, self._clock.now_us())

    def _without_rule(self, alarm: Alarm | None) -> Alarm | None:
        return None if alarm is None else abandoned(alarm, self._clock.now_us())

    def _commit(self, key: str, propose: Propose, position: str | None, *, by: str = RULE) -> None:
        """Write what ``propose`` makes of the alarm, once; decide anew when somebody else was faster."""
        for _ in range(_ATTEMPTS):
            before = self._book.alarms.get(key)
            after = propose(before)
            if after is None:
                return
            writes = transition_writes(before, after, self._clock.now_us(), by=by)
            progress = self._progress(position, MAX_WRITES - len(writes))
            try:
                self._store.transact_write(writes + progress)
            except TransactionCanceledException:
                self._counters.conflicts += 1
                self._book.reload(key)
                continue
            self._committed(before, after, progress)
            return
        raise UnavailableError(f"the alarm {key} kept changing while a transition was written")

    def _committed(self, before: Alarm | None, after: Alarm, progress: list[Write]) -> None:
        self._book.put(after)
        self._saved(progress)
        if is_silent(before, after):
            self._counters.holds_ended += 1
            return
        self._counters.transitions += 1
        if self._after_commit is not None:
            self._after_commit()

    def _progress(self, position: str | None, room: int) -> list[Write]:
        writes: list[Write] = []
        if position is not None:
            row = {"consumer": CONSUMER, "sequence_number": position, "at_us": self._clock.now_us()}
            writes.append(Put(CHECKPOINTS, item(row)))
        return writes + self._traces[: room - len(writes)]

    def _saved(self, progress: list[Write]) -> None:
        traces = sum(1 for write in progress if write.table == TRACES)
        del self._traces[:traces]
        if traces < len(progress):
            self._is_unplaced = False
            self._unsaved, self._saved_at_s = 0, self._clock.monotonic_s()

    def _save_when_due(self) -> None:
        waited_s = self._clock.monotonic_s() - self._saved_at_s
        # After a start from the present state, the first records give the first position to come back to.
        if self._traces or self._is_unplaced or self._unsaved >= CHECKPOINT_RECORDS or waited_s >= CHECKPOINT_S:
            self.save()

    def _trace(self, traced: str, stop: str, at_us: int, detail: str) -> None:
        self._traces.append(Put(TRACES, item({"id": traced, "stop": stop, "at_us": at_us, "detail": detail})))

"""Stop 5 of the journey: the consumer of the stream of ``devices`` that turns readings into alarm transitions.

The checkpoint is never ahead of its effects: a transition carries it in its own transaction, and records that cause
none move it only after they were judged. After a crash the records behind it are judged again, against alarms that
already know what happened, which changes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial

from iotlab.clock import US_PER_S, Clock, unhurried
from iotlab.domain.notification import Route
from iotlab.domain.schema import DEVICES
from iotlab.table.errors import ExpiredIteratorException, TrimmedDataAccessException
from iotlab.table.follower import TRIM_HORIZON, Follower
from iotlab.table.store import Store, StreamRecord
from iotlab.table.values import Item
from iotlab.triggers.alarms import FLAPPING, Alarm, Flapping, abandoned
from iotlab.triggers.book import AlarmBook
from iotlab.triggers.checkpoint import Checkpoint
from iotlab.triggers.committer import Committer, Proposal
from iotlab.triggers.course import SILENT, Step
from iotlab.triggers.evaluator_stats import Counters, EvaluatorStats
from iotlab.triggers.history import History
from iotlab.triggers.judge import Hit, Judge
from iotlab.triggers.loop import POLL_S, Loop
from iotlab.triggers.rules_file import RulesFile
from iotlab.triggers.ruleset import RuleSet
from iotlab.triggers.timers import SILENCE, Due, Timers
from iotlab.triggers.watch import Watch, message_id, stored_count

LOG = logging.getLogger(__name__)

RULES_CHANGED = "rules changed"
PAGE_RECORDS = 1000
_BEHIND_US = 20_000
"""A page that ends with a record older than this may have more behind it."""
SETTLE_S = 1.0


class Evaluator:
    """Judges every record of ``devices`` by the rules, in order, and writes each transition exactly once.

    Args:
        store: The lab's table, with all tables created.
        rules: All rules.
        clock: For timers and the times of transitions.
        routes: The notification channels; each gets an outbox row for each transition that it wants to know.
        after_commit: Called after each committed transition, on the evaluator's thread, to wake the notifier.
        source: Where other rules may come from while it runs.
        flapping: When raises and clears of one alarm are too many.
    """

    def __init__(
        self,
        store: Store,
        rules: RuleSet,
        *,
        clock: Clock,
        routes: Sequence[Route] = (),
        after_commit: Callable[[], None] | None = None,
        source: RulesFile | None = None,
        flapping: Flapping = FLAPPING,
    ) -> None:
        self._store = store
        self._clock = clock
        self._routes = tuple(routes)
        self._after_commit = after_commit
        self._source = source
        self._counters = Counters()
        self._counters.rules = len(rules)
        self._watch = Watch(rules, routes)
        self._book = AlarmBook(store)
        self._timers = Timers(clock)
        self._judge = Judge(
            self._watch, self._book, self._timers, self._counters, clock, recall=History(store), flapping=flapping
        )
        self._records = Follower(store, DEVICES)
        self._checkpoint = Checkpoint(store, unhurried(clock))
        self._committer = Committer(
            store, clock, self._checkpoint, self._counters, self._book, committed=self._committed
        )
        self._loop = Loop("triggers", self._step_on, self._wait_s, self._counters.failed)
        self._is_open = self._is_behind = False
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
            self._checkpoint.save()

    def wake(self) -> None:
        """Look for records now rather than at the next poll; from any thread."""
        self._loop.wake()

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._loop.is_alive

    def stats(self) -> EvaluatorStats:
        """Return figures for health and metrics; from any thread."""
        return self._counters.stats(self._checkpoint.position, dict(self._book.counts))

    def step(self) -> int:
        """Judge the next page of records and fire what is due; return the number of records.

        Raises:
            UnavailableError, TableError: the table failed. The next step starts over from what is stored.
        """
        try:
            if not self._is_open:
                self._start_over()
            self._take_new_rules()
            self._book.refresh()
            records = self._read()
            age_us = self._clock.now_us() - records[-1].created_at_us if records else 0
            self._is_behind = age_us > _BEHIND_US
            self._handle_page(records)
            # A reading that waits behind these records may end a hold: timers fire only near the stream's end.
            if not records or self._clock.now_us() - records[-1].created_at_us < US_PER_S * self._clock.speed:
                self._fire_timers()
            self._checkpoint.save_when_due()
        except BaseException:
            # What was in flight may or may not have been written: only the table knows.
            self._is_open = False
            raise
        return len(records)

    def _step_on(self) -> int:
        """Do a step; return 0 when nothing can be left to read of which no wake tells."""
        records = self.step()
        # A commit wakes this thread. Asking after each whether there is one more would double the work.
        return records if self._is_behind or self._records.shards > 1 else 0

    def next_due_s(self) -> float | None:
        """Return the seconds until a timer runs out; None when none runs. On the evaluator's thread only."""
        return self._timers.next_due_s()

    def _wait_s(self) -> float:
        due_s = self.next_due_s()
        return POLL_S if due_s is None else min(due_s / self._clock.speed, POLL_S)

    @property
    def _settle_s(self) -> float:
        # What waits in the broker at a start comes as fast as the machine can take it.
        return SETTLE_S * self._clock.speed

    def _start_over(self) -> None:
        self._judge.memories.clear()
        self._timers.clear()
        self._book.load()
        for alarm in self._book.alarms.values():
            self._timers.follow(alarm, at_least_s=self._settle_s)
        stored = self._checkpoint.load()
        if stored is not None:
            self._resume(stored)
        elif self._store.scan(DEVICES, limit=1).items:
            self._resync("there is no checkpoint")
        else:
            self._checkpoint.store_first(TRIM_HORIZON)
            self._resume(TRIM_HORIZON)
        self._watch_anew()
        self._is_open = True

    def _take_new_rules(self) -> None:
        if self._source is None:
            return
        rules = self._source.changed()
        self._counters.rules_error = self._source.error
        if rules is None:
            return
        self._watch = Watch(rules, self._routes)
        self._judge.adopt(self._watch)
        self._counters.rules = len(rules)
        self._watch_anew()

    def _watch_anew(self) -> None:
        """End the alarms of rules that are gone, and time the silence of all devices."""
        for alarm in [alarm for alarm in self._book.alarms.values() if alarm.state != "cleared"]:
            image = self._store.get_item(DEVICES, {"device": {"S": alarm.device}})
            if not self._watch.still_watches(alarm, image):
                self._committer.commit(alarm.alarm, self._without_rule, self._checkpoint.position, by=RULES_CHANGED)
        if any(rule.silence is not None for rule in self._watch.rules.rules.values()):
            for image in self._store.scan_all(DEVICES):
                self._judge.time_silence(image["device"]["S"], image, at_least_s=self._settle_s)

    def _resume(self, position: str) -> None:
        self._snapshot.clear()
        self._checkpoint.position = position
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
        self._checkpoint.lose()
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

    def _handle_page(self, records: list[StreamRecord]) -> None:
        read_us = self._clock.now_us()
        self._counters.page_read(records, read_us)
        durations_us: list[int] = []
        for record in records:
            if record.new_image is not None:
                self._handle(record, record.new_image, read_us)
            self._checkpoint.move(self._records.position_after(record))
            durations_us.append(self._clock.now_us() - read_us)
        self._counters.page_judged(durations_us)
        if not records:
            self._snapshot.clear()
            self._follow_shards()

    def _follow_shards(self) -> None:
        """Take over a position that moved without records, from the end of a shard to its child's start."""
        position = self._records.position
        if position is not None and position != self._checkpoint.position:
            self._checkpoint.move(position)

    def _handle(self, record: StreamRecord, image: Item, read_us: int) -> None:
        device = record.keys["device"]["S"]
        hits = self._hits(device, image, record, read_us)
        for hit in hits:
            # Only the record's last transition may say that the record is done.
            is_last = hit is hits[-1]
            position = self._records.position_after(record) if is_last else self._checkpoint.position
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
                self._checkpoint.trace(traced, "record", read_us, f"sequence number {record.sequence_number}")
                story = self._judge.story(device, image, hits)
                self._checkpoint.trace(traced, "evaluate", self._clock.now_us(), story)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            # One item that is not as it should be must not stop the alarms of all others.
            self._counters.malformed_item(device, error)
            return []
        return hits

    def _take(self, hit: Hit, device: str, image: Item, position: str | None = None) -> None:
        def propose(alarm: Alarm | None) -> Proposal:
            found = self._judge.after(hit, device, image, alarm, self._clock.now_us())
            return None if found is None else (found[0].step, found[1])

        self._committer.commit(hit.key, propose, position)

    def _fire_timers(self) -> None:
        for due in self._timers.due():
            if due.name == SILENCE:
                self._fall_silent(due.key)
            else:
                self._committer.commit(due.key, partial(self._expired, due), self._checkpoint.position)

    def _fall_silent(self, key: str) -> None:
        device = key.partition("/")[2]
        image = self._store.get_item(DEVICES, {"device": {"S": device}})
        hit = None if image is None else self._judge.silent(key, device, image)
        if hit is not None and image is not None:
            self._take(hit, device, image, self._checkpoint.position)

    def _expired(self, due: Due, alarm: Alarm | None) -> Proposal:
        rule = None if alarm is None else self._watch.rules.rules.get(alarm.rule)
        if alarm is None or rule is None or alarm.timers.get(due.name, (0, 0))[1] != due.deadline_us:
            return None
        found = self._judge.expired(rule, alarm, due.name, self._clock.now_us())
        return None if found is None else (found[0].step, found[1])

    def _without_rule(self, alarm: Alarm | None) -> Proposal:
        after = None if alarm is None else abandoned(alarm, self._clock.now_us())
        return None if alarm is None or after is None else ("clear" if alarm.is_open else "end_hold", after)

    def _committed(self, step: Step, after: Alarm) -> None:
        self._timers.follow(after)
        self._judge.memories.told(after)
        if step not in SILENT and self._after_commit is not None:
            self._after_commit()

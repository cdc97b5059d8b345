"""Stop 6 of the journey, for one channel: claim a row, send it, record what came of it."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable
from typing import Literal

import msgspec

from iotlab import failpoints
from iotlab.clock import US_PER_S, Clock
from iotlab.domain.alarm import SEVERITIES
from iotlab.errors import TableError, UnavailableError
from iotlab.notify.channels.channel import Attempt, Channel, Outcome
from iotlab.notify.gathering import Gathering, Skip, group_key
from iotlab.notify.manner import PLAIN, Manner
from iotlab.notify.notifier_stats import ChannelStats, Tally
from iotlab.notify.outbox import Outbox, Row, Settlement
from iotlab.notify.policy import Hold
from iotlab.notify.schedule import LONGEST_BACKOFF_S, Schedule, backoff_s
from iotlab.notify.words import say
from iotlab.stats import Reservoir

LOG = logging.getLogger(__name__)

_TABLE_PAUSE_S = 1.0
_IDLE_S = 5.0
_LONGEST_HOLD_US = 86_400 * US_PER_S


class Worker:
    """Delivers the notifications of one channel, one at a time.

    Args:
        channel: Where they go.
        outbox: Where they are kept.
        clock: For due times and for what is written.
        chance: For the jitter of the backoff.
        give_up_s: A notification that can't be delivered is tried for this long after its transition.
        deliver_us: Takes the time from transition to delivery.
        tally: Takes what concerns no channel alone.
        manner: When the channel is told, and in which words.
    """

    def __init__(
        self,
        channel: Channel,
        outbox: Outbox,
        *,
        clock: Clock,
        chance: random.Random,
        give_up_s: float,
        deliver_us: Reservoir,
        tally: Tally,
        manner: Manner = PLAIN,
    ) -> None:
        self.channel = channel
        self._outbox = outbox
        self._clock = clock
        self._chance = chance
        self._manner = manner
        self._give_up_us = round(give_up_s * US_PER_S) + (_LONGEST_HOLD_US if manner.policy.holds else 0)
        self._deliver_us = deliver_us
        self._tally = tally
        self._own = Tally()
        self._schedule = Schedule(clock)
        self._gathering = Gathering(self._schedule, manner.policy, clock)
        self._changed = threading.Condition()
        self._stopping = False
        self._unrecorded: list[Settlement] = []
        self._thread: threading.Thread | None = None

    def add(self, row: Row) -> None:
        """Take up a row; from any thread."""
        with self._changed:
            self._schedule.add(row, nudge=self._manner.policy.holds)
            self._changed.notify()

    def start(self) -> None:
        """Deliver on a thread of its own until `stop`."""
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name=f"notify-{self.channel.name}", daemon=True)
        self._thread.start()

    def ask_to_stop(self) -> None:
        """Begin nothing more."""
        with self._changed:
            self._stopping = True
            self._changed.notify()

    def join(self, timeout_s: float) -> bool:
        """Wait for the attempt in work; False when it takes longer. Its row then stays ``sending``."""
        if self._thread is not None:
            self._thread.join(timeout_s)
            if self._thread.is_alive():
                return False
            self._thread = None
        return True

    def run_due(self) -> int:
        """Deliver everything that is due, and return how many attempts that were.

        Raises:
            UnavailableError, TableError: the table can't be written now. Nothing is forgotten because of it.
        """
        attempts = 0
        while not self._stopping:
            self._record_what_is_left()
            with self._changed:
                row = self._schedule.next_due()
            if row is None:
                break
            try:
                attempts += self._handle(row)
            except (TableError, UnavailableError):
                if not self._unrecorded:
                    self._again(row, _TABLE_PAUSE_S)
                raise
        return attempts

    def stats(self) -> ChannelStats:
        """Return the channel's figures; from any thread."""
        with self._changed:
            waiting = len(self._schedule)
        count = self._own.count
        return ChannelStats(
            name=self.channel.name,
            service=self.channel.service,
            waiting=waiting,
            sent=count("sent"),
            failed=count("failed"),
            unknown=count("unknown"),
            skipped=count("skipped"),
            held=count("held"),
            messages=count("messages"),
            attempts=count("attempts"),
            retries=count("retries"),
            possible_repeats=count("possible_repeats"),
            last_error=self._own.error("errors"),
        )

    def _handle(self, row: Row) -> int:
        """Deliver a row that is due, perhaps with others, or let it wait; return the number of attempts."""
        with self._changed:
            gathered = self._gathering.gather(row)
        match gathered:
            case Skip():
                self._skip(row, gathered.why)
                return 0
            case Hold():
                self._hold(row, gathered)
                return 0
            case _:
                self._deliver(gathered)
                return 1

    def _skip(self, row: Row, why: str) -> None:
        if not self._outbox.settle(Settlement(row, "skipped", self._clock.now_us(), why)):
            self._look_again(row)
            return
        self._own.add("skipped")
        with self._changed:
            self._schedule.remove(row)

    def _hold(self, row: Row, hold: Hold) -> None:
        if hold.why and hold.why != row.held:
            held = self._outbox.hold(row, hold.until_us, hold.why)
            if held is None:
                self._look_again(row)
                return
            self._own.add("held")
            row = held
        # Looked at again now and then: the wall clock may be set, and a row that may not wait may come.
        self._again(row, min(max((hold.until_us - self._clock.now_us()) / US_PER_S, 0.0), LONGEST_BACKOFF_S))

    def _deliver(self, rows: list[Row]) -> None:
        forgets = self.channel.repeats != "impossible"
        repeat = any(row.possible_repeat or (row.may_have_arrived and forgets) for row in rows)
        failpoints.hit("notify_before_claim")
        claimed = self._outbox.claim(rows, possible_repeat=repeat, group=group_key(rows))
        if claimed is None:
            for row in rows:
                self._look_again(row)
            return
        self._own.add("attempts")
        if repeat:
            self._own.add("possible_repeats")
        failpoints.hit("notify_after_claim")
        outcome = self._send(self._attempt(claimed, repeat))
        failpoints.hit("notify_after_send")
        # From here on the outcome is known to nobody else: it is kept until it is recorded.
        self._unrecorded = self._settlements(claimed, outcome)
        self._record_what_is_left()
        failpoints.hit("notify_after_settle")

    def _attempt(self, rows: list[Row], repeat: bool) -> Attempt:
        members = tuple(row.notification for row in rows)
        visible = repeat and self.channel.repeats == "visible"
        said = say(self._manner.words, members, self._clock.now_us(), may_repeat=visible)
        gravest = max(members, key=lambda member: SEVERITIES.index(member.severity))
        group = rows[0].group
        return Attempt(gravest, said.body, repeat, said.title, group, members if group else ())

    def _send(self, attempt: Attempt) -> Outcome:
        try:
            return self.channel.send(attempt)
        except Exception as error:  # noqa: BLE001
            # A plug-in's bug must not end its channel. Its text may hold a URL: only its type is shown.
            LOG.error(  # noqa: TRY400  a traceback would show that text
                "channel %s failed by a bug: %s", self.channel.name, type(error).__name__
            )
            return Outcome("unknown", f"the channel failed by a bug ({type(error).__name__})")

    def _settlements(self, rows: list[Row], outcome: Outcome) -> list[Settlement]:
        now_us = self._clock.now_us()
        if outcome.status == "sent":
            self._own.add("messages")
            return [Settlement(row, "sent", now_us) for row in rows]
        self._own.fail("errors", outcome.error)
        if outcome.status == "refused":
            return [Settlement(row, "failed", now_us, outcome.error) for row in rows]
        next_us = now_us + round(backoff_s(rows[0].attempts, self._chance) * US_PER_S)
        unknown = outcome.status == "unknown"
        # A group is tried as long as its youngest: it is given up as a whole.
        if next_us - max(row.notification.created_us for row in rows) > self._give_up_us:
            final: Literal["unknown", "failed"] = "unknown" if unknown else "failed"
            return [Settlement(row, final, now_us, f"given up: {outcome.error}") for row in rows]
        return [Settlement(row, "unknown" if unknown else "pending", now_us, outcome.error, next_us) for row in rows]

    def _record_what_is_left(self) -> None:
        settlements = self._unrecorded
        if not settlements:
            return
        if not self._outbox.settle(*settlements):
            for settlement in settlements:
                self._look_again(settlement.row)
            self._unrecorded = []
            return
        self._unrecorded = []
        if settlements[0].next_us is not None:
            self._own.add("retries")
        for settlement in settlements:
            self._recorded(settlement)

    def _recorded(self, settlement: Settlement) -> None:
        row = settlement.row
        if settlement.next_us is not None:
            status: Literal["unknown", "pending"] = "unknown" if settlement.status == "unknown" else "pending"
            after = msgspec.structs.replace(row, status=status, next_us=settlement.next_us)
            self._again(after, (settlement.next_us - settlement.at_us) / US_PER_S)
            return
        self._own.add(settlement.status)
        if settlement.status == "sent":
            self._deliver_us.add(settlement.at_us - row.notification.created_us)
        with self._changed:
            self._schedule.remove(row)

    def _again(self, row: Row, delay_s: float) -> None:
        with self._changed:
            self._schedule.again(row, delay_s)

    def _look_again(self, row: Row) -> None:
        # Somebody changed the row, or a write whose answer was lost did take place.
        self._tally.add("conflicts")
        now = self._outbox.read(row.notification.key)
        if now is not None and now.is_waiting:
            self._again(now, 0.0)
            return
        with self._changed:
            self._schedule.remove(row)

    def _run(self) -> None:
        while not self._stopping:
            try:
                self.run_due()
            except (TableError, UnavailableError) as error:
                LOG.warning("channel %s pauses %.0f s: %s", self.channel.name, _TABLE_PAUSE_S, error)
                self._tally.fail("errors", str(error))
                self._wait(_TABLE_PAUSE_S, whatever_comes=True)
            else:
                self._wait(_IDLE_S, whatever_comes=False)

    def _wait(self, longest_s: float, *, whatever_comes: bool) -> None:
        ready: Callable[[], bool] = lambda: self._stopping or (not whatever_comes and self._is_due())  # noqa: E731
        with self._changed:
            due_s = self._schedule.next_due_s()
            if due_s is not None and not whatever_comes:
                longest_s = min(due_s / self._clock.speed, longest_s)
            self._changed.wait_for(ready, longest_s)

    def _is_due(self) -> bool:
        return self._schedule.next_due_s() == 0.0

"""Stop 6 of the journey, for one channel: claim a row, send it, record what came of it."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable

from iotlab.clock import US_PER_S, Clock, iso
from iotlab.errors import TableError, UnavailableError
from iotlab.notify.channels.channel import Attempt, Channel, Outcome
from iotlab.notify.notifier_stats import ChannelStats, Tally
from iotlab.notify.outbox import Outbox, Row, Settlement
from iotlab.notify.schedule import Schedule, backoff_s
from iotlab.stats import Reservoir

LOG = logging.getLogger(__name__)

LATE_US = 60 * US_PER_S
_TABLE_PAUSE_S = 1.0
_IDLE_S = 5.0


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
    ) -> None:
        self.channel = channel
        self._outbox = outbox
        self._clock = clock
        self._chance = chance
        self._give_up_us = round(give_up_s * US_PER_S)
        self._deliver_us = deliver_us
        self._tally = tally
        self._own = Tally()
        self._schedule = Schedule(clock)
        self._changed = threading.Condition()
        self._stopping = False
        self._unrecorded: Settlement | None = None
        self._thread: threading.Thread | None = None

    def add(self, row: Row) -> None:
        """Take up a row; from any thread."""
        with self._changed:
            self._schedule.add(row)
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
                self._deliver(row)
            except (TableError, UnavailableError):
                if self._unrecorded is None:
                    self._again(row, _TABLE_PAUSE_S)
                raise
            attempts += 1
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
            attempts=count("attempts"),
            retries=count("retries"),
            possible_repeats=count("possible_repeats"),
            last_error=self._own.error("errors"),
        )

    def _deliver(self, row: Row) -> None:
        repeat = row.possible_repeat or (row.may_have_arrived and self.channel.repeats != "impossible")
        claimed = self._outbox.claim(row, possible_repeat=repeat)
        if claimed is None:
            self._look_again(row)
            return
        self._own.add("attempts")
        if repeat:
            self._own.add("possible_repeats")
        outcome = self._send(Attempt(claimed.notification, self._body(claimed), repeat))
        # From here on the outcome is known to nobody else: it is kept until it is recorded.
        self._unrecorded = self._settlement(claimed, outcome)
        self._record_what_is_left()

    def _send(self, attempt: Attempt) -> Outcome:
        try:
            return self.channel.send(attempt)
        except Exception as error:  # noqa: BLE001
            # A plug-in's bug must not end its channel. Its text may hold a URL: only its type is shown.
            LOG.error(  # noqa: TRY400  a traceback would show that text
                "channel %s failed by a bug: %s", self.channel.name, type(error).__name__
            )
            return Outcome("unknown", f"the channel failed by a bug ({type(error).__name__})")

    def _body(self, row: Row) -> str:
        body = row.notification.body
        if self._clock.now_us() - row.notification.created_us > LATE_US:
            body += f"\nThis is late: it happened at {iso(row.notification.created_us)}."
        if row.possible_repeat and self.channel.repeats == "visible":
            body += "\nThis may repeat an earlier notification."
        return body

    def _settlement(self, row: Row, outcome: Outcome) -> Settlement:
        now_us = self._clock.now_us()
        if outcome.status == "sent":
            return Settlement(row, "sent", now_us)
        self._own.fail("errors", outcome.error)
        if outcome.status == "refused":
            return Settlement(row, "failed", now_us, outcome.error)
        next_us = now_us + round(backoff_s(row.attempts, self._chance) * US_PER_S)
        unknown = outcome.status == "unknown"
        if next_us - row.notification.created_us > self._give_up_us:
            return Settlement(row, "unknown" if unknown else "failed", now_us, f"given up: {outcome.error}")
        return Settlement(row, "unknown" if unknown else "pending", now_us, outcome.error, next_us)

    def _record_what_is_left(self) -> None:
        settlement = self._unrecorded
        if settlement is None:
            return
        if not self._outbox.settle(settlement):
            self._look_again(settlement.row)
            self._unrecorded = None
            return
        self._unrecorded = None
        if settlement.next_us is not None:
            self._own.add("retries")
            row = Row(
                notification=settlement.row.notification,
                status="unknown" if settlement.status == "unknown" else "pending",
                attempts=settlement.row.attempts,
                next_us=settlement.next_us,
                possible_repeat=settlement.row.possible_repeat,
            )
            self._again(row, (settlement.next_us - settlement.at_us) / US_PER_S)
            return
        self._own.add(settlement.status)
        if settlement.status == "sent":
            self._deliver_us.add(settlement.at_us - settlement.row.notification.created_us)
        with self._changed:
            self._schedule.remove(settlement.row)

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
            self._changed.wait_for(ready, longest_s if due_s is None or whatever_comes else min(due_s, longest_s))

    def _is_due(self) -> bool:
        return self._schedule.next_due_s() == 0.0

"""One lane of one shard: its records in their order, batch by batch, through the function.

A record leaves the lane when its batch succeeded or was given up and is among the dead letters. Only then does the
lane's position move behind it.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence

from iotlab.clock import Clock
from iotlab.errors import UnavailableError
from iotlab.failpoints import hit
from iotlab.triggers.invoke import MAX_PAYLOAD_BYTES, FunctionError, InvocationResult, Invoker
from iotlab.triggers.mapping.batch import Batch, Verdict, expired_count, judge_failure
from iotlab.triggers.mapping.dead_letters import GivenUp, KeepsGivenUp
from iotlab.triggers.mapping.event import Window
from iotlab.triggers.mapping.invocation import Journal, Outcome, invocation_of_batch
from iotlab.triggers.mapping.record import Entry, Source
from iotlab.triggers.mapping.response import Failure
from iotlab.triggers.mapping.settings import MappingSettings
from iotlab.triggers.mapping.shape import Shape
from iotlab.triggers.mapping.stats import Tally

LOG = logging.getLogger(__name__)

MIN_WAITING = 1000
MAX_WAITING_BYTES = 2 * MAX_PAYLOAD_BYTES
FIRST_BACKOFF_S = 0.1
LONGEST_BACKOFF_S = 30.0
IDLE_S = 5.0
_WINDOW_LOOK_S = 0.25


class Lane:
    """Hands the records of some items of one shard to the function, one batch at a time.

    Records are put in by the shard's reader; `step` is called by one thread.

    Args:
        settings: The mapping.
        invoker: The function.
        dead_letters: Takes what is given up.
        shape: How batches are cut.
        source, shard: Where the records come from.
        clock: For ages, waits and what is counted.
        tally: Takes the figures.
        journal: Takes the invocations.
        handled: The sequence number up to which the lane's records are handled; empty before the first.
        on_progress: Called after the position moved, to have it stored; raises when that fails.
    """

    def __init__(
        self,
        settings: MappingSettings,
        invoker: Invoker,
        dead_letters: KeepsGivenUp,
        shape: Shape,
        *,
        source: Source,
        shard: str,
        clock: Clock,
        tally: Tally,
        journal: Journal,
        handled: str,
        on_progress: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._invoker = invoker
        self._dead_letters = dead_letters
        self._shape = shape
        self._source = source
        self._shard = shard
        self._clock = clock
        self._tally = tally
        self._journal = journal
        self._on_progress = on_progress
        self._lock = threading.Lock()
        self._waiting: list[Entry] = []
        self._waiting_bytes = 0
        self._work: deque[Batch] = deque()
        self._handled = self._offered = handled
        self._came_s: list[float] = []
        self._not_before_s = 0.0
        self._seen_until_us = 0
        self._is_ended = False
        self._is_unsaved = False

    def has_room(self) -> bool:
        """Return whether more records may be offered."""
        with self._lock:
            wanted = max(2 * self._settings.batch_size, MIN_WAITING)
            return len(self._waiting) < wanted and self._waiting_bytes < MAX_WAITING_BYTES

    def offer(self, entries: Sequence[Entry], upto: str) -> None:
        """Take records, and note that all of the lane's records up to a sequence number were offered."""
        with self._lock:
            fresh = [entry for entry in entries if int(entry.sequence_number) > int(self._handled or "-1")]
            if self._is_idle() and fresh:
                self._handled = self._offered
            self._waiting.extend(fresh)
            self._came_s.extend([self._clock.monotonic_s()] * len(fresh))
            self._waiting_bytes += sum(len(entry.body) for entry in fresh)
            self._offered = max(self._offered, upto, key=lambda number: int(number or "-1"))

    def caught_up(self, at_us: int, *, is_ended: bool) -> None:
        """Note that the shard had no more records at a time, or has none for ever."""
        with self._lock:
            self._seen_until_us = at_us
            self._is_ended = is_ended

    def position(self) -> tuple[str, Window | None]:
        """Return the sequence number up to which the lane's records are handled, and the window of that moment."""
        with self._lock:
            return (self._offered if self._is_idle() else self._handled), self._shape.window

    def is_finished(self) -> bool:
        """Return whether the shard ended and all of it is handled."""
        with self._lock:
            return self._is_ended and self._is_idle() and self._shape.window is None

    def is_idle(self) -> bool:
        """Return whether nothing waits and nothing is in work."""
        with self._lock:
            return self._is_idle()

    def lag(self) -> tuple[int, int | None]:
        """Return how many records are not handled, and when the oldest of them was created; None without."""
        with self._lock:
            work = sum(len(batch.entries) for batch in self._work)
            oldest = next((batch.entries[0] for batch in self._work if batch.entries), None)
            oldest = oldest or (self._waiting[0] if self._waiting else None)
            return work + len(self._waiting), None if oldest is None else oldest.created_us

    def wait_s(self) -> float:
        """Return how long nothing is to be done, in seconds, unless records come."""
        with self._lock:
            now_s = self._clock.monotonic_s()
            if self._work:
                return max(self._not_before_s - now_s, 0.0)
            if self._waiting:
                full_s = self._came_s[0] + self._settings.maximum_batching_window_s
                return max(full_s - now_s, 0.0)
            return IDLE_S if self._shape.window is None else _WINDOW_LOOK_S

    def step(self) -> int:
        """Invoke the function with the next batch if one is due; return how many invocations that were.

        Raises:
            UnavailableError, TableError: the host or the table can't be used now. The same step later goes on.
        """
        if self._is_unsaved:
            self._save()
        batch = self._next()
        if batch is None:
            return 0
        old = expired_count(batch.entries, self._clock.now_us(), self._settings)
        if old:
            self._expire(batch, old)
        else:
            self._invoke(batch)
        return 1

    def _is_idle(self) -> bool:
        return not self._waiting and not self._work

    def _next(self) -> Batch | None:
        with self._lock:
            if self._work:
                return self._work[0] if self._clock.monotonic_s() >= self._not_before_s else None
            if self._shape.is_over(self._waiting, self._seen_until_us, is_ended=self._is_ended):
                self._work.append(Batch((), is_final=True))
            elif self._waiting and not self._cut():
                return None
            return self._work[0] if self._work else None

    def _cut(self) -> bool:
        """Make a batch of what waits; False while it is to wait for more."""
        count, is_full = self._shape.take(self._waiting)
        has_waited = self._clock.monotonic_s() - self._came_s[0] >= self._settings.maximum_batching_window_s
        if not (is_full or has_waited or self._is_ended):
            return False
        taken = tuple(self._waiting[:count])
        del self._waiting[:count], self._came_s[:count]
        self._waiting_bytes -= sum(len(entry.body) for entry in taken)
        self._work.append(Batch(taken))
        return True

    def _invoke(self, batch: Batch) -> None:
        event = self._shape.event(batch)
        begun_s = self._clock.monotonic_s()
        try:
            result = self._invoker.invoke(event)
        except UnavailableError:
            raise
        except Exception as error:
            # A bug of ours must not make one record block its shard for ever: it counts as the function's.
            LOG.exception("the handler %s could not be invoked", self._settings.handler)
            result = InvocationResult("", error=FunctionError(type(error).__name__, str(error), handled=False))
        hit("mapping_invoked")
        duration_ms = result.duration_ms or (self._clock.monotonic_s() - begun_s) * 1000
        self._tally.add("delivered", len(batch.entries))
        failure = self._shape.read(batch, result)
        if failure is None:
            self._note(batch, "ok", result, duration_ms=duration_ms)
            self._succeed(batch)
        else:
            self._fail(batch, failure, result, duration_ms)

    def _succeed(self, batch: Batch) -> None:
        self._tally.add("batches")
        self._tally.add("handled", len(batch.entries))
        self._settle(batch.entries, is_over=batch.is_final)

    def _fail(self, batch: Batch, failure: Failure, result: InvocationResult, duration_ms: float) -> None:
        verdict = judge_failure(batch, failure, self._settings)
        outcome: Outcome = "given up" if verdict.given_up else "retry" if verdict.is_retry else "split"
        error = f"{failure.error.error_type}: {failure.error.message}"
        self._note(batch, outcome, result, duration_ms=duration_ms, error=error)
        self._tally.add("errors")
        self._tally.add("handled", verdict.handled)
        if verdict.given_up is not None:
            self._give_up(verdict.given_up, failure.error, result)
            self._settle(batch.entries, is_over=batch.is_final)
            return
        self._tally.add("retries" if verdict.is_retry else "splits")
        self._settle(batch.entries[: verdict.handled], verdict.again, wait_s=_backoff_s(verdict))

    def _give_up(self, batch: Batch, error: FunctionError, result: InvocationResult) -> None:
        window = self._shape.window
        self._dead_letters.keep(
            GivenUp(
                batch=batch,
                shard=self._shard,
                stream=self._source.arn,
                condition="RetryAttemptsExhausted",
                error=error,
                result=result,
                state=window.state if batch.is_final and window is not None else b"",
            )
        )
        self._tally.add("dead_letters", max(len(batch.entries), 1))
        hit("mapping_gave_up")

    def _expire(self, batch: Batch, count: int) -> None:
        old = Batch(batch.entries[:count], batch.failures)
        given_up = GivenUp(batch=old, shard=self._shard, stream=self._source.arn, condition="RecordAgeExceeded")
        self._dead_letters.keep(given_up)
        self._note(old, "expired", error=f"older than {self._settings.maximum_record_age_s} s")
        self._tally.add("expired", count)
        self._tally.add("dead_letters", count)
        rest = batch.entries[count:]
        self._settle(old.entries, (Batch(rest, batch.failures),) if rest else ())

    def _settle(
        self, done: Sequence[Entry], again: Sequence[Batch] = (), *, wait_s: float = 0.0, is_over: bool = False
    ) -> None:
        """Replace the batch in work by what is left of it, and have the position behind the rest stored."""
        with self._lock:
            self._work.popleft()
            self._work.extendleft(reversed(again))
            self._not_before_s = self._clock.monotonic_s() + wait_s
            if done:
                self._handled = done[-1].sequence_number
                # In one moment with the position: a state with the records already in it must not be stored alone.
                self._shape.adopt()
            if is_over:
                self._shape.close()
        if is_over:
            self._tally.add("windows")
        if done or is_over:
            self._save()

    def _save(self) -> None:
        self._is_unsaved = True
        self._on_progress()
        self._is_unsaved = False

    def _note(
        self,
        batch: Batch,
        outcome: Outcome,
        result: InvocationResult | None = None,
        *,
        duration_ms: float = 0.0,
        error: str = "",
    ) -> None:
        invocation = invocation_of_batch(
            batch,
            outcome,
            result,
            at_us=self._clock.now_us(),
            shard=self._shard,
            lanes=self._settings.parallelization_factor,
            window=self._shape.window,
            duration_ms=duration_ms,
            error=error,
        )
        self._tally.invoked(invocation)
        self._journal.write(invocation, batch.entries)


def _backoff_s(verdict: Verdict) -> float:
    """Return how long to wait: 0.1 s before the first retry, twice as long before each further one, 30 s at most."""
    if not verdict.is_retry:
        return 0.0
    return min(FIRST_BACKOFF_S * 2.0 ** min(verdict.again[0].failures - 1, 16), LONGEST_BACKOFF_S)

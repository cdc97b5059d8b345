"""A function once more over what its mapping was given, beside what came of it then.

The batches are those of then. They go through the same lane that invokes in the lab, so that a batch which fails now
is split, tried again and given up as it would be; nothing of it is stored, and no position moves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

import msgspec

from iotlab.clock import US_PER_S, ManualClock
from iotlab.table.fork import ForkedWrite
from iotlab.table.store import Store
from iotlab.triggers.invoke import Invoker
from iotlab.triggers.mapping.dead_letters import GivenUp
from iotlab.triggers.mapping.invocation import Invocation
from iotlab.triggers.mapping.lane import Lane
from iotlab.triggers.mapping.past import Chunk, Past, read_past
from iotlab.triggers.mapping.record import Entry
from iotlab.triggers.mapping.settings import UNLIMITED, MappingSettings
from iotlab.triggers.mapping.shape import PlainShape, Shape, WindowShape
from iotlab.triggers.mapping.stats import Tally

Verdict = Literal["equal", "differs", "only then", "only now"]
VERDICTS: tuple[Verdict, ...] = ("equal", "differs", "only then", "only now")
_RETRIES = 3
"""Of a mapping without a limit: a function that fails now must come to an end."""

_Key = tuple[str, int | None, str, str]
Effects = Callable[[], Sequence[ForkedWrite]]


class Compared(msgspec.Struct, frozen=True):
    """One batch, then and now.

    Attributes:
        verdict: ``equal`` when outcome and response, or error, are the same.
        then, now: Its last invocation; None where there was none.
        attempts_then, attempts_now: How many there were.
        writes: What the function asked tables to change now, in all its attempts. What it changed then is not known.
    """

    verdict: Verdict
    then: Invocation | None
    now: Invocation | None
    attempts_then: int
    attempts_now: int
    writes: tuple[ForkedWrite, ...]

    @property
    def batch(self) -> Invocation:
        """The invocation that says which batch it is."""
        found = self.then or self.now
        if found is None:
            raise ValueError("a batch that was invoked neither then nor now")
        return found


class Rerun(msgspec.Struct, frozen=True):
    """What a re-run came to.

    Attributes:
        mapping: Whose.
        versions_then, version_now: Of the code that ran.
        start_us, end_us: The span.
        records: How many the stream had in it; those in no batch, then or now, were filtered.
        batches: Each batch, by time.
        given_up_then, given_up_now: Records that were, or would have been, given up.
        gone: Invocations of then whose records the stream no longer has.
    """

    mapping: str
    versions_then: tuple[str, ...]
    version_now: str
    start_us: int
    end_us: int
    records: int
    batches: list[Compared]
    given_up_then: int
    given_up_now: int
    gone: int

    @property
    def counts(self) -> dict[Verdict, int]:
        """How many batches there are of each verdict."""
        found = Counter(one.verdict for one in self.batches)
        return {verdict: found[verdict] for verdict in VERDICTS}


def rerun(
    store: Store,
    settings: MappingSettings,
    invoker: Invoker,
    start_us: int,
    end_us: int,
    *,
    take_writes: Effects = tuple,
    on_batch: Callable[[int, int], None] | None = None,
) -> Rerun:
    """Invoke a function with what a mapping was given in a span of time, and compare.

    Args:
        store: The lab's table; it is only read.
        settings: The mapping, with its filters, lanes and failure rules of now. Records are given up by no age.
        invoker: The function. Whether what it does has consequences is the caller's business.
        start_us, end_us: The span, by the time at which records were created.
        take_writes: Returns what the function asked tables to change since the last call.
        on_batch: Told after each batch how many are done, and of how many.

    Raises:
        UnavailableError: the table has no stream, the span has too many records, or the function can't be run.
    """
    past = read_past(store, settings, start_us, end_us)
    retries = settings.maximum_retry_attempts
    ours = msgspec.structs.replace(
        settings,
        maximum_record_age_s=UNLIMITED,
        maximum_batching_window_s=0.0,
        maximum_retry_attempts=_RETRIES if retries == UNLIMITED else retries,
    )
    rehearsal = _Rehearsal(ours, invoker, past, take_writes)
    for number, chunk in enumerate(past.chunks, 1):
        rehearsal.offer(chunk)
        if on_batch is not None:
            on_batch(number, len(past.chunks))
    rehearsal.end(end_us)
    versions = {one.version for one in past.invocations if one.version}
    return Rerun(
        settings.name,
        tuple(sorted(versions)),
        next((one.version for one, _ in rehearsal.journal.found), ""),
        start_us,
        end_us,
        past.records,
        compare(past.invocations, rehearsal.journal.found),
        sum(one.records for one in past.invocations if one.outcome in {"given up", "expired"}),
        rehearsal.dead_letters.records,
        past.gone,
    )


def compare(then: Iterable[Invocation], now: Iterable[tuple[Invocation, tuple[ForkedWrite, ...]]]) -> list[Compared]:
    """Return each batch that was invoked then or now, in the order of then, with what is new behind it."""
    thens: dict[_Key, list[Invocation]] = {}
    nows: dict[_Key, list[Invocation]] = {}
    writes: dict[_Key, tuple[ForkedWrite, ...]] = {}
    for one in then:
        thens.setdefault(_key(one), []).append(one)
    for one, written in now:
        nows.setdefault(_key(one), []).append(one)
        writes[_key(one)] = writes.get(_key(one), ()) + written
    return [_compared(thens.get(key, []), nows.get(key, []), writes.get(key, ())) for key in {**thens, **nows}]


def _compared(then: list[Invocation], now: list[Invocation], writes: tuple[ForkedWrite, ...]) -> Compared:
    verdict: Verdict = "only then" if not now else "only now"
    if then and now:
        verdict = "equal" if _result(then[-1]) == _result(now[-1]) else "differs"
    last_then, last_now = (found[-1] if found else None for found in (then, now))
    return Compared(verdict, last_then, last_now, len(then), len(now), writes)


def _key(one: Invocation) -> _Key:
    return one.shard, one.window_us, one.first, one.last


def _result(one: Invocation) -> tuple[int, bool, str, str]:
    """Return what of an invocation must be the same: not its time, nor its id in the words of an error."""
    error = one.error.replace(one.request_id, "") if one.request_id else one.error
    return one.records, bool(one.error), one.digest, error


class _Taken:
    """Takes down what is invoked, with what the function wrote meanwhile."""

    def __init__(self, take_writes: Effects) -> None:
        self._take_writes = take_writes
        self.found: list[tuple[Invocation, tuple[ForkedWrite, ...]]] = []

    def write(self, invocation: Invocation, entries: Sequence[Entry]) -> None:  # noqa: ARG002
        self.found.append((invocation, tuple(self._take_writes())))


class _Counted:
    """Counts what would have been given up."""

    def __init__(self) -> None:
        self.records = 0

    def keep(self, given_up: GivenUp) -> None:
        self.records += len(given_up.batch.entries)


class _Rehearsal:
    """The lanes of one re-run. Waits before retries pass at once."""

    def __init__(self, settings: MappingSettings, invoker: Invoker, past: Past, take_writes: Effects) -> None:
        self._settings = settings
        self._invoker = invoker
        self._past = past
        self._clock = ManualClock()
        self._lanes: dict[tuple[str, int], Lane] = {}
        self.journal = _Taken(take_writes)
        self.dead_letters = _Counted()

    def offer(self, chunk: Chunk) -> None:
        """Hand a batch of then to its lane, and let it come to its end."""
        lane = self._lanes.get(chunk.lane) or self._opened(chunk.lane)
        # Everything before it was handled: a window that ended meanwhile has its last invocation first.
        lane.caught_up(chunk.entries[0].created_us - 1, is_ended=False)
        self._settle(lane)
        lane.offer(chunk.entries, chunk.entries[-1].sequence_number)
        self._settle(lane)

    def end(self, at_us: int) -> None:
        """End the windows that were over at a time."""
        for lane in self._lanes.values():
            lane.caught_up(at_us, is_ended=False)
            self._settle(lane)

    def _settle(self, lane: Lane) -> None:
        while lane.step() or not lane.is_idle():
            self._clock.advance(max(lane.wait_s(), 1 / US_PER_S))

    def _opened(self, place: tuple[str, int]) -> Lane:
        shard, _ = place
        lane = Lane(
            self._settings,
            self._invoker,
            self.dead_letters,
            self._shape(shard),
            source=self._past.source,
            shard=shard,
            clock=self._clock,
            tally=Tally(),
            journal=self.journal,
            handled="",
            on_progress=lambda: None,
        )
        self._lanes[place] = lane
        return lane

    def _shape(self, shard: str) -> Shape:
        if self._settings.tumbling_window_s:
            return WindowShape(self._settings, shard, self._past.source.arn, None)
        return PlainShape(self._settings)

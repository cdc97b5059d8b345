"""An event source mapping at work: the shards of its stream as they come and go, each with its lanes."""

from __future__ import annotations

import logging
from collections.abc import Callable

from iotlab.clock import Clock
from iotlab.errors import TableError, UnavailableError
from iotlab.table.errors import ResourceNotFoundException
from iotlab.table.lineage import Lineage, list_lineage
from iotlab.table.store import Store
from iotlab.triggers.filters.criteria import FilterCriteria
from iotlab.triggers.invoke import Invoker
from iotlab.triggers.loop import Loop
from iotlab.triggers.mapping.dead_letters import DeadLetters, FailureSink
from iotlab.triggers.mapping.event import Window
from iotlab.triggers.mapping.invocation import Invocation
from iotlab.triggers.mapping.journal import InvocationJournal
from iotlab.triggers.mapping.lane import Lane
from iotlab.triggers.mapping.positions import Positions, ShardPosition
from iotlab.triggers.mapping.record import Source
from iotlab.triggers.mapping.settings import MappingSettings
from iotlab.triggers.mapping.shape import PlainShape, Shape, WindowShape
from iotlab.triggers.mapping.shard import ShardFeed
from iotlab.triggers.mapping.stats import MappingState, MappingStats, Tally
from iotlab.triggers.mapping.threads import LaneThreads

LOG = logging.getLogger(__name__)

POLL_S = 0.25
"""How often a shard is asked without being woken, as Lambda does. Source: Lambda Developer Guide, polling streams."""
LOOK_S = 1.0
"""How often positions that moved without an invocation are stored, and the switch and the stream are looked at."""


class EventSourceMapping:
    """Invokes a function with the records of a table's stream.

    `start` runs it on threads of its own: one that reads all shards, and one for each lane, so that a lane whose
    function takes long, or fails, holds up no other one.

    Args:
        store: The lab's table.
        settings: The mapping.
        invoker: The function.
        clock: The time.
        sink: A further destination for what is given up.

    Raises:
        PatternError: a filter is wrong.
    """

    def __init__(
        self,
        store: Store,
        settings: MappingSettings,
        invoker: Invoker,
        *,
        clock: Clock,
        sink: FailureSink | None = None,
    ) -> None:
        self.settings = settings
        self._store = store
        self._invoker = invoker
        self._clock = clock
        self._tally = Tally()
        self._criteria = FilterCriteria(settings.filters)
        self._journal = InvocationJournal(store, settings, self._tally)
        self._positions = Positions(store, settings.name, clock, window_s=settings.tumbling_window_s)
        self._dead_letters = DeadLetters(
            store, settings, invoker, clock, sink=sink, on_sink_error=lambda: self._tally.add("sink_errors")
        )
        self._loop = Loop(f"mapping-{settings.name}", self.step, lambda: POLL_S, self._tally.failed)
        self._threads = LaneThreads(settings.name, self._tally.failed)
        self._feeds: dict[str, ShardFeed] = {}
        self._known: dict[str, ShardPosition] = {}
        self._source: Source | None = None
        self._lineage = Lineage([])
        self._enabled = settings.enabled
        self._look_at_s = 0.0
        self._is_threaded = False
        self._is_stale = False
        self._state: MappingState = "enabled"

    @property
    def advice(self) -> tuple[str, ...]:
        """What a person should know of the filters."""
        return self._criteria.advice

    def start(self) -> None:
        """Take the position now, then read and invoke on threads until `stop`.

        Whatever is stored after this has returned is handled. When the table can't be used now, or has no stream,
        that is counted and tried again by itself.
        """
        self._is_threaded = True
        try:
            self.step()
        except (UnavailableError, TableError) as error:
            LOG.warning("the mapping %s begins later: %s", self.settings.name, error)
            self._tally.failed(error)
        self._loop.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Begin no more invocations, wait for those in work and store the position. Twice does no harm.

        Raises:
            UnavailableError: an invocation takes longer than ``timeout_s``. Its records are handled again later.
        """
        self._loop.stop(timeout_s)
        self._close_feeds(timeout_s)
        self._is_threaded = False

    def wake(self) -> None:
        """Look for records now rather than at the next poll; from any thread."""
        self._loop.wake()

    def switch(self, *, enabled: bool) -> None:
        """Enable or disable the mapping; it keeps its position, and what was said outlives a restart.

        Raises:
            UnavailableError, TableError: the table can't be written now.
        """
        self._positions.switch(enabled=enabled)
        self._look_at_s = 0.0
        self.wake()

    def step(self) -> int:
        """Read a page of each open shard; return the number of records and of shards that ended. Invokes nothing.

        Raises:
            UnavailableError, TableError: the table failed. The next step goes on.
        """
        if self._clock.monotonic_s() >= self._look_at_s:
            self._look()
        count = 0
        if self._enabled:
            for shard, feed in list(self._feeds.items()):
                read = feed.read()
                if read or feed.is_read:
                    self._threads.wake(shard)
                count += read
            count += self._retire()
            if self._is_stale:
                self._lineage = list_lineage(self._store, self._opened().arn)
                self._open_shards()
        return count

    def step_lanes(self) -> int:
        """Let every lane make one step, on the caller's thread; return how many invocations that were."""
        return sum(lane.step() for feed in list(self._feeds.values()) for lane in feed.lanes)

    def run_until_idle(self) -> int:
        """Read and invoke on the caller's thread until nothing is due now; return how many invocations that were."""
        invocations = 0
        while True:
            records = self.step()
            done = self.step_lanes()
            invocations += done
            if not records and not done and not self.step():
                return invocations

    def recent(self) -> list[Invocation]:
        """Return the newest invocations, oldest first; from any thread."""
        return self._tally.recent()

    def stats(self) -> MappingStats:
        """Return the mapping's figures; from any thread."""
        feeds = list(self._feeds.values())
        lanes = [lane for feed in feeds for lane in feed.lanes]
        lags = [lane.lag() for lane in lanes]
        oldest = min((created for _, created in lags if created is not None), default=None)
        return MappingStats(
            name=self.settings.name,
            table=self.settings.table,
            handler=self.settings.handler,
            state=self._state if self._enabled else "disabled",
            shards=len(feeds),
            lanes=len(lanes),
            lag_records=sum(count for count, _ in lags),
            lag_us=0 if oldest is None else max(self._clock.now_us() - oldest, 0),
            last_error=self._tally.last_error,
            invoke_us=self._tally.invoke_us.percentiles(),
            **self._tally.counts(),
        )

    def _look(self) -> None:
        kept = self._positions.mapping()
        enabled = self.settings.enabled if kept.enabled is None else kept.enabled
        if enabled and not self._feeds:
            self._open(kept.stream)
        if not enabled and self._feeds:
            self._close_feeds(timeout_s=self._invoker.timeout_s + 1)
        self._enabled = enabled
        for feed in self._feeds.values():
            feed.save()
        self._look_at_s = self._clock.monotonic_s() + LOOK_S

    def _open(self, stream: str) -> None:
        """Open the shards that are to be read: of the stream that the mapping reads, or of the table's newest."""
        newest = self._store.stream_arn(self.settings.table)
        arn = stream or newest
        if arn is None:
            self._state = "no stream"
            raise UnavailableError(f"the table {self.settings.table} has no stream")
        if not self._describe(arn):
            self._change_stream(arn, newest)
            return
        if not stream:
            self._begin(arn)
        self._known = self._positions.load()
        self._state = "enabled"
        if not self._open_shards() and newest is not None and newest != arn:
            self._change_stream(arn, newest)

    def _describe(self, arn: str) -> bool:
        try:
            description = self._store.call("DescribeStream", {"StreamArn": arn, "Limit": 1})["StreamDescription"]
            self._lineage = list_lineage(self._store, arn)
        except ResourceNotFoundException:
            return False
        self._source = Source(arn, description["StreamViewType"])
        return True

    def _change_stream(self, old: str, newest: str | None) -> None:
        """Go on in the stream that took the place of one that ended; from its beginning, so that nothing is lost."""
        if newest is None or newest == old:
            self._state = "no stream"
            raise UnavailableError(f"the stream of {self.settings.table} ended", hint="It is opened again by itself.")
        LOG.warning("the mapping %s goes on in a new stream of %s", self.settings.name, self.settings.table)
        self._positions.forget(list(self._positions.load()))
        self._positions.begin(newest, ())
        if self._describe(newest):
            self._known = {}
            self._open_shards()

    def _begin(self, arn: str) -> None:
        if self.settings.starting_position == "TRIM_HORIZON":
            self._positions.begin(arn, ())
            return
        leaves, lanes = set(self._lineage.leaves()), ("",) * self.settings.parallelization_factor
        now_us = self._clock.now_us()
        # The iterators come before the rows: what is written between the two is read, not passed over.
        begun = [ShardPosition(shard, lanes, after_us=now_us) for shard in self._lineage.starts if shard in leaves]
        self._feeds = {one.shard: self._feed(one, is_latest=True) for one in begun}
        passed = [ShardPosition(shard, lanes, is_done=True) for shard in self._lineage.starts if shard not in leaves]
        try:
            self._positions.begin(arn, [*passed, *begun])
        except BaseException:
            self._feeds = {}
            raise
        for shard in self._feeds:
            self._start_lanes(shard)

    def _note_gone(self) -> None:
        """Forget the shards that the stream no longer has; what was left in them is lost, and counted."""
        gone = [shard for shard in self._known if shard not in self._lineage.starts]
        for shard in gone:
            if not self._known.pop(shard).is_done:
                self._tally.add("gaps")
                LOG.warning(
                    "the shard %s ended and is gone before the mapping %s had read it", shard, self.settings.name
                )
        self._positions.forget(gone)

    def _open_shards(self) -> bool:
        """Open what can be opened: a shard after its parent is done. Returns whether any shard is open."""
        self._is_stale = True
        self._note_gone()
        done = [shard for shard, position in self._known.items() if position.is_done]
        ready = [*self._lineage.roots(), *(child for shard in done for child in self._lineage.children(shard))]
        for shard in ready:
            if shard in done or shard in self._feeds:
                continue
            fresh = ShardPosition(shard, ("",) * self.settings.parallelization_factor)
            known = self._known.get(shard, fresh).spread_over(self.settings.parallelization_factor)
            self._feeds[shard] = self._feed(known, is_latest=False)
            self._start_lanes(shard)
        self._is_stale = False
        return bool(self._feeds)

    def _retire(self) -> int:
        """Close the shards of which all is handled, so that their children can take their place; return how many."""
        finished = [shard for shard, feed in self._feeds.items() if feed.is_finished()]
        for shard in finished:
            self._feeds[shard].save()
            self._threads.stop(self._invoker.timeout_s + 1, shard)
            lanes = ("",) * len(self._feeds.pop(shard).lanes)
            self._known[shard] = ShardPosition(shard, lanes, is_done=True)
            self._is_stale = True
        return len(finished)

    def _feed(self, position: ShardPosition, *, is_latest: bool) -> ShardFeed:
        source = self._opened()

        def make_lane(handled: str, window: Window | None, on_progress: Callable[[], None]) -> Lane:
            return Lane(
                self.settings,
                self._invoker,
                self._dead_letters,
                self._shape(position.shard, source, window),
                source=source,
                shard=position.shard,
                clock=self._clock,
                tally=self._tally,
                journal=self._journal,
                handled=handled,
                on_progress=on_progress,
            )

        return ShardFeed(
            self._store,
            source,
            position,
            is_latest=is_latest,
            criteria=self._criteria,
            positions=self._positions,
            clock=self._clock,
            tally=self._tally,
            make_lane=make_lane,
        )

    def _shape(self, shard: str, source: Source, window: Window | None) -> Shape:
        if self.settings.tumbling_window_s:
            return WindowShape(self.settings, shard, source.arn, window)
        return PlainShape(self.settings)

    def _opened(self) -> Source:
        if self._source is None:
            raise RuntimeError(f"the mapping {self.settings.name} has no stream yet")
        return self._source

    def _start_lanes(self, shard: str) -> None:
        if self._is_threaded:
            self._threads.start(shard, self._feeds[shard].lanes)

    def _close_feeds(self, timeout_s: float) -> None:
        try:
            self._threads.stop(timeout_s)
            for feed in self._feeds.values():
                feed.save()
        finally:
            self._feeds = {}

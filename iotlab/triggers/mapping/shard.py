"""One shard of a mapping's stream: read it, filter it, spread its records over the lanes, keep how far they came."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from iotlab.clock import Clock
from iotlab.failpoints import hit
from iotlab.table.errors import ExpiredIteratorException, TrimmedDataAccessException
from iotlab.table.store import RecordPage, Store, StreamRecord
from iotlab.triggers.filters.criteria import FilterCriteria
from iotlab.triggers.mapping.event import Window
from iotlab.triggers.mapping.lane import Lane
from iotlab.triggers.mapping.positions import Positions, ShardPosition
from iotlab.triggers.mapping.record import Entry, Source, entry_of, lambda_record, lane_of
from iotlab.triggers.mapping.stats import Tally

LOG = logging.getLogger(__name__)

PAGE_RECORDS = 1000

MakeLane = Callable[[str, Window | None, Callable[[], None]], Lane]
"""Makes a lane from where it stands: its sequence number, its window, and what to call when it moved on."""


class ShardFeed:
    """Feeds the lanes of one shard. `read` is called by one thread, `save` by any.

    Args:
        store: The table.
        source: The shard's stream.
        position: Where to go on in the shard.
        is_latest: Whether to begin with what comes from now on; the position then has the time of now.
        criteria: Which records are wanted.
        positions: Where positions are kept.
        clock: The time.
        tally: Takes the figures.
        make_lane: Makes one lane.

    Attributes:
        shard: The shard's id.
        lanes: Its lanes.
        is_read: Whether it was read to its end.
    """

    def __init__(
        self,
        store: Store,
        source: Source,
        position: ShardPosition,
        *,
        is_latest: bool,
        criteria: FilterCriteria,
        positions: Positions,
        clock: Clock,
        tally: Tally,
        make_lane: MakeLane,
    ) -> None:
        self._store = store
        self._source = source
        self._criteria = criteria
        self._positions = positions
        self._clock = clock
        self._tally = tally
        self._saving = threading.Lock()
        self._saved = position
        self._after_us = position.after_us
        self._passes_over_before_us = 0
        self._read_to = min(position.lanes, key=lambda number: int(number or "-1"))
        self.shard = position.shard
        self._iterator: str | None = self._first_iterator(is_latest=is_latest)
        self.is_read = False
        self.lanes = [make_lane(handled, position.window, self.save) for handled in position.lanes]

    def read(self) -> int:
        """Read one page if all lanes have room; return how many records it had.

        Raises:
            UnavailableError, TableError: the table can't be read now.
        """
        if self.is_read or not all(lane.has_room() for lane in self.lanes):
            return 0
        now_us = self._clock.now_us()
        page = self._page()
        if page.records:
            self._spread(page.records)
        self._iterator = page.next_iterator
        self.is_read = page.next_iterator is None
        if not page.records or self.is_read:
            for lane in self.lanes:
                lane.caught_up(now_us, is_ended=self.is_read)
        return len(page.records)

    def is_finished(self) -> bool:
        """Return whether the shard was read to its end and all of it is handled."""
        return self.is_read and all(lane.is_finished() for lane in self.lanes)

    def save(self) -> None:
        """Store how far the lanes came, if that changed. Raises UnavailableError, TableError."""
        with self._saving:
            places = [lane.position() for lane in self.lanes]
            numbers = tuple(number for number, _ in places)
            position = ShardPosition(
                self.shard,
                numbers,
                self.is_finished(),
                self._after_us if "" in numbers else None,
                places[0][1],
            )
            if position != self._saved:
                hit("mapping_before_save")
                self._positions.save(position)
                self._saved = position

    def _first_iterator(self, *, is_latest: bool) -> str:
        if is_latest:
            return self._store.shard_iterator(self._source.arn, self.shard, "LATEST")
        if not self._read_to:
            # The LATEST of then is found again by its time; as long as its iterator lived, no clock mattered.
            self._passes_over_before_us = self._after_us or 0
            return self._store.shard_iterator(self._source.arn, self.shard, "TRIM_HORIZON")
        try:
            return self._store.shard_iterator(self._source.arn, self.shard, "AFTER_SEQUENCE_NUMBER", self._read_to)
        except TrimmedDataAccessException:
            return self._beyond_gap()

    def _page(self) -> RecordPage:
        if self._iterator is None:
            self._iterator = self._first_iterator(is_latest=False)
        try:
            return self._store.get_records(self._iterator, limit=PAGE_RECORDS)
        except ExpiredIteratorException:
            # The lanes had no room for 15 minutes.
            self._iterator = self._first_iterator(is_latest=False)
        except TrimmedDataAccessException:
            self._iterator = self._beyond_gap()
        return self._store.get_records(self._iterator, limit=PAGE_RECORDS)

    def _beyond_gap(self) -> str:
        self._tally.add("gaps")
        LOG.warning("records of the shard %s after %s are gone: they were not handled", self.shard, self._read_to)
        return self._store.shard_iterator(self._source.arn, self.shard, "TRIM_HORIZON")

    def _spread(self, records: list[StreamRecord]) -> None:
        upto = records[-1].sequence_number
        shares: list[list[Entry]] = [[] for _ in self.lanes]
        for record in records:
            entry = self._wanted(record)
            if entry is not None:
                shares[lane_of(record, len(self.lanes))].append(entry)
        self._tally.add("records", len(records))
        for lane, share in zip(self.lanes, shares, strict=True):
            lane.offer(share, upto)
        self._read_to = upto

    def _wanted(self, record: StreamRecord) -> Entry | None:
        if record.created_at_us < self._passes_over_before_us:
            return None
        shown = lambda_record(record, self._source)
        if not self._criteria.matches(shown):
            self._tally.add("filtered")
            return None
        return entry_of(record, shown)

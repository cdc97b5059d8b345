"""What a mapping's stream had in a span of time, cut into the batches in which it was really invoked."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from iotlab.clock import US_PER_S
from iotlab.errors import UnavailableError
from iotlab.table.lineage import list_lineage
from iotlab.table.store import Store, StreamRecord
from iotlab.triggers.filters.criteria import FilterCriteria
from iotlab.triggers.mapping.event import window_of
from iotlab.triggers.mapping.invocation import Invocation, list_invocations
from iotlab.triggers.mapping.record import Entry, Source, entry_of, lambda_record, lane_of
from iotlab.triggers.mapping.settings import MappingSettings
from iotlab.triggers.mapping.shape import WINDOW_SLACK_US

MAX_RECORDS = 200_000
_PAGE = 1000
_EMPTY_PAGES = 5
"""A service elsewhere may return pages without records although more are to come."""

Lane = tuple[str, int]
"""A shard, and the number of a lane in it."""


class Chunk(msgspec.Struct, frozen=True):
    """Records that were one batch, or that were in none."""

    lane: Lane
    entries: tuple[Entry, ...]


class Past(msgspec.Struct, frozen=True):
    """A span of a mapping's stream.

    Attributes:
        source: The stream.
        chunks: The records that the mapping's filters want, oldest first.
        invocations: What was invoked with them, with their retries and parts, oldest first.
        records: How many were read in the span, wanted or not.
        gone: Invocations of the span whose records the stream no longer has; they are among the others.
    """

    source: Source
    chunks: list[Chunk]
    invocations: list[Invocation]
    records: int
    gone: int


def read_past(store: Store, settings: MappingSettings, start_us: int, end_us: int) -> Past:
    """Return the records that were created from a time until another one, and what was invoked with them.

    Of a mapping with tumbling windows, those of a window from before are left out: nobody knows its state.

    Args:
        store: The lab's table; it is only read.
        settings: The mapping. Its filters and lanes are those of now.
        start_us, end_us: The span, µs since 1970.

    Raises:
        UnavailableError: the table has no stream, or the span has more than 200,000 records.
    """
    source = _source(store, settings.table)
    reader = _Reader(store, settings, source, start_us, end_us)
    for shard in list_lineage(store, source.arn).starts:
        reader.read(shard)
    found = [one for one in list_invocations(store, settings.name, start_us) if reader.is_of_span(one)]
    chunks = [
        Chunk(lane, entries)
        for lane, whole in reader.lanes.items()
        for entries in cut(whole, _batches(found, lane[0], {entry.sequence_number for entry in whole}))
    ]
    chunks.sort(key=lambda chunk: chunk.entries[-1].created_us)
    return Past(source, chunks, found, reader.records, sum(map(reader.is_gone, found)))


def cut(entries: Sequence[Entry], batches: Iterable[tuple[int, int]]) -> Iterator[tuple[Entry, ...]]:
    """Yield the entries of one lane in the batches of then, and what was in none of them between these.

    Args:
        entries: By sequence number.
        batches: The first and the last sequence number of each, none beginning before the one before it ended.
    """
    numbers = [int(entry.sequence_number) for entry in entries]
    at = 0
    for first, last in batches:
        begin, end = bisect_left(numbers, first, lo=at), bisect_right(numbers, last, lo=at)
        if begin > at:
            yield tuple(entries[at:begin])
        if end > begin:
            yield tuple(entries[begin:end])
        at = max(end, at)
    if at < len(entries):
        yield tuple(entries[at:])


def _batches(found: Iterable[Invocation], shard: str, numbers: set[str]) -> Iterator[tuple[int, int]]:
    """Yield the batches of one lane as they were cut first: retries and parts come after the whole."""
    covered = -1
    for one in found:
        if one.shard == shard and one.first in numbers and int(one.first) > covered:
            covered = int(one.last)
            yield int(one.first), covered


def _source(store: Store, table: str) -> Source:
    arn = store.stream_arn(table)
    if arn is None:
        raise UnavailableError(f"the table {table} has no stream")
    description = store.call("DescribeStream", {"StreamArn": arn, "Limit": 1})["StreamDescription"]
    return Source(arn, description["StreamViewType"])


class _Reader:
    """Reads shards and spreads the records of the span over their lanes."""

    def __init__(self, store: Store, settings: MappingSettings, source: Source, start_us: int, end_us: int) -> None:
        self._store = store
        self._settings = settings
        self._source = source
        self._start_us, self._end_us = start_us, end_us
        self._window_us = settings.tumbling_window_s * US_PER_S + WINDOW_SLACK_US
        self._criteria = FilterCriteria(settings.filters)
        self._oldest: dict[str, int] = {}
        self._spans: dict[str, tuple[int, int]] = {}
        self.lanes: dict[Lane, list[Entry]] = {}
        self.records = 0

    def read(self, shard: str) -> None:
        for record in self._records(shard):
            number = int(record.sequence_number)
            self._oldest.setdefault(shard, number)
            if record.created_at_us < self._start_us:
                continue
            if record.created_at_us > self._end_us:
                return
            self._spans[shard] = (self._spans.get(shard, (number, 0))[0], number)
            self._take(shard, record)

    def is_of_span(self, one: Invocation) -> bool:
        """Whether an invocation was of records of the span."""
        window_us = one.window_us
        if window_us is not None and window_us < self._start_us:
            return False
        if not one.first:
            return window_us is not None and window_us <= self._end_us - self._window_us
        if self.is_gone(one):
            return one.at_us <= self._end_us
        low, high = self._spans.get(one.shard, (1, 0))
        return low <= int(one.first) <= high

    def is_gone(self, one: Invocation) -> bool:
        """Whether the stream no longer has an invocation's records."""
        oldest = self._oldest.get(one.shard)
        return bool(one.first) and (oldest is None or int(one.first) < oldest)

    def _take(self, shard: str, record: StreamRecord) -> None:
        self.records += 1
        if self.records > MAX_RECORDS:
            raise UnavailableError(
                f"{self._settings.table} has more than {MAX_RECORDS:,} records in that time",
                hint="Choose a shorter one.",
            )
        window_s = self._settings.tumbling_window_s
        if window_s and window_of(record.created_at_us, window_s).start_us < self._start_us:
            return
        shown = lambda_record(record, self._source)
        if self._criteria.matches(shown):
            lane = shard, lane_of(record, self._settings.parallelization_factor)
            self.lanes.setdefault(lane, []).append(entry_of(record, shown))

    def _records(self, shard: str) -> Iterator[StreamRecord]:
        iterator: str | None = self._store.shard_iterator(self._source.arn, shard, "TRIM_HORIZON")
        empty = 0
        while iterator is not None and empty < _EMPTY_PAGES:
            page = self._store.get_records(iterator, limit=_PAGE)
            yield from page.records
            empty = 0 if page.records else empty + 1
            iterator = page.next_iterator

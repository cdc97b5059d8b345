"""Which iterators stand at the end of their stream, so that asking there again costs nothing while nothing was added.

Consumers are woken by every commit, most of which have no record for them. Kept in memory, beside the file: whatever
is not known here is read from it.
"""

from __future__ import annotations

from collections.abc import Iterable

from iotlab.clock import US_PER_S

_KEPT_US = 60 * US_PER_S
"""After this an iterator is replaced by a new one, long before it expires."""
_MOST = 1000

Stamp = tuple[int, int]


class StreamEnds:
    """Counts the commits that add to each stream, and remembers at which count an iterator was found at its end.

    The writer counts after a commit and before anybody is told of it; a reader takes the count before it reads. So a
    record that the reader did not see always comes with another count.
    """

    def __init__(self) -> None:
        self._commits: dict[str, int] = {}
        self._changes = 0
        self._records_tables: dict[str, str] = {}
        self._at_end: dict[str, tuple[str, Stamp, int]] = {}

    def committed(self, records_tables: Iterable[str], *, is_restructured: bool) -> None:
        """Count a commit; on the writer's thread.

        Args:
            records_tables: The SQLite tables to which it added records.
            is_restructured: Whether it opened, closed or changed streams or shards.
        """
        for name in records_tables:
            self._commits[name] = self._commits.get(name, 0) + 1
        self._changes += is_restructured

    def stamp(self, stream_arn: str) -> Stamp | None:
        """Return the count of a stream now; None before its first reader told where its records are."""
        name = self._records_tables.get(stream_arn)
        return None if name is None else self._stamp(name)

    def learn(self, stream_arn: str, records_table: str) -> None:
        """Keep where a stream's records are."""
        self._records_tables[stream_arn] = records_table

    def found_end(self, iterator: str, stream_arn: str, stamp: Stamp, now_us: int) -> None:
        """Remember that nothing was behind an iterator at a count."""
        if len(self._at_end) >= _MOST:
            # Those of consumers that have ended.
            self._at_end.clear()
        self._at_end[iterator] = (self._records_tables[stream_arn], stamp, now_us + _KEPT_US)

    def is_at_end(self, iterator: str, now_us: int) -> bool:
        """Say whether it is sure that nothing is behind an iterator."""
        known = self._at_end.get(iterator)
        if known is None:
            return False
        name, stamp, until_us = known
        if stamp == self._stamp(name) and now_us <= until_us:
            return True
        self._at_end.pop(iterator, None)
        return False

    def _stamp(self, records_table: str) -> Stamp:
        return self._commits.get(records_table, 0), self._changes

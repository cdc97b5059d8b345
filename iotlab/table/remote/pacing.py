"""How often a stream is asked: consumers may look for records at any time, the service is asked once an interval."""

from __future__ import annotations

import threading

from iotlab.clock import Clock

_KEPT = 1000


class Pacing:
    """Remembers which shard iterators found nothing, and until when each of them need not be asked again.

    Args:
        interval_s: Between two questions at the end of a shard; 0 asks each time.
        clock: Measures it.
    """

    def __init__(self, interval_s: float, clock: Clock) -> None:
        self._interval_s = interval_s
        self._clock = clock
        self._not_before_s: dict[str, float] = {}
        self._lock = threading.Lock()

    def is_early(self, iterator: str) -> bool:
        """Return whether the iterator's shard was at its end less than the interval ago."""
        with self._lock:
            return self._clock.monotonic_s() < self._not_before_s.get(iterator, 0.0)

    def found_nothing(self, before: str, following: str | None) -> None:
        """Note that ``before`` found no record, so that ``following`` can wait."""
        if self._interval_s <= 0 or following is None:
            return
        now_s = self._clock.monotonic_s()
        with self._lock:
            self._not_before_s.pop(before, None)
            self._not_before_s[following] = now_s + self._interval_s
            if len(self._not_before_s) > _KEPT:
                self._not_before_s = {key: at_s for key, at_s in self._not_before_s.items() if at_s > now_s}

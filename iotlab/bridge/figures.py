"""What the bridge counts and how long its stops take."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from typing import get_args

from iotlab.bridge.arrival import Arrival, Fate
from iotlab.clock import US_PER_S, Clock
from iotlab.domain.reading import readings_of
from iotlab.stats import Percentiles, Reservoir

_RATE_WINDOW_US = 5 * US_PER_S


class Figures:
    """Running figures of one pipeline. Written on its thread, read from any."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.received = 0
        self.commits = 0
        self.failed_commits = 0
        self.throttled_commits = 0
        self.lost_by_devices = 0
        self.asked = 0
        self.fates: dict[Fate, int] = dict.fromkeys(get_args(Fate), 0)
        self.reasons: Counter[str] = Counter()
        self.last_error = ""
        self._recent: deque[tuple[int, int]] = deque()
        self._receive_us = Reservoir()
        self._decode_us = Reservoir()
        self._commit_us = Reservoir()

    def committed(self, arrivals: Sequence[Arrival], at_us: int) -> None:
        """Count a batch that is durable."""
        self.commits += 1
        self.received += len(arrivals)
        receive: list[int] = []
        for arrival in arrivals:
            self.fates[arrival.fate] += 1
            self.lost_by_devices += arrival.lost
            if arrival.error is not None:
                self.reasons[arrival.error.reason] += 1
            for reading in readings_of(arrival.decoded):
                since_us = reading.published_at_us or reading.measured_at_us
                if since_us is not None:
                    receive.append(arrival.message.received_at_us - since_us)
        self._receive_us.extend(receive)
        self._decode_us.extend([a.decoded_at_us - a.message.received_at_us for a in arrivals])
        self._commit_us.extend([at_us - a.decoded_at_us for a in arrivals])
        self._recent.append((at_us, len(arrivals)))
        while self._recent and self._recent[0][0] < at_us - _RATE_WINDOW_US:
            self._recent.popleft()

    def messages_per_s(self) -> float:
        """Return the rate of committed messages over the last 5 seconds."""
        since_us = self._clock.now_us() - _RATE_WINDOW_US
        return sum(count for at_us, count in list(self._recent) if at_us >= since_us) / (_RATE_WINDOW_US / US_PER_S)

    def latencies(self) -> dict[str, Percentiles]:
        """Return the durations of the stops: receive (from publishing, or else measuring), decode, commit."""
        return {
            "receive": self._receive_us.percentiles(),
            "decode": self._decode_us.percentiles(),
            "commit": self._commit_us.percentiles(),
        }

"""What really went wrong in a run: the incidents that were emitted, so that alarms can be scored against them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import msgspec

from iotlab.clock import US_PER_S
from iotlab.emulator.incidents import FULL, Calendar, Incident

KEPT = 1000
MARGIN_S = 1.0


class IncidentRow(msgspec.Struct, frozen=True):
    """One incident in the ledger file.

    Attributes:
        name, rule, device, channel: What, the rule that must notice it, and where.
        start_us, end_us: When it began and when the channel was normal again; `end_us` is None while it goes on.
            µs since 1970.
        hold_s: The rule's hold time.
        expected: The full value was emitted for the hold time and a second more: the rule must have raised.
        near_miss: It only looked like trouble: the rule must not have raised.
    """

    name: str
    rule: str
    device: str
    channel: str
    start_us: int
    end_us: int | None
    hold_s: float
    expected: bool
    near_miss: bool = False


@dataclass(slots=True)
class _Seen:
    """What was emitted of one incident."""

    incident: Incident
    first_full_s: float | None = None
    last_full_s: float = 0.0

    @property
    def expected(self) -> bool:
        """Return whether the full value was shown long enough."""
        if self.first_full_s is None or self.incident.plan.near_miss:
            return False
        return self.last_full_s - self.first_full_s >= self.incident.plan.hold_s + MARGIN_S


class Truth:
    """Follows the emitted messages of a run.

    Args:
        calendar: What goes wrong, when.
        start_us: When the run began, µs since 1970.
        names: Device id → its name for a person.

    Attributes:
        earlier: Incidents beyond the last 1,000, which are no longer listed.
        earlier_expected: How many of those were expected.
    """

    def __init__(self, calendar: Calendar, start_us: int, names: dict[str, str]) -> None:
        self._calendar = calendar
        self._start_us = start_us
        self._names = names
        self._seen: deque[_Seen] = deque()
        self._index: dict[Incident, _Seen] = {}
        self.earlier = 0
        self.earlier_expected = 0

    def note(self, device: str, elapsed_s: float) -> None:
        """Note that ``device`` took its turn at that moment: it emitted a message, or an incident kept it silent."""
        for incident in self._calendar.active(device, elapsed_s):
            weight = incident.weight(elapsed_s)
            if weight <= 0.0:
                continue
            seen = self._index.get(incident) or self._add(incident)
            if weight >= FULL:
                if seen.first_full_s is None:
                    seen.first_full_s = elapsed_s
                seen.last_full_s = elapsed_s

    def rows(self, elapsed_s: float, *, ended: bool) -> list[IncidentRow]:
        """Return every incident of which something was emitted, in the order in which they began.

        Args:
            elapsed_s: Now, in seconds since the run began.
            ended: Whether the run is over: what still goes on ends now.
        """
        found = sorted(self._seen, key=lambda seen: seen.incident.start_s)
        return [self._row(seen, elapsed_s, ended=ended) for seen in found]

    def running(self, elapsed_s: float) -> list[str]:
        """Return the names of the incidents that go on now."""
        return [self._name(seen.incident) for seen in self._seen if seen.incident.weight(elapsed_s) > 0.0]

    def _add(self, incident: Incident) -> _Seen:
        if len(self._seen) >= KEPT:
            oldest = self._seen.popleft()
            del self._index[oldest.incident]
            self.earlier += 1
            self.earlier_expected += oldest.expected
        seen = self._index[incident] = _Seen(incident)
        self._seen.append(seen)
        return seen

    def _name(self, incident: Incident) -> str:
        return f"{incident.plan.name}: {self._names.get(incident.device, incident.device)}"

    def _row(self, seen: _Seen, elapsed_s: float, *, ended: bool) -> IncidentRow:
        incident = seen.incident
        end_s: float | None = incident.end_s
        if elapsed_s < incident.end_s:
            end_s = elapsed_s if ended else None
        return IncidentRow(
            name=self._name(incident),
            rule=incident.plan.rule,
            device=incident.device,
            channel=incident.plan.channel,
            start_us=self._start_us + round(incident.start_s * US_PER_S),
            end_us=None if end_s is None else self._start_us + round(end_s * US_PER_S),
            hold_s=incident.plan.hold_s,
            expected=seen.expected,
            near_miss=incident.plan.near_miss,
        )

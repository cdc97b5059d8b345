"""What is plotted: channels with their past, the window of time, pause and live follow."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from iotlab.clock import US_PER_S
from iotlab.gui.models.devices import Channel, Device
from iotlab.gui.models.events import HistoryPart
from iotlab.gui.models.pyramid import Pyramid
from iotlab.gui.models.ring import Floats
from iotlab.gui.models.text import one_line

ChannelKey = tuple[str, str]
"""Device id and channel name."""

MAX_SERIES = 12
MAX_SAMPLES = 4_000_000
"""Per channel in memory (about 110 MB with its summaries); the oldest quarter goes first, and the plot says so."""

DEFAULT_SPAN_S = 300.0
FIRST_SPANS_S = (60.0, 120.0)
MIN_SPAN_S = 1.0
GAP_INTERVALS = 5.0
GAP_FLOOR_S = 10.0

_FAVOURITES = ("W", "Cel", "L/min", "l/min", "%")


@dataclass
class Series:
    """One plotted channel. `colour` is an index into the theme's colours; `history` says how far its past is."""

    key: ChannelKey
    device_label: str
    unit: str
    colour: int
    is_bool: bool = False
    samples: Pyramid = field(default_factory=Pyramid)
    history: Literal["loading", "loaded", "partial", "failed"] = "loading"
    error: str = ""
    trimmed: int = 0
    drawn_version: int = -1
    version: int = 0

    @property
    def label(self) -> str:
        """Device and channel, safe to show."""
        return f"{self.device_label} · {one_line(self.key[1])}"

    @property
    def gap_s(self) -> float:
        """A pause longer than this is a gap: five usual intervals, at least 10 s."""
        return max(GAP_FLOOR_S, GAP_INTERVALS * self.samples.typical_interval_s())

    @property
    def lane(self) -> str:
        """Series of one lane share a value axis: those of one unit, and all booleans."""
        return "on / off" if self.is_bool else self.unit

    def points(self, start_s: float, end_s: float, buckets: int) -> tuple[Floats, Floats]:
        """Return what to draw between two times; booleans as steps."""
        t_s, values = self.samples.query(start_s, end_s, buckets, self.gap_s)
        if not self.is_bool or len(t_s) < 2:
            return t_s, values
        return np.repeat(t_s, 2)[1:], np.repeat(values, 2)[:-1]


class Plot:
    """The plotted channels and the window of time over them. Times in seconds since 1970."""

    def __init__(self) -> None:
        self.series: dict[ChannelKey, Series] = {}
        self.span_s = DEFAULT_SPAN_S
        self.follow = True
        self.window: tuple[float, float] = (0.0, 0.0)
        self.paused_at_s: float | None = None
        self.missed = 0
        self.chosen_by_person = False
        self.structure = 0
        self._grows = True

    def add(self, device: Device, channel: Channel, *, by_person: bool = True) -> str:
        """Plot a channel; return why it can't be, or an empty text."""
        key = (device.id, channel.name)
        if key in self.series:
            return ""
        if not channel.plottable:
            return f"{channel.name} is text; only numbers and on/off can be plotted"
        if len(self.series) >= MAX_SERIES:
            return f"A plot holds {MAX_SERIES} channels; remove one first"
        self.chosen_by_person = self.chosen_by_person or by_person
        used = {series.colour for series in self.series.values()}
        colour = next(index for index in range(MAX_SERIES) if index not in used)
        series = Series(key, device.label, channel.unit, colour, isinstance(channel.value, bool))
        series.samples.merge(channel.recent.times().copy(), channel.recent.values().copy())
        self.series[key] = series
        self.structure += 1
        return ""

    def remove(self, key: ChannelKey) -> None:
        """Take a channel out of the plot; its recording goes on in the table."""
        self.chosen_by_person = True
        if self.series.pop(key, None) is not None:
            self.structure += 1

    def clear(self) -> None:
        """Take all channels out of the plot."""
        self.chosen_by_person = True
        self.series.clear()
        self.structure += 1

    def record(self, device: str, samples: Iterable[tuple[str, float, float]]) -> bool:
        """Add live samples (channel, seconds, value); return whether a plotted channel was among them."""
        touched = False
        for channel, t_s, value in samples:
            self.missed += self.paused_at_s is not None
            series = self.series.get((device, channel))
            if series is not None:
                series.samples.append(t_s, value)
                series.version += 1
                touched = True
                if len(series.samples) > MAX_SAMPLES:
                    series.samples.drop_before(MAX_SAMPLES // 4)
                    series.trimmed += MAX_SAMPLES // 4
        return touched

    def take_history(self, part: HistoryPart) -> bool:
        """Merge a part of the past; return whether its channel is plotted."""
        series = self.series.get((part.device, part.channel))
        if series is None:
            return False
        if len(part.t_s):
            series.samples.merge(part.t_s, part.values)
        series.version += 1
        if part.error:
            series.history, series.error = "failed", part.error
        elif part.done:
            series.history = "loaded" if part.complete else "partial"
        return True

    def pause(self, now_us: int) -> None:
        """Hold the picture; recording goes on."""
        if self.paused_at_s is None:
            self.paused_at_s, self.missed = now_us / US_PER_S, 0

    def resume(self) -> None:
        """Show what is live again."""
        self.paused_at_s, self.missed, self.follow = None, 0, True

    def set_window(self, start_s: float, end_s: float) -> None:
        """Look at a window of time that a person chose; live follow ends."""
        self._grows = False
        self.window = (start_s, max(end_s, start_s + MIN_SPAN_S))
        self.span_s = self.window[1] - self.window[0]
        self.follow = False

    def set_span(self, span_s: float) -> None:
        """Follow live with so many seconds in view."""
        self._grows = False
        self.span_s, self.follow = max(span_s, MIN_SPAN_S), True

    def show_all(self, now_us: int) -> None:
        """Look at everything that is loaded."""
        firsts = [series.samples.times[0] for series in self.series.values() if len(series.samples)]
        end_s = now_us / US_PER_S
        self.set_window(min(firsts, default=end_s - self.span_s), end_s)

    def visible(self, now_us: int) -> tuple[float, float]:
        """Return the window of time to draw."""
        if not self.follow:
            return self.window
        end_s = self.paused_at_s if self.paused_at_s is not None else now_us / US_PER_S
        return end_s - self._shown_span_s(end_s), end_s

    def _shown_span_s(self, end_s: float) -> float:
        """Return the span; until a person chooses one it grows with the data, so that a young lab fills the plot."""
        if not self._grows:
            return self.span_s
        firsts = [series.samples.times[0] for series in self.series.values() if len(series.samples)]
        have_s = end_s - min(firsts, default=end_s)
        return next((step_s for step_s in FIRST_SPANS_S if have_s <= step_s), self.span_s)

    def caption(self, lane: str) -> str:
        """Return the channel's name that all series of a lane share; empty when there are several."""
        names = {series.key[1] for series in self.series.values() if series.lane == lane}
        return names.pop() if len(names) == 1 else ""

    def short_label(self, series: Series) -> str:
        """Return what tells a series from its neighbours: the device, and the channel unless its lane names it."""
        return series.device_label if self.caption(series.lane) else series.label

    def horizon_s(self) -> float:
        """Return the time after which nothing is drawn: the pause, or the end of time."""
        return np.inf if self.paused_at_s is None else self.paused_at_s

    def lanes(self) -> dict[str, list[Series]]:
        """Return the series by lane, in the order in which the lanes came to be."""
        found: dict[str, list[Series]] = {}
        for series in self.series.values():
            found.setdefault(series.lane, []).append(series)
        return found


def first_choice(devices: Iterable[Device], limit: int) -> list[tuple[Device, Channel]]:
    """Return channels for a lively first plot: of two favourite units the liveliest, and a companion of its size.

    A companion whose values are near keeps both curves readable on one value axis.
    """
    by_unit: dict[str, list[tuple[Device, Channel]]] = {}
    for device in devices:
        for channel in device.main:
            if channel.unit in _FAVOURITES and channel.plottable and len(channel.recent):
                by_unit.setdefault(channel.unit, []).append((device, channel))
    chosen: list[tuple[Device, Channel]] = []
    for unit in [unit for unit in _FAVOURITES if unit in by_unit][:2]:
        candidates = sorted(by_unit[unit], key=_liveliness, reverse=True)
        first = candidates[0]
        level = float(np.mean(first[1].recent.values()))
        rest = sorted(candidates[1:], key=lambda entry: abs(float(np.mean(entry[1].recent.values())) - level))
        chosen += [first, *rest[: max(limit // 2 - 1, 0)]]
    return chosen[:limit]


def _liveliness(entry: tuple[Device, Channel]) -> tuple[float, float, str]:
    device, channel = entry
    values = channel.recent.values()
    moving = float(np.ptp(values)) / (abs(float(np.mean(values))) + 1.0)
    return 1.0 / max(device.interval_s or 60.0, 1.0), moving, device.id

"""Everything that the window knows of one lab, and the one place where events change it."""

from __future__ import annotations

from dataclasses import dataclass, field

from iotlab.clock import US_PER_S, Clock
from iotlab.domain import schema
from iotlab.gui.models.alarms import AlarmBook
from iotlab.gui.models.dead_letters import DeadLetterBook
from iotlab.gui.models.devices import DeviceBook
from iotlab.gui.models.events import (
    AcknowledgeDone,
    AlarmImage,
    DeadLetter,
    Delivery,
    DeviceGone,
    DeviceImage,
    Event,
    HealthSeen,
    HistoryPart,
    LinkChanged,
    Note,
    RawMessage,
    SnapshotDone,
)
from iotlab.gui.models.health import Health, parse_health
from iotlab.gui.models.latency import Durations
from iotlab.gui.models.links import Links
from iotlab.gui.models.notes import NoteBook
from iotlab.gui.models.plots import Plot, first_choice
from iotlab.gui.models.topics import TopicNode, TopicTree

HEALTH_STALE_S = 5.0
AUTO_PLOT_SERIES = 4
AUTO_PLOT_FOR_S = 20.0
"""The first plot is chosen while devices report for the first time, then left alone."""


@dataclass
class Changes:
    """What one frame's events changed; panels look only at what concerns them.

    `second` is true once a second, for ages. `devices` are the ids whose rows changed.
    """

    devices: set[str] = field(default_factory=set)
    device_list: bool = False
    alarms: bool = False
    notes: bool = False
    dead_letters: bool = False
    topics: set[TopicNode] = field(default_factory=set)
    plot: bool = False
    plot_list: bool = False
    health: bool = False
    links: bool = False
    snapshots: bool = False
    second: bool = False
    answers: list[AcknowledgeDone] = field(default_factory=list)


class LabModel:
    """All models of one window.

    Args:
        clock: Where the time of ages and latencies comes from.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.devices = DeviceBook()
        self.alarms = AlarmBook()
        self.notes = NoteBook()
        self.dead_letters = DeadLetterBook()
        self.topics = TopicTree()
        self.plot = Plot()
        self.health = Health()
        self.links = Links()
        self.apply_ms = Durations()
        self.messages_seen = 0
        self.view_drops: dict[str, int] = {}
        self.snapshots: set[str] = set()
        self.applied: list[tuple[str, int]] = []
        self.wanted_history: list[tuple[str, str]] = []
        self._first_data_us = 0
        self._last_second = 0.0
        self._seen_us = 0

    def apply(self, event: Event, changes: Changes) -> None:
        """Take over one event and note in ``changes`` what it changed."""
        match event:
            case DeviceImage():
                self._device(event, changes)
            case RawMessage():
                self.messages_seen += 1
                changes.topics.add(self.topics.add(event) or self.topics.root)
            case AlarmImage():
                changes.alarms |= self.alarms.apply(event)
            case Note():
                changes.notes |= self.notes.add(event)
            case Delivery():
                self.notes.deliver(event)
                changes.notes = True
            case DeadLetter():
                changes.dead_letters |= self.dead_letters.add(event)
            case HistoryPart(recent=True):
                if self.devices.take_recent(event):
                    changes.devices.add(event.device)
            case HistoryPart():
                changes.plot |= self.plot.take_history(event)
            case _:
                self._of_the_window(event, changes)

    def _of_the_window(self, event: Event, changes: Changes) -> None:
        match event:
            case DeviceGone():
                changes.device_list |= self.devices.remove(event.device)
            case SnapshotDone():
                self._snapshot(event, changes)
            case LinkChanged():
                self.links.apply(event, self.clock.now_us())
                changes.links = True
            case HealthSeen():
                self._health(event)
                changes.health = True
            case AcknowledgeDone():
                self.alarms.answer(event.alarm, event.error)
                changes.answers.append(event)
                changes.alarms = True

    def _device(self, image: DeviceImage, changes: Changes) -> None:
        change = self.devices.apply(image)
        if change is None:
            return
        changes.devices.add(image.device)
        changes.device_list |= change.is_new or change.relabelled
        changes.plot |= self.plot.record(image.device, change.samples)
        if image.committed_us:
            now_us = self.clock.now_us()
            self.apply_ms.add(max(now_us - image.committed_us, 0) / 1000)
            if change.is_traced:
                self.applied.append((image.message_id, now_us))

    def _snapshot(self, done: SnapshotDone, changes: Changes) -> None:
        again = done.table in self.snapshots
        self.snapshots.add(done.table)
        changes.snapshots = True
        if done.table == schema.DEVICES:
            changes.device_list |= self.devices.keep_only(done.keys) or not again
            if again:
                # Records between the loss and now were not seen: the past is read from the table once more.
                self.reload_history()
        if done.table == schema.ALARMS:
            self.alarms.keep_only(done.keys)
            changes.alarms = True

    def _health(self, seen: HealthSeen) -> None:
        if seen.document is not None:
            self.health = parse_health(seen.document, seen.at_us)

    def reload_history(self) -> None:
        """Ask for the past of every plotted channel again."""
        for series in self.plot.series.values():
            series.history = "loading"
        self.wanted_history.extend(self.plot.series)

    def plot_channel(self, device_id: str, channel: str, *, by_person: bool = True) -> str:
        """Plot a channel and ask for its past; return why it can't be, or an empty text."""
        device = self.devices.devices.get(device_id)
        found = device.channels.get(channel) if device is not None else None
        if device is None or found is None:
            return "This channel is gone"
        key = (device_id, channel)
        is_new = key not in self.plot.series
        error = self.plot.add(device, found, by_person=by_person)
        if not error and is_new:
            self.wanted_history.append(key)
        return error

    def end_frame(self, changes: Changes) -> None:
        """Do what is due once a frame and once a second."""
        now_s = self.clock.monotonic_s()
        if self.links.stage(self.health) == "live" or not self._seen_us:
            self._seen_us = self.clock.now_us()
        if now_s - self._last_second >= 1.0:
            self.topics.tick(now_s - self._last_second if self._last_second else 1.0)
            self._last_second = now_s
            changes.second = True
            changes.plot_list |= self._choose_first_plot()

    def _choose_first_plot(self) -> bool:
        if self.plot.chosen_by_person or not self.devices.devices:
            return False
        now_us = self.clock.now_us()
        self._first_data_us = self._first_data_us or now_us
        if (now_us - self._first_data_us) / US_PER_S > AUTO_PLOT_FOR_S:
            return False
        chosen = first_choice(self.devices.devices.values(), AUTO_PLOT_SERIES)
        if len(chosen) <= len(self.plot.series):
            return False
        self.plot.series.clear()
        for device, channel in chosen:
            self.plot_channel(device.id, channel.name, by_person=False)
        return True

    def seen_us(self) -> int:
        """Return until when devices could be seen: now, or since the loss of the bridge or its broker that moment.

        A device is not late because this window is blind.
        """
        return self._seen_us or self.clock.now_us()

    def health_is_fresh(self) -> bool:
        """Return whether the bridge answered in the last five seconds."""
        return (self.clock.now_us() - self.health.at_us) / US_PER_S <= HEALTH_STALE_S

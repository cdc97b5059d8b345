"""One timer, one drain and one signal a frame: the only road from the feed into the widgets."""

from __future__ import annotations

import time

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from iotlab.gui.feed import Applied, Feed
from iotlab.gui.models.lab import Changes, LabModel
from iotlab.gui.models.latency import Durations

FRAME_MS = 33
DRAIN_BUDGET_S = 0.008
CHUNK = 200
QUEUE_DROP_KINDS = ("device_changes", "alarm_changes", "other_events")


class Pump(QObject):
    """Drains the feed into the models once a frame and says what changed.

    A frame spends at most 8 ms on events; what is left waits for the next one in the bounded queue.

    Args:
        feed: Where events come from; `start` and `stop` start and stop it as well.
        model: Where they go.
    """

    frame = Signal(object)
    """`Changes` of one frame."""

    def __init__(self, feed: Feed, model: LabModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.feed = feed
        self.model = model
        self.frame_ms = Durations(100_000)
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(FRAME_MS)
        self._timer.timeout.connect(self.tick)
        self._painted_s = 0.0
        self._spent_s: float | None = None

    def start(self) -> None:
        """Start the feed and the frames."""
        self.feed.start()
        self._timer.start()

    def stop(self) -> None:
        """Stop the frames and the feed."""
        self._timer.stop()
        self.feed.stop()

    def painted(self, seconds: float) -> None:
        """Add time that the window spent on painting to the frame before."""
        self._painted_s += seconds

    def tick(self) -> None:
        """Run one frame."""
        if self._spent_s is not None:
            # Painting happens after the tick that caused it; the frame is complete only now.
            self.frame_ms.add((self._spent_s + self._painted_s) * 1000)
            self._painted_s = 0.0
        started_s = time.perf_counter()
        changes = Changes()
        self.feed.poll()
        self._drain(changes, started_s)
        self.model.end_frame(changes)
        self._pass_on()
        self.frame.emit(changes)
        self._spent_s = time.perf_counter() - started_s

    def _drain(self, changes: Changes, started_s: float) -> None:
        apply = self.model.apply
        while events := self.feed.queue.take(CHUNK):
            for event in events:
                apply(event, changes)
            if time.perf_counter() - started_s > DRAIN_BUDGET_S:
                break
        drops = self.feed.queue.drops()
        if drops != self.model.view_drops:
            if any(drops.get(kind, 0) != self.model.view_drops.get(kind, 0) for kind in QUEUE_DROP_KINDS):
                self.feed.resync()
            self.model.view_drops = drops
            changes.links = True

    def _pass_on(self) -> None:
        for device, channel in self.model.wanted_history:
            self.feed.request_history(device, channel)
        self.model.wanted_history.clear()
        for message_id, at_us in self.model.applied:
            self.feed.trace(Applied(message_id, at_us))
        self.model.applied.clear()

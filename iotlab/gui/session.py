"""One run of the window, from its parts to its report."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
from PySide6.QtCore import QSettings, QTimer
from PySide6.QtWidgets import QApplication

from iotlab.gui.models.lab import LabModel
from iotlab.gui.panels.window import LabWindow
from iotlab.gui.pump import Pump
from iotlab.gui.theme import Theme

if TYPE_CHECKING:
    from iotlab.clock import Clock
    from iotlab.gui.app import WindowOptions
    from iotlab.gui.feed import Feed

logger = logging.getLogger(__name__)


class Report(msgspec.Struct, frozen=True):
    """What a run of the window has to say.

    Attributes:
        frames: Frames drawn.
        frame_ms, apply_ms: p50 and p99 in ms: of a frame's whole work, events and painting; and from the commit of
            a record to its being shown. None before the first.
        applied: Records that `apply_ms` is of.
        devices_shown, alarms_shown, notifications_shown, dead_letters_shown, topics_shown: Rows at the end.
        messages_seen: Raw messages that the window's own subscription received and counted.
        view_drops: Events that the window's queue refused, by kind; the table has them all.
        platform: Qt's platform plug-in.
    """

    frames: int
    frame_ms: dict[str, float | None]
    apply_ms: dict[str, float | None]
    applied: int
    devices_shown: int
    alarms_shown: int
    notifications_shown: int
    dead_letters_shown: int
    topics_shown: int
    messages_seen: int
    view_drops: dict[str, int]
    platform: str


class Session:
    """All parts of one run.

    Args:
        feed: Where the data comes from.
        options: How to run.
        clock: Time.
    """

    def __init__(self, feed: Feed, options: WindowOptions, clock: Clock) -> None:
        existing = QApplication.instance()
        self.application = existing if isinstance(existing, QApplication) else QApplication(["iotlab"])
        self.application.setApplicationName("iotlab")
        self._options = options
        self.model = LabModel(clock)
        self.pump = Pump(feed, self.model)
        settings = QSettings(str(options.layout), QSettings.Format.IniFormat) if options.layout is not None else None
        theme = Theme(self.application, options.theme)
        self.window = LabWindow(theme, self.model, self.pump, place=options.place, settings=settings)
        self._exit_code = 0
        self._pictured = False

    def run(self) -> int:
        """Run until the end; return the exit code: 1 when the screenshot or the report could not be written."""
        self.window.show()
        self.pump.start()
        timers = []
        if self._options.screenshot is not None:
            timers.append(self._after(self._options.screenshot_time_s, self.take_screenshot))
        if self._options.for_s is not None:
            timers.append(self._after(self._options.for_s, self.end))
        self.application.exec()
        for timer in timers:
            timer.stop()
        if self._options.screenshot is not None and not self._pictured:
            # It was ended before its time, by whoever started it: the picture is still owed.
            self.take_screenshot()
        report = self.report()
        self.pump.stop()
        self.window.close()
        self._write(report)
        return self._exit_code

    def _after(self, seconds: float, act: Callable[[], None]) -> QTimer:
        timer = QTimer(self.window)
        timer.setSingleShot(True)
        timer.timeout.connect(act)
        timer.start(round(seconds * 1000))
        return timer

    def end(self) -> None:
        """End the run."""
        self.application.quit()

    def take_screenshot(self) -> None:
        """Write a picture of the window as it is now."""
        path = self._options.screenshot
        if path is None:
            return
        self._pictured = True
        path.parent.mkdir(parents=True, exist_ok=True)
        if not self.window.grab().save(str(path), "PNG"):
            logger.error("the screenshot can't be written to %s", path)
            self._exit_code = 1

    def report(self) -> Report:
        """Return the figures of the run so far."""
        model = self.model
        return Report(
            frames=self.pump.frame_ms.count,
            frame_ms=self.pump.frame_ms.summary(),
            apply_ms=model.apply_ms.summary(),
            applied=model.apply_ms.count,
            devices_shown=len(model.devices),
            alarms_shown=len(model.alarms.ordered()),
            notifications_shown=len(model.notes.notes),
            dead_letters_shown=len(model.dead_letters.letters),
            topics_shown=model.topics.topics,
            messages_seen=model.messages_seen,
            view_drops=model.view_drops,
            platform=self.application.platformName(),
        )

    def _write(self, report: Report) -> None:
        path = self._options.report
        if path is None:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=2))
        except OSError as error:
            logger.error("the report can't be written to %s: %s", path, error.strerror)  # noqa: TRY400  said in full
            self._exit_code = 1

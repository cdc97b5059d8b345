"""The window's process: makes all parts, runs them, and reports."""

from __future__ import annotations

import getpass
import logging
import os
import signal
import sys
from pathlib import Path

import msgspec

from iotlab.clock import Clock, SystemClock
from iotlab.errors import UnavailableError
from iotlab.gui.attach import Attach
from iotlab.gui.feed import Feed
from iotlab.gui.tokens import ThemeName

logger = logging.getLogger(__name__)

DEFAULT_SCREENSHOT_S = 8.0
SCREENSHOT_LEAD_S = 1.5
"""Before the end of a window that ends by itself, so that the picture is of a live one."""


class WindowOptions(msgspec.Struct, frozen=True):
    """How to run the window.

    Attributes:
        attach: Finds the lab; called again after each loss.
        place: Which lab this is, for header and title, such as the data directory's name.
        person: Who acknowledges alarms here; empty for the name of the operating system's user.
        theme: ``light``, ``dark`` or ``system``.
        offscreen: Draw into memory only; no display is needed.
        for_s: End by itself after so many seconds; None runs until it is closed.
        screenshot: Where to write a PNG of the window; None for none.
        screenshot_at_s: When, in seconds after the start; None for 1.5 s before the end, or 8 s without an end.
        report: Where to write figures as JSON at the end; None for none.
        layout: A file that keeps size and panels from one run to the next; None keeps nothing.
    """

    attach: Attach
    place: str = ""
    person: str = ""
    theme: ThemeName = "system"
    offscreen: bool = False
    for_s: float | None = None
    screenshot: Path | None = None
    screenshot_at_s: float | None = None
    report: Path | None = None
    layout: Path | None = None

    @property
    def screenshot_time_s(self) -> float:
        """When the screenshot is due, in seconds after the start."""
        if self.screenshot_at_s is not None:
            return self.screenshot_at_s
        if self.for_s is None:
            return DEFAULT_SCREENSHOT_S
        return max(self.for_s - SCREENSHOT_LEAD_S, self.for_s / 2)


def run_window(options: WindowOptions) -> int:
    """Show the window until it is closed, ended by a signal, or its time is over; return the exit code.

    SIGINT and SIGTERM end it, SIGUSR1 writes the screenshot at once. Call it in the main thread of a process that has
    no other window.

    Raises:
        UnavailableError: there is no display to draw on.
    """
    from iotlab.gui.sources.live import LiveFeed  # noqa: PLC0415  a missing display is said before boto3 is loaded

    _choose_platform(offscreen=options.offscreen)
    clock = SystemClock()
    return run_feed(LiveFeed(options.attach, clock, options.person or _user()), options, clock)


def run_feed(feed: Feed, options: WindowOptions, clock: Clock) -> int:
    """Show the window on any feed; see `run_window`."""
    from iotlab.gui.session import Session  # noqa: PLC0415  the platform is chosen before Qt is loaded

    _choose_platform(offscreen=options.offscreen)
    session = Session(feed, options, clock)
    handlers = {signal.SIGINT: session.end, signal.SIGTERM: session.end}
    if hasattr(signal, "SIGUSR1"):
        handlers[signal.SIGUSR1] = session.take_screenshot
    before = {number: signal.signal(number, lambda *_, act=act: act()) for number, act in handlers.items()}
    try:
        return session.run()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _choose_platform(*, offscreen: bool) -> None:
    if offscreen:
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    has_display = any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))
    if sys.platform == "linux" and not has_display:
        raise UnavailableError(
            "there is no display for the window: neither DISPLAY nor WAYLAND_DISPLAY is set",
            hint="Run it on a desktop, or draw into memory: iotlab demo --screenshot lab.png",
        )


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "someone"

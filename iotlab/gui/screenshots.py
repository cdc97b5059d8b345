"""Pictures of the window from a fixed seed, in both themes and every state: ``python -m iotlab.gui.screenshots``."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from iotlab.clock import US_PER_S, ManualClock

START_US = 1_763_993_520 * US_PER_S
"""24 November 2025, 14:12 UTC."""

SECONDS = 90
FRAMES_PER_S = 10


def render(directory: Path, *, scale: float = 1.0) -> list[Path]:
    """Write a PNG of every screen and state in both themes; return their paths.

    The pictures are the same for the same seed, fonts and time zone. A display is not needed.
    """
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    os.environ.setdefault("QT_SCALE_FACTOR", str(scale))
    from PySide6.QtWidgets import QApplication  # noqa: PLC0415  the platform is chosen before Qt is loaded

    from iotlab.gui.theme import Theme  # noqa: PLC0415

    application = QApplication.instance() or QApplication([])
    assert isinstance(application, QApplication)  # noqa: S101  no other kind is made here
    theme = Theme(application, "dark")
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    for name in ("dark", "light"):
        theme.choose("dark" if name == "dark" else "light")
        for picture in _PICTURES:
            path = directory / f"{picture}-{name}.png"
            _render(theme, picture, path)
            written.append(path)
    return written


def _render(theme: object, picture: str, path: Path) -> None:
    from PySide6.QtWidgets import QApplication  # noqa: PLC0415

    from iotlab.gui.models.lab import LabModel  # noqa: PLC0415
    from iotlab.gui.panels.window import LabWindow  # noqa: PLC0415
    from iotlab.gui.pump import Pump  # noqa: PLC0415
    from iotlab.gui.sources.synthetic import SyntheticFeed  # noqa: PLC0415
    from iotlab.gui.theme import Theme  # noqa: PLC0415

    assert isinstance(theme, Theme)  # noqa: S101
    clock = ManualClock(START_US)
    scenario, prepare = _PICTURES[picture]
    feed = SyntheticFeed(clock, scenario=scenario)  # type: ignore[arg-type]
    model = LabModel(clock)
    pump = Pump(feed, model)
    window = LabWindow(theme, model, pump, place="Home")
    window.show()
    feed.start()
    for _ in range(SECONDS * FRAMES_PER_S):
        clock.advance(1 / FRAMES_PER_S)
        pump.tick()
    prepare(window)
    for _ in range(FRAMES_PER_S):
        clock.advance(1 / FRAMES_PER_S)
        pump.tick()
        QApplication.processEvents()
    window.grab().save(str(path))
    window.close()
    window.deleteLater()
    QApplication.processEvents()


def _nothing(_window: object) -> None:
    return


def _messages(window: object) -> None:
    from iotlab.gui.panels.window import LabWindow  # noqa: PLC0415

    assert isinstance(window, LabWindow)  # noqa: S101
    window.show_panel("messages")
    window.messages.choose("lab/main-meter/telemetry")


def _dead_letters(window: object) -> None:
    from iotlab.gui.panels.window import LabWindow  # noqa: PLC0415

    assert isinstance(window, LabWindow)  # noqa: S101
    window.show_panel("dead_letters")
    window.dead_letters.view.selectRow(0)
    window.show_panel("notes")


def _paused(window: object) -> None:
    from iotlab.gui.panels.window import LabWindow  # noqa: PLC0415

    assert isinstance(window, LabWindow)  # noqa: S101
    window.plot.toggle_pause()
    window.devices.filter.setText("kitchen")


_PICTURES: dict[str, tuple[str, Callable[[object], None]]] = {
    "overview": ("home", _nothing),
    "messages": ("home", _messages),
    "dead-letters": ("home", _dead_letters),
    "paused-filtered": ("home", _paused),
    "empty": ("empty", _nothing),
    "connecting": ("connecting", _nothing),
    "disconnected": ("lost", _nothing),
}


if __name__ == "__main__":
    for made in render(Path(sys.argv[1] if len(sys.argv) > 1 else "screenshots")):
        sys.stdout.write(f"{made}\n")

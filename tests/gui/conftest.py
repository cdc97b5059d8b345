"""A real window on a home that lives by a manual clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from iotlab.clock import ManualClock
from iotlab.gui.models.lab import LabModel
from iotlab.gui.panels.window import LabWindow
from iotlab.gui.pump import Pump
from iotlab.gui.sources.synthetic import Scenario, SyntheticFeed
from iotlab.gui.theme import Theme


class Desk:
    """A window with everything behind it."""

    def __init__(self, scenario: Scenario) -> None:
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        self.clock = ManualClock()
        self.feed = SyntheticFeed(self.clock, scenario=scenario)
        self.model = LabModel(self.clock)
        self.pump = Pump(self.feed, self.model)
        self.window = LabWindow(Theme(application, "dark"), self.model, self.pump, place="Home")
        self.window.show()
        self.feed.start()
        self.run(2)

    def run(self, seconds: float) -> None:
        """Let so much time pass, ten frames a second."""
        for _ in range(round(seconds * 10)):
            self.clock.advance(0.1)
            self.pump.tick()
            QApplication.processEvents()


@pytest.fixture
def desk(qtbot: QtBot) -> Iterator[Callable[[Scenario], Desk]]:
    desks: list[Desk] = []

    def make(scenario: Scenario = "home") -> Desk:
        made = Desk(scenario)
        desks.append(made)
        qtbot.addWidget(made.window)
        return made

    yield make
    for one in desks:
        one.pump.stop()
        one.window.close()

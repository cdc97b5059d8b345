"""What a person does with the window, by keys and clicks."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from iotlab.gui.models.events import ChannelImage, DeviceImage
from iotlab.gui.models.export import csv_text
from iotlab.gui.panels.alarms import button_rect
from iotlab.gui.sources.synthetic import Scenario
from tests.gui.conftest import Desk

MakeDesk = Callable[[Scenario], Desk]

HOSTILE = ["<b>bold</b>", "<img src=file:///etc/passwd>", "\u202egnp.exe", "a\nb", "x" * 10_000, "&Menu", "=1+2"]


def test_typing_into_the_filter_leaves_only_the_devices_that_fit(desk: MakeDesk, qtbot: QtBot) -> None:
    lab = desk("home")
    everyone = len(lab.window.devices.list.rows)
    QTest.keyClicks(lab.window.devices.filter, "kitchen")
    qtbot.waitUntil(lambda: 0 < len(lab.window.devices.list.rows) < everyone)
    lab.window.devices.filter.clear()
    qtbot.waitUntil(lambda: len(lab.window.devices.list.rows) == everyone)


def test_a_filter_that_fits_nothing_says_so(desk: MakeDesk, qtbot: QtBot) -> None:
    lab = desk("home")
    QTest.keyClicks(lab.window.devices.filter, "no such device")
    qtbot.waitUntil(lambda: lab.window.devices.pages.currentWidget() is lab.window.devices.no_match)


def test_a_click_on_the_button_acknowledges_the_version_that_was_seen(desk: MakeDesk) -> None:
    lab = desk("home")
    view, rows = lab.window.alarms.view, lab.window.alarms.list.rows
    row = next(index for index, alarm in enumerate(rows) if alarm.state == "raised")
    seen = rows[row]
    last = lab.window.alarms.list.columnCount() - 1
    place = button_rect(view.visualRect(lab.window.alarms.list.index(row, last))).center()
    QTest.mouseMove(view.viewport(), place)
    QTest.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
    assert lab.feed.acknowledged == [(seen.alarm, seen.version)]
    lab.run(0.3)
    now = next(alarm for alarm in lab.window.alarms.list.rows if alarm.alarm == seen.alarm)
    assert (now.state, now.acknowledged_by) == ("acknowledged", "you")


def test_pausing_stops_the_view_and_never_the_recording(desk: MakeDesk) -> None:
    lab = desk("home")
    plot = lab.model.plot
    assert plot.series, "no channel was chosen at the first data"
    lab.window.plot.toggle_pause()
    before = {key: len(series.samples) for key, series in plot.series.items()}
    lab.run(20)
    assert sum(len(series.samples) for series in plot.series.values()) > sum(before.values())
    assert plot.missed > 0
    lab.window.plot.toggle_pause()
    assert plot.missed == 0
    assert plot.follow


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_a_name_from_a_device_is_never_read_as_markup(desk: MakeDesk, name: str) -> None:
    lab = desk("home")
    now_us = lab.clock.now_us()
    image = DeviceImage(
        device="hostile",
        name=name,
        room=name,
        type=name,
        status="online",
        received_us=now_us,
        stored=1,
        channels={name: ChannelImage(1.5, name, now_us)},
    )
    lab.feed.queue.put(image)
    lab.run(0.5)
    row = next(index for index, device in enumerate(lab.window.devices.list.rows) if device.id == "hostile")
    lab.window.devices.view.setCurrentIndex(lab.window.devices.list.index(row, 0))
    lab.run(0.5)
    assert not lab.window.grab().isNull()
    auto = [label for label in lab.window.findChildren(QLabel) if label.textFormat() != Qt.TextFormat.PlainText]
    assert not [label.text() for label in auto if name[:20] in label.text()]


@pytest.mark.parametrize("scenario", ["empty", "connecting", "lost"])
def test_a_lab_without_devices_and_one_that_is_gone_have_pages_of_their_own(
    desk: MakeDesk, scenario: Scenario
) -> None:
    lab = desk(scenario)
    panel = lab.window.devices
    shown = {"empty": panel.empty, "connecting": panel.connecting, "lost": panel.view}[scenario]
    assert panel.pages.currentWidget() is shown
    texts = " ".join(label.text() for label in lab.window.findChildren(QLabel) if label.isVisible())
    wanted = {"empty": "No devices yet", "connecting": "Connecting", "lost": "does not answer"}[scenario]
    assert wanted in texts


def test_an_export_holds_no_formula() -> None:
    lines = csv_text(["=name"], [["=1+2"], ["@x"], ["-5 text"], [-5], ["plain"]]).split("\r\n")
    assert lines == ["'=name", "'=1+2", "'@x", "'-5 text", "-5", "plain", ""]

"""The window: header, banner, panels that can be moved, and the status bar."""

from __future__ import annotations

import time
from typing import cast

from PySide6.QtCore import QByteArray, QEvent, QSettings, Qt
from PySide6.QtGui import QCloseEvent, QKeyEvent, QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import (
    QDialog,
    QDockWidget,
    QGridLayout,
    QMainWindow,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from iotlab.gui.models.lab import Changes, LabModel
from iotlab.gui.models.text import number_text
from iotlab.gui.panels.alarms import AlarmsPanel
from iotlab.gui.panels.dead_letters import DeadLettersPanel
from iotlab.gui.panels.devices import DevicesPanel
from iotlab.gui.panels.messages import MessagesPanel
from iotlab.gui.panels.notes import NotesPanel
from iotlab.gui.panels.plot import PlotPanel
from iotlab.gui.pump import Pump
from iotlab.gui.theme import Theme, mono_font
from iotlab.gui.widgets.banner import Banner
from iotlab.gui.widgets.header import Header
from iotlab.gui.widgets.labels import PlainLabel
from iotlab.gui.widgets.status_bar import StatusBar

WIDTH, HEIGHT = 1440, 900
LEFT_WIDTH = 868
ALARMS_HEIGHT = 330
LAYOUT_VERSION = 1
KEYS = (
    ("/  or  Ctrl+F", "Filter the list in front"),
    ("Space", "Pause or resume the view; recording goes on"),
    ("A", "Plot: back to live, fit the axes"),
    ("P  or  Enter", "Plot the chosen device or channel"),
    ("K  or  Ctrl+Enter", "Acknowledge the chosen alarm"),
    ("Ctrl+1 … Ctrl+6", "Devices, messages, dead letters, plot, alarms, notifications"),
    ("Ctrl+C", "Copy the chosen rows"),
    ("Ctrl+T", "Light or dark"),
    ("Drag · wheel · Shift+drag", "Plot: zoom · zoom · move"),
)


class Dock(QDockWidget):
    """A movable place for a panel; its tab or its menu entry names it."""

    def __init__(self, title: str, name: str, panel: QWidget) -> None:
        super().__init__(title)
        self.setObjectName(name)
        self.setWidget(panel)
        self.setTitleBarWidget(QWidget())
        self.topLevelChanged.connect(self._floated)

    def _floated(self, is_floating: bool) -> None:
        # A floating panel gets Qt's own title bar back, to be moved and docked again by it.
        self.setTitleBarWidget(cast(QWidget, None) if is_floating else QWidget())


class LabWindow(QMainWindow):
    """The one window.

    Args:
        theme: Colours.
        model: The lab.
        pump: Frames.
        place: Which lab this is, for header and title.
        settings: Where the layout is kept; None keeps nothing.
    """

    def __init__(
        self, theme: Theme, model: LabModel, pump: Pump, *, place: str = "", settings: QSettings | None = None
    ) -> None:
        super().__init__()
        self.model = model
        self.pump = pump
        self._settings = settings
        self.setWindowTitle(f"{place} · iotlab" if place else "iotlab")
        self.resize(WIDTH, HEIGHT)
        self.board = QMainWindow()
        self.header = Header(theme, model, place)
        self.banner = Banner(theme)
        self.devices = DevicesPanel(theme, model)
        self.plot = PlotPanel(theme, model)
        self.alarms = AlarmsPanel(theme, model)
        self.notes = NotesPanel(theme, model)
        self.messages = MessagesPanel(theme, model)
        self.dead_letters = DeadLettersPanel(theme, model)
        self.status = StatusBar(theme, model)
        self._frame_it()
        self._place_docks()
        self._wire(theme)
        self._bind_keys(theme)
        self._chosen = False
        self._is_arranged = False
        if settings is not None:
            self.restoreGeometry(cast(QByteArray, settings.value("geometry", QByteArray())))

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._is_arranged:
            return
        # Docks that are put behind each other before the window has its size leave a stray tab bar in it.
        self._is_arranged = True
        self._arrange()
        if self._settings is not None:
            self.board.restoreState(cast(QByteArray, self._settings.value("layout", QByteArray())), LAYOUT_VERSION)
        self.devices.view.setFocus()

    def _frame_it(self) -> None:
        outer = QWidget()
        box = QVBoxLayout(outer)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        self._banner_place = QWidget()
        strip = QVBoxLayout(self._banner_place)
        strip.setContentsMargins(8, 8, 8, 0)
        strip.addWidget(self.banner)
        self._banner_place.hide()
        self.board.setWindowFlags(Qt.WindowType.Widget)
        self.board.setContentsMargins(8, 4, 8, 8)
        self.board.setDockNestingEnabled(True)
        self.board.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        box.addWidget(self.header)
        box.addWidget(self._banner_place)
        box.addWidget(self.board, 1)
        box.addWidget(self.status)
        self.setCentralWidget(outer)

    def _place_docks(self) -> None:
        panels = {
            "devices": ("Devices", self.devices),
            "messages": ("Messages", self.messages),
            "dead_letters": ("Dead letters", self.dead_letters),
            "alarms": ("Alarms", self.alarms),
            "notes": ("Notifications", self.notes),
        }
        self.docks = {name: Dock(title, f"{name}Dock", panel) for name, (title, panel) in panels.items()}
        self.board.setCentralWidget(self.plot)
        self.board.setCorner(Qt.Corner.BottomLeftCorner, Qt.DockWidgetArea.LeftDockWidgetArea)
        self.board.setTabPosition(Qt.DockWidgetArea.AllDockWidgetAreas, QTabWidget.TabPosition.North)
        for dock in self.docks.values():
            self.header.panels_menu.addAction(dock.toggleViewAction())
        self.header.panels_menu.addSeparator()
        self.header.panels_menu.addAction("Reset layout", self.reset_layout)

    def reset_layout(self) -> None:
        """Put every panel back where it was at first."""
        for dock in self.docks.values():
            dock.setFloating(False)
            dock.show()
        self._arrange()

    def _arrange(self) -> None:
        groups = (
            (Qt.DockWidgetArea.LeftDockWidgetArea, ("devices", "messages", "dead_letters")),
            (Qt.DockWidgetArea.BottomDockWidgetArea, ("alarms", "notes")),
        )
        for area, names in groups:
            for name in names:
                self.board.addDockWidget(area, self.docks[name])
                if name != names[0]:
                    self.board.tabifyDockWidget(self.docks[names[0]], self.docks[name])
            self.docks[names[0]].raise_()
        self.board.resizeDocks([self.docks["devices"]], [LEFT_WIDTH], Qt.Orientation.Horizontal)
        self.board.resizeDocks([self.docks["alarms"]], [ALARMS_HEIGHT], Qt.Orientation.Vertical)

    def _wire(self, theme: Theme) -> None:
        del theme
        self.pump.frame.connect(self.take)
        self.devices.plot_wanted.connect(self.plot.add_channel)
        self.alarms.plot_wanted.connect(self.plot.add_channel)
        self.alarms.acknowledge_wanted.connect(self.pump.feed.acknowledge)
        self.banner.retry.connect(self.pump.feed.retry)
        self.header.help_wanted.connect(self.show_keys)

    def _bind_keys(self, theme: Theme) -> None:
        bindings = (
            ("Ctrl+F", self.focus_filter),
            ("Ctrl+Return", self.alarms.acknowledge_chosen),
            ("Ctrl+Enter", self.alarms.acknowledge_chosen),
            ("Ctrl+T", theme.toggle),
            ("F1", self.show_keys),
            ("Ctrl+1", lambda: self.show_panel("devices")),
            ("Ctrl+2", lambda: self.show_panel("messages")),
            ("Ctrl+3", lambda: self.show_panel("dead_letters")),
            ("Ctrl+4", self.plot.lanes.setFocus),
            ("Ctrl+5", lambda: self.show_panel("alarms")),
            ("Ctrl+6", lambda: self.show_panel("notes")),
            ("Ctrl+Q", self.close),
        )
        for keys, act in bindings:
            QShortcut(QKeySequence(keys), self).activated.connect(act)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Take the keys that no focused widget wanted; a shortcut would take them from buttons and fields."""
        acts = {
            Qt.Key.Key_Space: self.plot.toggle_pause,
            Qt.Key.Key_Slash: self.focus_filter,
            Qt.Key.Key_A: self.plot.auto_range,
            Qt.Key.Key_K: self.alarms.acknowledge_chosen,
        }
        act = acts.get(cast(Qt.Key, event.key()))
        if act is None or event.modifiers() & ~(
            Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.KeypadModifier
        ):
            super().keyPressEvent(event)
            return
        act()

    def event(self, event: QEvent) -> bool:
        if event.type() != QEvent.Type.UpdateRequest:
            return super().event(event)
        started_s = time.perf_counter()
        handled = super().event(event)
        self.pump.painted(time.perf_counter() - started_s)
        return handled

    def take(self, changes: Changes) -> None:
        """Show what a frame changed."""
        self.devices.take(changes)
        self.plot.take(changes)
        self.alarms.take(changes)
        self.notes.take(changes)
        self.messages.take(changes)
        self.dead_letters.take(changes)
        self._name_tabs(changes)
        if changes.health or changes.second or changes.alarms or changes.links or changes.device_list:
            self.header.refresh()
            self.status.refresh()
        if changes.links or changes.health or changes.second:
            notice = self.model.links.notice(self.model.health, self.model.clock.now_us())
            self.banner.say(notice)
            self._banner_place.setVisible(notice is not None)
        # A person who has looked at no row yet sees the first device's channels.
        if not self._chosen and self.devices.list.rows:
            self._chosen = True
            self.devices.choose_first()
            self.devices.view.setFocus()

    def _name_tabs(self, changes: Changes) -> None:
        if changes.dead_letters:
            count = sum(self.model.dead_letters.reasons.values())
            self.docks["dead_letters"].setWindowTitle(
                f"Dead letters  {number_text(count)}" if count else "Dead letters"
            )
        if changes.alarms:
            count = self.model.alarms.count("raised")
            self.docks["alarms"].setWindowTitle(f"Alarms  {number_text(count)}" if count else "Alarms")

    def show_panel(self, name: str) -> None:
        """Bring a panel to the front and give it the focus."""
        dock = self.docks[name]
        dock.show()
        dock.raise_()
        views = {
            "devices": self.devices.view,
            "messages": self.messages.topic_view,
            "dead_letters": self.dead_letters.view,
            "alarms": self.alarms.view,
            "notes": self.notes.view,
        }
        views[name].setFocus()

    def focus_filter(self) -> None:
        """Go to the filter of the list in front."""
        field = self.devices.filter if self.devices.isVisible() else self.messages.filter
        field.setFocus()
        field.selectAll()

    def show_keys(self) -> None:
        """Show the sheet of keys."""
        sheet = QDialog(self)
        sheet.setWindowTitle("Keys")
        sheet.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        grid = QGridLayout(sheet)
        grid.setContentsMargins(24, 20, 28, 22)
        grid.setHorizontalSpacing(24)
        grid.setVerticalSpacing(10)
        for place, (keys, meaning) in enumerate(KEYS):
            label = PlainLabel(keys, "strong")
            label.setFont(mono_font())
            grid.addWidget(label, place, 0)
            grid.addWidget(PlainLabel(meaning, "muted"), place, 1)
        sheet.open()

    def closeEvent(self, event: QCloseEvent) -> None:
        if self._settings is not None:
            self._settings.setValue("geometry", self.saveGeometry())
            self._settings.setValue("layout", self.board.saveState(LAYOUT_VERSION))
        super().closeEvent(event)

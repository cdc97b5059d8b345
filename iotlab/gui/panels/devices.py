"""The devices of the lab, and the channels of the chosen one."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QSplitter, QStackedWidget, QVBoxLayout, QWidget

from iotlab.gui.adapters.devices import AGE_COLUMN, ChannelList, DeviceList
from iotlab.gui.models.lab import Changes, LabModel
from iotlab.gui.models.text import count_text, number_text, one_line
from iotlab.gui.theme import Theme
from iotlab.gui.widgets.data_view import DataView
from iotlab.gui.widgets.frame import FilterField, PanelFrame, ToolButton
from iotlab.gui.widgets.labels import ElidedLabel, PlainLabel, line
from iotlab.gui.widgets.states import StatePage

CHANNELS_HEIGHT = 196
HOW_TO_BEGIN = "iotlab emulate --scenario home"


class DeviceView(DataView):
    """The list of devices; dragging a row drags its main channel."""

    def drag_key(self, row: int) -> tuple[str, str] | None:
        device = self.rows_model.rows[row]
        return (device.id, device.trend.name) if device.trend is not None else None


class ChannelView(DataView):
    """The list of one device's channels; dragging a row drags the channel."""

    def drag_key(self, row: int) -> tuple[str, str] | None:
        model = self.rows_model
        assert isinstance(model, ChannelList)  # noqa: S101  built that way below
        return (model.device.id, model.rows[row].name) if model.device is not None else None


class DevicesPanel(PanelFrame):
    """Devices above, channels of the chosen device below.

    Args:
        theme: Colours.
        model: The lab.
    """

    plot_wanted = Signal(str, str)
    """Device id and channel that a person wants to see plotted."""

    def __init__(self, theme: Theme, model: LabModel) -> None:
        super().__init__("Devices")
        self._model = model
        self.list = DeviceList(model.devices, model.clock, model.seen_us, self)
        self.channels = ChannelList(model.clock, self)
        self.view = DeviceView(theme, self.list, "Devices")
        self.channel_view = ChannelView(theme, self.channels, "Channels", row_height=28)
        self.filter = FilterField(theme, "Filter devices  ( / )")
        self.filter.wanted.connect(self._filter)
        self.filter.leave.connect(self.view.setFocus)
        self.head.addWidget(self.filter)
        self.head.addWidget(ToolButton(theme, "download", "Export devices as CSV", self.view.export_csv))
        self.connecting = StatePage(theme, "", "Connecting to the lab…")
        self.empty = StatePage(
            theme, "radio-tower", "No devices yet",
            "A device appears here with its first message, for instance on lab/<device>/telemetry.\n"
            "No device at hand? Start forty emulated ones:", HOW_TO_BEGIN,
        )  # fmt: skip
        self.no_match = StatePage(theme, "search", "No device matches", "Escape shows all devices again.")
        self.pages = QStackedWidget()
        for page in (self.connecting, self.empty, self.no_match, self.view):
            self.pages.addWidget(page)
        self.split = QSplitter(Qt.Orientation.Vertical)
        self.split.setHandleWidth(6)
        self.split.addWidget(self.pages)
        self.split.addWidget(self._detail(theme))
        self.split.setStretchFactor(0, 1)
        self.split.setCollapsible(0, False)  # noqa: FBT003  Qt's own signature
        self.split.setSizes([600, CHANNELS_HEIGHT])
        self.add(self.split, 1)
        self._wire()
        self._show_page()

    def _detail(self, theme: Theme) -> QWidget:
        self.detail = QWidget()
        box = QVBoxLayout(self.detail)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        head = QHBoxLayout()
        head.setContentsMargins(14, 6, 8, 4)
        head.setSpacing(10)
        self.detail_title = PlainLabel("", "strong")
        self.detail_title.setMaximumWidth(320)
        self.detail_facts = ElidedLabel("", "caption")
        head.addWidget(self.detail_title)
        head.addWidget(self.detail_facts, 1)
        head.addWidget(PlainLabel("double-click or drag to plot", "faint"))
        head.addWidget(ToolButton(theme, "chart-line", "Plot the chosen channel (P)", self.plot_chosen))
        box.addWidget(line())
        box.addLayout(head)
        box.addWidget(self.channel_view, 1)
        self.detail.hide()
        return self.detail

    def _wire(self) -> None:
        self.view.current_row.connect(self._choose)
        self.view.activated_row.connect(self._plot_device)
        self.channel_view.activated_row.connect(self._plot_channel)
        for view, act in ((self.view, self._plot_current_device), (self.channel_view, self.plot_chosen)):
            action = QAction("Plot", view)
            action.setShortcut("P")
            action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
            action.triggered.connect(act)
            view.addAction(action)
            view.extra_actions.append(action)

    def take(self, changes: Changes) -> None:
        """Show what a frame changed."""
        if changes.device_list:
            self.list.refresh()
        if changes.device_list or changes.links or changes.second:
            self._show_page()
        if not self.isVisible():
            return
        if changes.devices:
            self.list.touch(changes.devices)
            self._take_channels(changes)
        if changes.second:
            self.list.touch_column(AGE_COLUMN)
            self.list.touch_column(0)
            self.channels.touch_column(len(self.channels.columns) - 1)

    def _take_channels(self, changes: Changes) -> None:
        device = self.channels.device
        if device is None or device.id not in changes.devices:
            return
        if len(device.channels) != len(self.channels.rows):
            self.channels.refresh()
        self.channels.touch(device.channels)

    def _show_page(self) -> None:
        books = self._model.devices
        page: QWidget = self.view
        if not books.devices:
            is_live = self._model.links.was_live and self._model.snapshots
            page = self.empty if is_live else self.connecting
        elif not self.list.rows:
            page = self.no_match
        self.pages.setCurrentWidget(page)
        link = self._model.links.table
        self.connecting.say(
            "Connecting to the lab…",
            f"{link.reason}\n{link.hint}".strip() or (f"The bridge at {link.address}" if link.address else ""),
        )
        self._summarise()

    def _summarise(self) -> None:
        total = len(self._model.devices)
        if not total:
            self.summary.setText("")
            return
        counts = self._model.devices.presences(self._model.seen_us())
        parts = [f"{counts['online']} online"]
        parts += [f"{counts[name]} {name}" for name in ("late", "offline") if counts[name]]
        shown = len(self.list.rows)
        whole = count_text(total, "device")
        head = whole if shown == total else f"{number_text(shown)} of {whole}"
        self.summary.setText(f"{head}   ·   " + "  ·  ".join(parts))

    def _filter(self, text: str) -> None:
        self.list.filter(text)
        self.no_match.say("No device matches", f"Nothing has “{one_line(text, 60)}” in it. Escape shows all again.")
        self._show_page()
        if self.list.rows and not self.view.selectionModel().hasSelection():
            self.view.selectRow(0)

    def _choose(self, row: int) -> None:
        device = self.list.rows[row] if 0 <= row < len(self.list.rows) else None
        if device is self.channels.device:
            return
        self.channels.show_device(device)
        self.detail.setVisible(device is not None)
        if device is not None:
            self.detail_title.setText(one_line(device.label, 44))
            facts = (device.room, device.type, device.convention, device.id)
            self.detail_facts.setText("  ·  ".join(one_line(fact) for fact in facts if fact))
            if self.channels.rows:
                self.channel_view.selectRow(0)

    def choose_first(self) -> None:
        """Choose the first device, so that a first-time user sees its channels."""
        if self.list.rows and not self.view.selectionModel().hasSelection():
            self.view.selectRow(0)

    def _plot_device(self, row: int) -> None:
        device = self.list.rows[row]
        if device.trend is not None:
            self.plot_wanted.emit(device.id, device.trend.name)

    def _plot_current_device(self) -> None:
        if self.view.currentIndex().isValid():
            self._plot_device(self.view.currentIndex().row())

    def _plot_channel(self, row: int) -> None:
        if self.channels.device is not None:
            self.plot_wanted.emit(self.channels.device.id, self.channels.rows[row].name)

    def plot_chosen(self) -> None:
        """Plot the channel that is chosen in the lower list."""
        if self.channel_view.currentIndex().isValid():
            self._plot_channel(self.channel_view.currentIndex().row())

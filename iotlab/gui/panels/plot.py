"""Any channels over time: live and past."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QButtonGroup, QFileDialog, QStackedWidget, QToolButton, QWidget

from iotlab.clock import US_PER_S, iso
from iotlab.gui.models.export import Cell, csv_text
from iotlab.gui.models.lab import Changes, LabModel
from iotlab.gui.models.plots import ChannelKey, Series
from iotlab.gui.models.text import UNKNOWN, count_text, local_time, value_text
from iotlab.gui.theme import Theme
from iotlab.gui.widgets.chips import Chip
from iotlab.gui.widgets.data_view import CHANNEL_MIME, save_text
from iotlab.gui.widgets.flow_layout import FlowLayout
from iotlab.gui.widgets.frame import PanelFrame, ToolButton
from iotlab.gui.widgets.labels import PlainLabel
from iotlab.gui.widgets.lanes import LanesView
from iotlab.gui.widgets.readout import Readout
from iotlab.gui.widgets.states import StatePage

SPANS = (("1 min", 60.0), ("5 min", 300.0), ("15 min", 900.0), ("1 h", 3600.0), ("6 h", 21_600.0))
SAY_FOR_MS = 6_000


class PlotPanel(PanelFrame):
    """Legend, lanes, and the tools over them.

    Args:
        theme: Colours.
        model: The lab.
    """

    said = Signal(str)
    """Something that a person should know, such as why a channel can't be plotted."""

    def __init__(self, theme: Theme, model: LabModel) -> None:
        super().__init__("Plot", shows_title=True)
        self._theme = theme
        self._model = model
        self._structure = -1
        self._cursor_s: float | None = None
        self.setAcceptDrops(True)
        self.lanes = LanesView(theme, model.plot, self._thresholds, model.clock.now_us)
        self.lanes.moved.connect(self._show_window)
        self.lanes.cursor_at.connect(self._cursor)
        self.chips: dict[ChannelKey, Chip] = {}
        self._legend = QWidget()
        self._flow = FlowLayout(self._legend)
        self._flow.setContentsMargins(14, 0, 12, 6)
        self._tools(theme)
        self.pages = QStackedWidget()
        self.empty = StatePage(
            theme, "chart-line", "Nothing plotted",
            "Double-click a device or a channel, or drag it here.",
        )  # fmt: skip
        self.pages.addWidget(self.empty)
        self.pages.addWidget(self.lanes)
        self.add(self._legend)
        self.add(self.pages, 1)
        self.readout = Readout(theme, self)
        self.badge = PlainLabel("", "pauseBadge", self)
        self.badge.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.badge.setFixedHeight(24)
        self.badge.hide()
        self._said = QTimer(self)
        self._said.setSingleShot(True)
        self._said.timeout.connect(self._show_window)
        theme.changed.connect(self._relegend)
        self._show_series()

    def _tools(self, theme: Theme) -> None:
        self._spans = QButtonGroup(self)
        for text, span_s in SPANS:
            button = QToolButton()
            button.setText(text)
            button.setCheckable(True)
            button.setProperty("span", True)  # noqa: FBT003  a property's value
            button.setToolTip(f"Follow live, {text} in view")
            button.clicked.connect(lambda _=False, span_s=span_s: self.follow(span_s))
            self._spans.addButton(button)
            self.head.addWidget(button)
        self.all_button = ToolButton(theme, "layers", "Show all that is loaded", self.show_all)
        self.live_button = ToolButton(theme, "locate-fixed", "Back to live (A or double-click)", self.auto_range)
        self.pause_button = ToolButton(theme, "pause", "Pause the view (Space)", self.toggle_pause)
        self.csv_button = ToolButton(theme, "download", "Export what is in view as CSV", self.export_csv)
        for tool in (self.all_button, self.live_button, self.pause_button, self.csv_button):
            self.head.addWidget(tool)

    def take(self, changes: Changes) -> None:
        """Show what a frame changed."""
        if changes.plot_list or self._structure != self._model.plot.structure:
            self._show_series()
        if not self.isVisible():
            return
        if changes.alarms:
            self.lanes.redraw()
        self.lanes.refresh()
        if changes.plot or changes.second:
            self._show_values()
            self._show_window()

    def add_channel(self, device: str, channel: str) -> None:
        """Plot a channel, or say why not."""
        error = self._model.plot_channel(device, channel)
        if error:
            self.say(error)
        self._show_series()

    def say(self, text: str) -> None:
        """Show a sentence in the head for six seconds."""
        self.summary.setText(text)
        self._said.start(SAY_FOR_MS)
        self.said.emit(text)

    def _show_series(self) -> None:
        plot = self._model.plot
        self._structure = plot.structure
        for key in list(self.chips):
            self._drop_chip(key)
        for key, series in plot.series.items():
            chip = Chip(self._theme, series, plot.short_label(series))
            chip.removed.connect(self.remove)
            self.chips[key] = chip
            self._flow.addWidget(chip)
        self._legend.setVisible(bool(plot.series))
        self.pages.setCurrentWidget(self.lanes if plot.series else self.empty)
        self.lanes.refresh()
        self._show_values()
        self._show_window()

    def _drop_chip(self, key: ChannelKey) -> None:
        chip = self.chips.pop(key)
        self._flow.removeWidget(chip)
        chip.hide()
        chip.deleteLater()

    def _relegend(self) -> None:
        self._show_series()

    def remove(self, key: ChannelKey) -> None:
        """Take a channel out of the plot."""
        self._model.plot.remove(key)
        self._show_series()

    def _text_at(self, series: Series, at_s: float | None) -> str:
        if not len(series.samples):
            return UNKNOWN
        t_s = min(at_s if at_s is not None else float(series.samples.times[-1]), self._model.plot.horizon_s())
        value = series.samples.value_at(t_s, series.gap_s)
        if value is None:
            return UNKNOWN
        return value_text(bool(value) if series.is_bool else value, series.unit, series.key[1])

    def _show_values(self) -> None:
        for key, chip in self.chips.items():
            chip.show_value(self._text_at(self._model.plot.series[key], self._cursor_s))

    def _cursor(self, at_s: float | None) -> None:
        self._cursor_s = at_s
        self._show_values()
        if at_s is None:
            self.readout.hide()
            return
        rows = [
            (series.colour, series.label, self._text_at(series, at_s)) for series in self._model.plot.series.values()
        ]
        when = local_time(round(at_s * US_PER_S), self._model.clock.now_us(), millis=self._model.plot.span_s < 30)
        self.readout.say(when, rows)
        where = self.mapFromGlobal(self.lanes.cursor().pos())
        self.readout.place(where)

    def _show_window(self) -> None:
        plot = self._model.plot
        for button in self._spans.buttons():
            span_s = dict(SPANS)[button.text()]
            # An exclusive group can't be without a choice while it is exclusive.
            self._spans.setExclusive(False)
            button.setChecked(plot.follow and abs(plot.span_s - span_s) < 1)
        self.pause_button.show_icon("play" if plot.paused_at_s is not None else "pause")
        self.badge.setVisible(plot.paused_at_s is not None)
        if plot.paused_at_s is not None:
            self.badge.setText(f"Paused · {count_text(plot.missed, 'value')} came meanwhile")
            self.badge.resize(self.badge.sizeHint().width(), self.badge.height())
            self.badge.move((self.width() - self.badge.width()) // 2, self.pages.y() + 10)
            self.badge.raise_()
        if not self._said.isActive():
            self.summary.setText(self._state())

    def _state(self) -> str:
        series = self._model.plot.series.values()
        if not series or self._model.plot.paused_at_s is not None:
            return ""
        failed = [one.error for one in series if one.history == "failed"]
        if failed:
            return f"history not read: {failed[0]}"
        if any(one.history == "loading" for one in series):
            return "reading history…"
        if any(one.history == "partial" or one.trimmed for one in series):
            return "the oldest values stay in the table only"
        return "live" if self._model.plot.follow else "a moment of the past; A goes back to live"

    def _thresholds(self, key: ChannelKey) -> list[tuple[float, str]]:
        found = []
        for alarm in self._model.alarms.for_channel(*key):
            try:
                found.append((float(alarm.threshold), str(alarm.severity)))
            except ValueError:
                continue
        return found

    def follow(self, span_s: float) -> None:
        """Follow live with so many seconds in view."""
        if self._model.plot.paused_at_s is not None:
            self._model.plot.resume()
        self._model.plot.set_span(span_s)
        self.lanes.redraw()
        self._show_window()

    def auto_range(self) -> None:
        """Go back to the present, with fitting value axes."""
        if self._model.plot.paused_at_s is not None:
            self._model.plot.resume()
        self.lanes.auto_range()

    def show_all(self) -> None:
        """Look at everything that is loaded."""
        self._model.plot.show_all(self._model.clock.now_us())
        self.lanes.redraw()
        self._show_window()

    def toggle_pause(self) -> None:
        """Hold the picture, or go on; recording always goes on."""
        plot = self._model.plot
        if plot.paused_at_s is None:
            plot.pause(self._model.clock.now_us())
        else:
            plot.resume()
        self.lanes.redraw()
        self._show_values()
        self._show_window()

    def csv(self) -> str:
        """Return the samples in view as CSV: time, device, channel, value, unit; one sample a line."""
        start_s, end_s = self._model.plot.visible(self._model.clock.now_us())
        rows: list[list[Cell]] = []
        for (device, channel), series in self._model.plot.series.items():
            first, stop = series.samples.times.searchsorted([start_s, end_s])
            times, values = series.samples.times[first:stop], series.samples.values[first:stop]
            rows += [
                [iso(round(t_s * US_PER_S)), device, channel, value, series.unit]
                for t_s, value in zip(times.tolist(), values.tolist(), strict=True)
            ]
        return csv_text(["time", "device", "channel", "value", "unit"], rows)

    def export_csv(self) -> None:
        """Ask for a file and write what is in view into it."""
        name, _ = QFileDialog.getSaveFileName(self, "Export plot as CSV", "plot.csv", "CSV (*.csv)")
        if name:
            self.say(save_text(Path(name), self.csv()) or f"Written to {name}")

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasFormat(CHANNEL_MIME):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        text = bytes(event.mimeData().data(CHANNEL_MIME).data()).decode()
        device, _, channel = text.partition("\0")
        event.acceptProposedAction()
        self.add_channel(device, channel)

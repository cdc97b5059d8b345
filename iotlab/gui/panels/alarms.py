"""Alarms, the most urgent first, with acknowledge."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QModelIndex, QPersistentModelIndex, QRect, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QColor, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import QStackedWidget, QStyleOptionViewItem

from iotlab.domain import schema
from iotlab.gui.adapters.alarms import ACKNOWLEDGE, ACTION_COLUMN, STATE_COLUMN, AlarmList
from iotlab.gui.models.events import AlarmImage
from iotlab.gui.models.lab import Changes, LabModel
from iotlab.gui.models.text import one_line
from iotlab.gui.theme import Theme, ui_font
from iotlab.gui.tokens import SMALL_PX
from iotlab.gui.widgets.cells import CellDelegate
from iotlab.gui.widgets.data_view import DataView
from iotlab.gui.widgets.frame import SLIM_HEAD_HEIGHT, PanelFrame, ToolButton
from iotlab.gui.widgets.states import StatePage

ROW_PX = 46
SAY_FOR_MS = 8_000


class AlarmDelegate(CellDelegate):
    """Paints the acknowledge button of a raised alarm as a button."""

    over: tuple[int, int] = (-1, -1)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        super().paint(painter, option, index)
        painter.setPen(self._line)
        painter.drawLine(option.rect.bottomLeft(), option.rect.bottomRight())
        if index.column() == ACTION_COLUMN and self._source.cell(index.row(), ACTION_COLUMN).text == ACKNOWLEDGE:
            self._button(painter, button_rect(option.rect), is_over=self.over == (index.row(), ACTION_COLUMN))

    def paint_cell(self, painter: QPainter, rect: QRect, cell: object) -> None:
        if getattr(cell, "text", "") != ACKNOWLEDGE:
            super().paint_cell(painter, rect, cell)  # type: ignore[arg-type]

    def _button(self, painter: QPainter, rect: QRect, *, is_over: bool) -> None:
        tokens = self._theme.tokens
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(tokens.accent), 1))
        painter.setBrush(QColor(tokens.accent) if is_over else Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(rect, 6, 6)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, on=False)
        painter.setPen(QColor(tokens.on_accent if is_over else tokens.accent))
        painter.setFont(ui_font(SMALL_PX, ui_font().Weight.Medium))
        painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, ACKNOWLEDGE)


def button_rect(cell: QRect) -> QRect:
    """Return where the acknowledge button lies in its cell."""
    return QRect(cell.left() + 8, cell.center().y() - 13, cell.width() - 16, 26)


class AlarmView(DataView):
    """The list of alarms; a click on the painted button acknowledges."""

    acknowledge = Signal(int)
    """The row whose button was clicked."""

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        super().mouseReleaseEvent(event)
        index = self.indexAt(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and self._on_button(event, index):
            self.acknowledge.emit(index.row())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        index = self.indexAt(event.position().toPoint())
        is_over = self._on_button(event, index)
        self.setCursor(Qt.CursorShape.PointingHandCursor if is_over else Qt.CursorShape.ArrowCursor)
        self._point_at((index.row(), index.column()) if is_over else (-1, -1))

    def leaveEvent(self, event: QEvent) -> None:
        self._point_at((-1, -1))
        super().leaveEvent(event)

    def _point_at(self, place: tuple[int, int]) -> None:
        delegate = self.cell_delegate
        if isinstance(delegate, AlarmDelegate) and delegate.over != place:
            delegate.over = place
            self.viewport().update()

    def _on_button(self, event: QMouseEvent, index: QModelIndex) -> bool:
        if not index.isValid() or index.column() != ACTION_COLUMN:
            return False
        if self.rows_model.cell(index.row(), ACTION_COLUMN).text != ACKNOWLEDGE:
            return False
        return button_rect(self.visualRect(index)).contains(event.position().toPoint())


class AlarmsPanel(PanelFrame):
    """All alarms.

    Args:
        theme: Colours.
        model: The lab.
    """

    acknowledge_wanted = Signal(str, int)
    """Alarm key and the version that the person saw."""
    plot_wanted = Signal(str, str)
    """Device id and channel of an alarm that a person wants to see plotted."""

    def __init__(self, theme: Theme, model: LabModel) -> None:
        super().__init__("Alarms", head_height=SLIM_HEAD_HEIGHT)
        self._model = model
        self.list = AlarmList(model.alarms, model.clock, self)
        self.view = AlarmView(theme, self.list, "Alarms", row_height=ROW_PX)
        self.view.cell_delegate = AlarmDelegate(theme, self.list, row_height=ROW_PX, parent=self.view)
        self.view.setItemDelegate(self.view.cell_delegate)
        self.view.horizontalHeader().hide()
        self.waiting = StatePage(
            theme, "bell", "Alarms are not known yet", "They come with the connection to the lab."
        )
        self.quiet = StatePage(theme, "shield-check", "All quiet", "No alarm was raised. The rules are watching.")
        self.head.addWidget(ToolButton(theme, "download", "Export alarms as CSV", self.view.export_csv))
        self.pages = QStackedWidget()
        self.pages.addWidget(self.waiting)
        self.pages.addWidget(self.quiet)
        self.pages.addWidget(self.view)
        self.add(self.pages, 1)
        self._wire()
        self._show_page()

    def _wire(self) -> None:
        self.view.acknowledge.connect(self._acknowledge_row)
        self.view.activated_row.connect(self._plot_row)
        self._said = QTimer(self)
        self._said.setSingleShot(True)
        self._said.timeout.connect(self._summarise)
        acknowledge = QAction("Acknowledge\tK", self.view)
        acknowledge.triggered.connect(self.acknowledge_chosen)
        plot = QAction("Plot the channel", self.view)
        plot.triggered.connect(lambda: self._plot_row(self.view.currentIndex().row()))
        self.view.extra_actions += [acknowledge, plot]

    def take(self, changes: Changes) -> None:
        """Show what a frame changed."""
        if changes.alarms:
            self.list.refresh()
            self._show_page()
        for answer in changes.answers:
            if answer.error:
                self.say(f"Not acknowledged: {one_line(answer.error)}")
        if changes.second and self.isVisible():
            self.list.touch_column(STATE_COLUMN)

    def say(self, text: str) -> None:
        """Show a sentence in the head for eight seconds."""
        self.summary.setText(text)
        self._said.start(SAY_FOR_MS)

    def _show_page(self) -> None:
        empty = self.quiet if schema.ALARMS in self._model.snapshots else self.waiting
        self.pages.setCurrentWidget(self.view if self.list.rows else empty)
        if not self._said.isActive():
            self._summarise()

    def _summarise(self) -> None:
        book = self._model.alarms
        names = (("raised", "raised"), ("acknowledged", "acknowledged"), ("pending", "holding"))
        parts = [f"{book.count(state)} {word}" for state, word in names if book.count(state)]
        self.summary.setText("   ·   ".join(parts) if parts else "none active" if self.list.rows else "")

    def _chosen(self) -> AlarmImage | None:
        row = self.view.currentIndex().row()
        return self.list.rows[row] if 0 <= row < len(self.list.rows) else None

    def acknowledge_chosen(self) -> None:
        """Acknowledge the chosen alarm; without a choice the most urgent one that is raised."""
        chosen = self._chosen()
        if chosen is None:
            chosen = next((alarm for alarm in self.list.rows if alarm.state == "raised"), None)
        if chosen is not None:
            self._acknowledge(chosen)

    def _acknowledge_row(self, row: int) -> None:
        self._acknowledge(self.list.rows[row])

    def _acknowledge(self, alarm: AlarmImage) -> None:
        if self._model.alarms.ask(alarm.alarm):
            self.list.touch([alarm.alarm])
            self.acknowledge_wanted.emit(alarm.alarm, alarm.version)

    def _plot_row(self, row: int) -> None:
        if 0 <= row < len(self.list.rows):
            alarm = self.list.rows[row]
            self.plot_wanted.emit(alarm.device, alarm.channel)

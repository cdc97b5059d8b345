"""Alarms, the most urgent first, with acknowledge; and the lab's inbox."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QModelIndex, QPersistentModelIndex, QRect, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QColor, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import QPushButton, QStackedWidget, QStyleOptionViewItem, QTabBar, QWidget

from iotlab.gui.adapters.alarms import ACKNOWLEDGE, ACTION_COLUMN, AlarmList, NoteList
from iotlab.gui.models.events import AlarmImage
from iotlab.gui.models.lab import Changes, LabModel
from iotlab.gui.models.text import count_text, one_line
from iotlab.gui.theme import Theme, ui_font
from iotlab.gui.tokens import SMALL_PX
from iotlab.gui.widgets.cells import CellDelegate
from iotlab.gui.widgets.data_view import DataView
from iotlab.gui.widgets.frame import PanelFrame, ToolButton
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
    """Alarms and, behind a tab, the inbox.

    Args:
        theme: Colours.
        model: The lab.
    """

    acknowledge_wanted = Signal(str, int)
    """Alarm key and the version that the person saw."""
    plot_wanted = Signal(str, str)
    """Device id and channel of an alarm that a person wants to see plotted."""

    def __init__(self, theme: Theme, model: LabModel) -> None:
        super().__init__("Alarms")
        self._model = model
        self.list = AlarmList(model.alarms, model.clock, self)
        self.view = AlarmView(theme, self.list, "Alarms", row_height=ROW_PX)
        self.view.cell_delegate = AlarmDelegate(theme, self.list, row_height=ROW_PX, parent=self.view)
        self.view.setItemDelegate(self.view.cell_delegate)
        self.notes = NoteList(model.notes, model.clock, self)
        self.note_view = DataView(theme, self.notes, "Notifications", row_height=ROW_PX)
        for view in (self.view, self.note_view):
            view.horizontalHeader().hide()
        self.quiet = StatePage(theme, "shield-check", "All quiet", "No alarm was raised. Rules are watching.")
        self.no_notes = StatePage(theme, "inbox", "No notifications", "What the lab tells you is kept here.")
        self._build_head(theme)
        self.pages = QStackedWidget()
        for page in (self.quiet, self.view, self.no_notes, self.note_view):
            self.pages.addWidget(page)
        self.add(self.pages, 1)
        self._wire()
        self._show_page()

    def _build_head(self, theme: Theme) -> None:
        self.title.hide()
        self.tabs = QTabBar()
        self.tabs.setDrawBase(False)
        self.tabs.setExpanding(False)
        self.tabs.addTab("Alarms")
        self.tabs.addTab("Notifications")
        self.tabs.setAccessibleName("Alarms or notifications")
        self.tabs.setFont(ui_font(14, ui_font().Weight.DemiBold))
        self.head.insertWidget(0, self.tabs)
        self.head.setContentsMargins(10, 0, 8, 0)
        self.button = QPushButton("Acknowledge")
        self.button.setToolTip("Acknowledge the chosen alarm (K)")
        self.button.setEnabled(False)
        self.head.addWidget(self.button)
        self.head.addWidget(ToolButton(theme, "download", "Export this list as CSV", self._export))

    def _wire(self) -> None:
        self.tabs.currentChanged.connect(self._show_page)
        self.button.clicked.connect(self.acknowledge_chosen)
        self.view.acknowledge.connect(self._acknowledge_row)
        self.view.activated_row.connect(self._plot_row)
        self.view.current_row.connect(lambda _: self._enable())
        self._said = QTimer(self)
        self._said.setSingleShot(True)
        self._said.timeout.connect(self._summarise)
        acknowledge = QAction("Acknowledge", self.view)
        acknowledge.setShortcut("K")
        acknowledge.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        acknowledge.triggered.connect(self.acknowledge_chosen)
        plot = QAction("Plot the channel", self.view)
        plot.triggered.connect(lambda: self._plot_row(self.view.currentIndex().row()))
        for action in (acknowledge, plot):
            self.view.addAction(action)
            self.view.extra_actions.append(action)

    def take(self, changes: Changes) -> None:
        """Show what a frame changed."""
        if changes.alarms:
            self.list.refresh()
            self._show_page()
            self._enable()
        if changes.notes:
            self.notes.refresh()
            self._show_page()
        for answer in changes.answers:
            if answer.error:
                self.say(f"Not acknowledged: {one_line(answer.error)}")
        if changes.second and self.isVisible():
            for column in (2, 3):
                self.list.touch_column(column)
            self.notes.touch_column(1)

    def say(self, text: str) -> None:
        """Show a sentence in the head for eight seconds."""
        self.summary.setText(text)
        self._said.start(SAY_FOR_MS)

    def _show_page(self) -> None:
        page: QWidget
        if self.tabs.currentIndex() == 0:
            page = self.view if self.list.rows else self.quiet
        else:
            page = self.note_view if self.notes.rows else self.no_notes
        self.pages.setCurrentWidget(page)
        self.button.setVisible(self.tabs.currentIndex() == 0 and bool(self.list.rows))
        if not self._said.isActive():
            self._summarise()

    def _summarise(self) -> None:
        book = self._model.alarms
        if self.tabs.currentIndex() == 0:
            parts = [f"{book.count(state)} {state}" for state in ("raised", "acknowledged") if book.count(state)]
            self.summary.setText("  ·  ".join(parts) if parts else "")
            return
        outcomes = self._model.notes.outcomes()
        parts = [
            f"{outcomes[name]} {name}"
            for name in ("sent", "pending", "sending", "failed", "unknown")
            if outcomes[name]
        ]
        more = self._model.notes.not_shown
        parts += [f"{count_text(more, 'older one')} in the table only"] if more else []
        self.summary.setText("  ·  ".join(parts))

    def _enable(self) -> None:
        alarm = self._chosen()
        can = alarm is not None and alarm.state == "raised" and alarm.alarm not in self._model.alarms.asked
        self.button.setEnabled(can)

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
            self._enable()
            self.acknowledge_wanted.emit(alarm.alarm, alarm.version)

    def _plot_row(self, row: int) -> None:
        if 0 <= row < len(self.list.rows):
            alarm = self.list.rows[row]
            self.plot_wanted.emit(alarm.device, alarm.channel)

    def _export(self) -> None:
        (self.view if self.tabs.currentIndex() == 0 else self.note_view).export_csv()

"""A list as people expect it: sort by heading, copy with Ctrl+C, export as CSV, keys that mean something."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QEvent, QMimeData, QModelIndex, QPoint, Qt, Signal
from PySide6.QtGui import QAction, QDrag, QGuiApplication, QKeyEvent, QKeySequence, QMouseEvent
from PySide6.QtWidgets import QAbstractItemView, QApplication, QFileDialog, QHeaderView, QMenu, QTableView, QWidget

from iotlab.gui.adapters.rows import RowsModel
from iotlab.gui.models.export import csv_text, tab_text
from iotlab.gui.theme import Theme
from iotlab.gui.tokens import ROW_HEIGHT
from iotlab.gui.widgets.cells import CellDelegate

CHANNEL_MIME = "application/x-iotlab-channel"
"""Dragged channel: device id and channel name, apart by a NUL."""


class DataView(QTableView):
    """A table view over a `RowsModel`.

    Args:
        theme: Colours.
        model: Rows and columns.
        row_height: Logical pixels.
        accessible_name: What a screen reader calls it.
    """

    activated_row = Signal(int)
    """A row was double-clicked or Enter was pressed on it."""
    current_row = Signal(int)
    """Another row is current; -1 for none."""

    def __init__(
        self,
        theme: Theme,
        model: RowsModel[Any],
        accessible_name: str,
        *,
        row_height: int = ROW_HEIGHT,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.rows_model = model
        self.extra_actions: list[QAction] = []
        self.setModel(model)
        self.cell_delegate = CellDelegate(theme, model, row_height=row_height, parent=self)
        self.setItemDelegate(self.cell_delegate)
        self.setAccessibleName(accessible_name)
        self._look(row_height)
        self._columns()
        self.doubleClicked.connect(lambda index: self.activated_row.emit(index.row()))
        self.selectionModel().currentRowChanged.connect(lambda current, _: self.current_row.emit(current.row()))
        theme.changed.connect(self.viewport().update)
        self._press = QPoint()

    def _look(self, row_height: int) -> None:
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setTabKeyNavigation(False)
        self.setMouseTracking(True)
        self.setCornerButtonEnabled(False)
        down = self.verticalHeader()
        down.hide()
        down.setMinimumSectionSize(row_height)
        down.setDefaultSectionSize(row_height)
        down.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)

    def _columns(self) -> None:
        across = self.horizontalHeader()
        across.setHighlightSections(False)
        across.setFixedHeight(28)
        across.setMinimumSectionSize(36)
        for place, column in enumerate(self.rows_model.columns):
            if column.width:
                self.setColumnWidth(place, column.width)
            else:
                across.setSectionResizeMode(place, QHeaderView.ResizeMode.Stretch)
        across.sectionClicked.connect(self._heading_clicked)

    def _heading_clicked(self, column: int) -> None:
        model = self.rows_model
        if model.columns[column].order is None:
            return
        flip = model.sort_column == column and model.sort_order == Qt.SortOrder.AscendingOrder
        order = Qt.SortOrder.DescendingOrder if flip else Qt.SortOrder.AscendingOrder
        self.horizontalHeader().setSortIndicatorShown(True)
        self.horizontalHeader().setSortIndicator(column, order)
        model.sort(column, order)

    def selected_rows(self) -> list[int]:
        """Return the selected row numbers, ascending."""
        return sorted(index.row() for index in self.selectionModel().selectedRows())

    def copy_text(self) -> str:
        """Return the selected rows as tab-separated text, cells neutralised."""
        return tab_text(self.rows_model.export_rows(self.selected_rows()))

    def csv(self) -> str:
        """Return all rows as CSV, cells neutralised."""
        return csv_text(self.rows_model.export_header(), self.rows_model.export_rows())

    def copy_selection(self) -> None:
        """Put the selected rows on the clipboard as plain text."""
        if self.selected_rows():
            QGuiApplication.clipboard().setText(self.copy_text())

    def export_csv(self) -> None:
        """Ask for a file and write all rows into it."""
        name, _ = QFileDialog.getSaveFileName(
            self, "Export CSV", f"{self.accessibleName().lower()}.csv", "CSV (*.csv)"
        )
        if name:
            save_text(Path(name), self.csv())

    def contextMenuEvent(self, event: Any) -> None:
        menu = QMenu(self)
        for action in self.extra_actions:
            menu.addAction(action)
        if self.extra_actions:
            menu.addSeparator()
        copy = menu.addAction("Copy row", self.copy_selection)
        copy.setShortcut(QKeySequence(QKeySequence.StandardKey.Copy))
        copy.setEnabled(bool(self.selected_rows()))
        menu.addAction("Export list as CSV…", self.export_csv)
        menu.exec(event.globalPos())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy_selection()
            return
        if event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter} and not event.modifiers():
            current = self.currentIndex()
            if current.isValid():
                self.activated_row.emit(current.row())
            return
        plain = event.modifiers() in {Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier}
        if plain and event.text().isprintable() and event.text():
            # Letters, `/` and space belong to the window, not to Qt's search by first letter.
            event.ignore()
            return
        super().keyPressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._hover(self.rowAt(event.position().toPoint().y()))
        if event.buttons() & Qt.MouseButton.LeftButton:
            far = (event.position().toPoint() - self._press).manhattanLength() >= QApplication.startDragDistance()
            data = self.drag_data(self.rowAt(self._press.y())) if far else None
            if data is not None:
                drag = QDrag(self)
                drag.setMimeData(data)
                drag.exec(Qt.DropAction.CopyAction)
                return
        super().mouseMoveEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._press = event.position().toPoint()
        super().mousePressEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self._hover(-1)
        super().leaveEvent(event)

    def drag_data(self, row: int) -> QMimeData | None:
        """Return what dragging a row carries, or None when it can't be dragged."""
        key = self.drag_key(row) if row >= 0 else None
        if key is None:
            return None
        data = QMimeData()
        data.setData(CHANNEL_MIME, "\0".join(key).encode())
        return data

    def drag_key(self, row: int) -> tuple[str, str] | None:
        """Return the device id and channel that a row stands for; None in lists without channels."""
        del row
        return None

    def _hover(self, row: int) -> None:
        if row == self.cell_delegate.hovered_row:
            return
        for changed in (self.cell_delegate.hovered_row, row):
            if 0 <= changed < self.rows_model.rowCount():
                place = self.visualRect(self.rows_model.index(changed, 0))
                self.viewport().update(0, place.top(), self.viewport().width(), place.height())
        self.cell_delegate.hovered_row = row


def current_place(index: QModelIndex) -> int:
    """Return the row of an index, -1 when it is invalid."""
    return index.row() if index.isValid() else -1


def save_text(path: Path, text: str) -> str:
    """Write text as UTF-8 with a mark that spreadsheets understand; return why it could not be, or an empty text."""
    try:
        path.write_text(text, encoding="utf-8-sig", newline="")
    except OSError as error:
        return f"{path} can't be written: {error.strerror}"
    return ""

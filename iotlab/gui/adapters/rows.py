"""The common face of all lists: rows of Python objects, sorted and filtered here, shown by any Qt view."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, TypeVar

import msgspec
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from iotlab.gui.models.cell import Cell
from iotlab.gui.models.export import Cell as CsvCell
from iotlab.gui.models.text import plain_tooltip

Row = TypeVar("Row")
AnyIndex = QModelIndex | QPersistentModelIndex
NO_INDEX = QModelIndex()


class Column(msgspec.Struct, Generic[Row], frozen=True):
    """One column of a list.

    Attributes:
        title: Its heading.
        width: Logical pixels at first; 0 takes what is left.
        cell: What is painted for a row.
        export: What CSV and the clipboard get; raw values, not shortened.
        order: What it is sorted by; None when it is not sorted.
        tooltip: Full text where the cell may be cut; None for none.
        right: Whether heading and cells are aligned to the right.
    """

    title: str
    width: int
    cell: Callable[[Row], Cell]
    export: Callable[[Row], CsvCell]
    order: Callable[[Row], Any] | None = None
    tooltip: Callable[[Row], str] | None = None
    right: bool = False


class RowsModel(QAbstractTableModel, Generic[Row]):
    """Rows in order, with selection kept on the same objects when they move.

    Args:
        columns: What each row shows.
        identity: A row's key, stable over its life.
    """

    def __init__(
        self, columns: Sequence[Column[Row]], identity: Callable[[Row], object], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.columns = list(columns)
        self.also_exported: list[tuple[str, Callable[[Row], CsvCell]]] = []
        self._identity = identity
        self.rows: list[Row] = []
        self._places: dict[object, int] = {}
        self.sort_column = -1
        self.sort_order = Qt.SortOrder.AscendingOrder

    def rowCount(self, parent: AnyIndex = NO_INDEX) -> int:
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: AnyIndex = NO_INDEX) -> int:
        return 0 if parent.isValid() else len(self.columns)

    def cell(self, row: int, column: int) -> Cell:
        """Return what a cell shows; called by the delegate without Qt in between."""
        return self.columns[column].cell(self.rows[row])

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        column, row = self.columns[index.column()], self.rows[index.row()]
        if role in {Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole}:
            cell = column.cell(row)
            return f"{cell.text}\n{cell.below}" if cell.below else cell.text
        if role == Qt.ItemDataRole.ToolTipRole and column.tooltip is not None:
            return plain_tooltip(column.tooltip(row))
        return None

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self.columns[section].title
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if self.columns[section].right else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        return None

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        if column >= 0 and self.columns[column].order is None:
            return
        self.sort_column, self.sort_order = column, order
        self.set_rows(self.rows)

    def set_rows(self, rows: Iterable[Row]) -> None:
        """Show these rows; selection and scroll position stay with the objects that are still there."""
        ordered = self._ordered(list(rows))
        keys = [self._identity(row) for row in ordered]
        if keys == list(self._places):
            self.rows = ordered
            if ordered:
                self.dataChanged.emit(self.index(0, 0), self.index(len(ordered) - 1, len(self.columns) - 1))
            return
        self.layoutAboutToBeChanged.emit()
        before = [(index, self._identity(self.rows[index.row()])) for index in self.persistentIndexList()]
        self.rows = ordered
        self._places = {key: place for place, key in enumerate(keys)}
        for index, key in before:
            place = self._places.get(key)
            self.changePersistentIndex(index, NO_INDEX if place is None else self.index(place, index.column()))
        self.layoutChanged.emit()

    def _ordered(self, rows: list[Row]) -> list[Row]:
        order = self.columns[self.sort_column].order if self.sort_column >= 0 else None
        if order is not None:
            rows.sort(key=order, reverse=self.sort_order == Qt.SortOrder.DescendingOrder)
        return rows

    def touch(self, keys: Iterable[object]) -> None:
        """Repaint the rows of these keys, each once."""
        last = len(self.columns) - 1
        for key in keys:
            place = self._places.get(key)
            if place is not None:
                self.dataChanged.emit(self.index(place, 0), self.index(place, last))

    def touch_column(self, column: int) -> None:
        """Repaint one column, such as ages."""
        if self.rows:
            self.dataChanged.emit(self.index(0, column), self.index(len(self.rows) - 1, column))

    def place(self, key: object) -> int | None:
        """Return the row number of a key, or None when it is not shown."""
        return self._places.get(key)

    def export_rows(self, places: Iterable[int] | None = None) -> list[list[CsvCell]]:
        """Return raw values of all rows, or of those places."""
        chosen = self.rows if places is None else [self.rows[place] for place in places]
        cells = [column.export for column in self.columns] + [export for _, export in self.also_exported]
        return [[cell(row) for cell in cells] for row in chosen]

    def export_header(self) -> list[str]:
        """Return the headings of `export_rows`."""
        return [column.title for column in self.columns] + [title for title, _ in self.also_exported]

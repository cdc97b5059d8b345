"""The topic tree as a list whose levels open and close."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent

from iotlab.gui.adapters.messages import TopicList
from iotlab.gui.models.topics import TopicNode
from iotlab.gui.widgets.cells import INDENT
from iotlab.gui.widgets.data_view import DataView


class TopicView(DataView):
    """The topic tree; a click on the arrow, Left, Right or Enter opens and closes a level."""

    def mousePressEvent(self, event: QMouseEvent) -> None:
        super().mousePressEvent(event)
        row = self.rowAt(event.position().toPoint().y())
        if row < 0:
            return
        node: TopicNode = self.rows_model.rows[row]
        left = 8 + node.depth * INDENT
        if node.children and node.depth >= 0 and left - 4 <= event.position().x() <= left + INDENT:
            self._toggle(row)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        row = self.currentIndex().row()
        if event.key() in {Qt.Key.Key_Left, Qt.Key.Key_Right} and row >= 0:
            self._step(row, opens=event.key() == Qt.Key.Key_Right)
            return
        super().keyPressEvent(event)

    def _step(self, row: int, *, opens: bool) -> None:
        node: TopicNode = self.rows_model.rows[row]
        if node.children and node.depth >= 0 and node.is_open != opens:
            self._toggle(row)
        elif not opens and node.parent is not None:
            place = self.rows_model.place(id(node.parent))
            if place is not None:
                self.selectRow(place)

    def _toggle(self, row: int) -> None:
        model = self.rows_model
        assert isinstance(model, TopicList)  # noqa: S101  built that way below
        model.toggle(row)

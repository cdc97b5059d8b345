"""Labels that never take a device's text for markup and never cut it without a mark."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QLabel, QSizePolicy, QWidget

from iotlab.gui.models.text import plain_tooltip


class PlainLabel(QLabel):
    """A label of plain text; ``name`` chooses its look in the style sheet."""

    def __init__(self, text: str = "", name: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setText(text)
        if name:
            self.setObjectName(name)


class ElidedLabel(PlainLabel):
    """A label that ends in … where it has too little room, and then tells the whole text in its tooltip."""

    def __init__(self, text: str = "", name: str = "", parent: QWidget | None = None) -> None:
        super().__init__(text, name, parent)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.setMinimumWidth(20)

    def minimumSizeHint(self) -> QSize:
        return QSize(20, super().minimumSizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        shown = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, self.contentsRect().width())
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.drawText(self.contentsRect(), int(self.alignment() | Qt.AlignmentFlag.AlignVCenter), shown)
        if shown != self.text() and not self.toolTip():
            self.setToolTip(plain_tooltip(self.text()))


def line(parent: QWidget | None = None) -> QFrame:
    """Return a hairline between two parts."""
    made = QFrame(parent)
    made.setObjectName("line")
    made.setFixedHeight(1)
    return made

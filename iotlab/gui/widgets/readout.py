"""The values under the crosshair."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QWidget

from iotlab.gui.theme import Theme
from iotlab.gui.widgets.chips import Swatch
from iotlab.gui.widgets.labels import ElidedLabel, PlainLabel


class Readout(QFrame):
    """The values under the crosshair, in a small card beside it."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._panel = parent
        self.setObjectName("readout")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._theme = theme
        self._box = QGridLayout(self)
        self._box.setContentsMargins(10, 7, 10, 7)
        self._box.setHorizontalSpacing(8)
        self._box.setVerticalSpacing(3)
        self._when = PlainLabel("", "caption")
        self._box.addWidget(self._when, 0, 0, 1, 3)
        self._rows: list[tuple[int, Swatch, ElidedLabel, PlainLabel]] = []
        self.hide()

    def say(self, when: str, rows: list[tuple[int, str, str]]) -> None:
        """Show a time and the values at it: colour index, label, value."""
        self._when.setText(when)
        if [row[0] for row in self._rows] != [colour for colour, _, _ in rows]:
            self._rebuild([colour for colour, _, _ in rows])
        for (_, _, name, value), (_, label, text) in zip(self._rows, rows, strict=True):
            name.setText(label)
            value.setText(text)

    def _rebuild(self, colours: list[int]) -> None:
        for _, *widgets in self._rows:
            for widget in widgets:
                self._box.removeWidget(widget)
                widget.deleteLater()
        self._rows = []
        for place, colour in enumerate(colours, start=1):
            row = (colour, Swatch(self._theme, colour), ElidedLabel(), PlainLabel("", "strong"))
            row[2].setMinimumWidth(170)
            row[3].setAlignment(Qt.AlignmentFlag.AlignRight)
            for column, widget in enumerate(row[1:]):
                self._box.addWidget(widget, place, column)
            self._rows.append(row)

    def place(self, where: QPoint) -> None:
        """Stand beside the cursor, inside the panel."""
        self.adjustSize()
        parent = self._panel
        x = where.x() + 16
        if x + self.width() > parent.width() - 8:
            x = where.x() - 16 - self.width()
        y = min(max(where.y() - self.height() // 2, 8), parent.height() - self.height() - 8)
        self.move(max(x, 8), y)
        self.show()
        self.raise_()

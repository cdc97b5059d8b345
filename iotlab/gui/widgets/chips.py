"""The plot's legend: one chip a channel, with its colour, its value and a way to take it out."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSizePolicy, QToolButton, QWidget

from iotlab.gui.models.plots import ChannelKey, Series
from iotlab.gui.models.text import plain_tooltip
from iotlab.gui.theme import Theme, ui_font
from iotlab.gui.tokens import SMALL_PX
from iotlab.gui.widgets.icons import icon
from iotlab.gui.widgets.labels import PlainLabel

LABEL_PX = 190


class Swatch(QWidget):
    """A short bar in a series' colour."""

    def __init__(self, theme: Theme, index: int) -> None:
        super().__init__()
        self._theme = theme
        self._index = index
        self.setFixedSize(12, 12)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._theme.tokens.series_colour(self._index)))
        painter.drawRoundedRect(QRectF(0, 4, 12, 4), 2, 2)


class Chip(QFrame):
    """One channel of the legend.

    Args:
        series: The channel.
        label: What tells it from its neighbours.
    """

    removed = Signal(object)
    """The channel's key: take it out of the plot."""

    def __init__(self, theme: Theme, series: Series, label: str) -> None:
        super().__init__()
        self.setObjectName("chip")
        self.setFixedHeight(24)
        self._theme = theme
        self._key: ChannelKey = series.key
        box = QHBoxLayout(self)
        box.setContentsMargins(9, 0, 3, 0)
        box.setSpacing(6)
        self.name = PlainLabel()
        self.name.setFont(ui_font(SMALL_PX))
        shown = self.name.fontMetrics().elidedText(label, Qt.TextElideMode.ElideMiddle, LABEL_PX)
        self.name.setText(shown)
        self.setToolTip(plain_tooltip(series.label))
        self.value = PlainLabel("", "strong")
        self.value.setFont(ui_font(SMALL_PX, ui_font().Weight.DemiBold))
        self.value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.value.setMinimumWidth(44)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        box.addWidget(Swatch(theme, series.colour))
        box.addWidget(self.name)
        box.addWidget(self.value)
        box.addWidget(self._close_button(series))

    def _close_button(self, series: Series) -> QToolButton:
        button = QToolButton()
        button.setAccessibleName(f"Remove {series.label} from the plot")
        button.setToolTip("Remove from the plot; recording goes on")
        button.setStyleSheet("padding: 0; min-height: 0; border-radius: 8px;")
        button.setFixedSize(18, 18)
        button.setIconSize(QSize(12, 12))
        button.setIcon(icon("x", self._theme.tokens.muted))
        button.clicked.connect(lambda: self.removed.emit(self._key))
        return button

    def show_value(self, text: str) -> None:
        """Show a value, the last or that under the cursor."""
        if text != self.value.text():
            self.value.setText(text)
            self.value.setMinimumWidth(max(self.value.minimumWidth(), self.value.sizeHint().width()))

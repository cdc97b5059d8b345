"""What a panel shows instead of its content: still connecting, or nothing there yet and what to do about it."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt, QTimer
from PySide6.QtGui import QColor, QHideEvent, QPainter, QPaintEvent, QPen, QShowEvent
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from iotlab.gui.theme import Theme, mono_font
from iotlab.gui.widgets.icons import icon_pixmap
from iotlab.gui.widgets.labels import PlainLabel

SPIN_MS = 60
SPIN_DEGREES = 15


class Spinner(QWidget):
    """A turning arc; it turns only while it is visible."""

    def __init__(self, theme: Theme, px: int = 28) -> None:
        super().__init__()
        self._theme = theme
        self._angle = 90
        self.setFixedSize(px, px)
        self._timer = QTimer(self)
        self._timer.setInterval(SPIN_MS)
        self._timer.timeout.connect(self._turn)

    def _turn(self) -> None:
        self._angle = (self._angle - SPIN_DEGREES) % 360
        self.update()

    def showEvent(self, event: QShowEvent) -> None:
        self._timer.start()
        super().showEvent(event)

    def hideEvent(self, event: QHideEvent) -> None:
        self._timer.stop()
        super().hideEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect()).adjusted(3, 3, -3, -3)
        painter.setPen(QPen(QColor(self._theme.tokens.border), 3))
        painter.drawEllipse(box)
        painter.setPen(QPen(QColor(self._theme.tokens.accent), 3, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawArc(box, self._angle * 16, 100 * 16)


class StatePage(QWidget):
    """A centred icon or spinner, a sentence, its explanation, and perhaps a command to copy.

    Args:
        theme: Colours.
        icon_name: A bundled icon; empty for a spinner.
        title, detail: What is the case, and what it means or what to do.
        code: A command or topic, selectable.
    """

    def __init__(self, theme: Theme, icon_name: str, title: str, detail: str = "", code: str = "") -> None:
        super().__init__()
        self._theme = theme
        self._icon_name = icon_name
        box = QVBoxLayout(self)
        box.setContentsMargins(24, 24, 24, 24)
        box.setSpacing(8)
        box.addStretch(1)
        self._picture = QLabel()
        self._picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        mark: QWidget = self._picture if icon_name else Spinner(theme)
        box.addWidget(mark, 0, Qt.AlignmentFlag.AlignHCenter)
        self.title = self._label(title, "stateTitle")
        self.detail = self._label(detail, "muted")
        box.addSpacing(4)
        box.addWidget(self.title)
        box.addWidget(self.detail)
        if code:
            self._add_code(box, code)
        box.addStretch(1)
        theme.changed.connect(self._paint_icon)
        self._paint_icon()

    def _label(self, text: str, name: str) -> PlainLabel:
        label = PlainLabel(text, name)
        label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        label.setWordWrap(True)
        label.setVisible(bool(text))
        return label

    def _add_code(self, box: QVBoxLayout, code: str) -> None:
        shown = PlainLabel(code, "code")
        shown.setFont(mono_font())
        shown.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        box.addSpacing(6)
        box.addWidget(shown, 0, Qt.AlignmentFlag.AlignHCenter)

    def say(self, title: str, detail: str) -> None:
        """Change what is said."""
        if (self.title.text(), self.detail.text()) != (title, detail):
            self.title.setText(title)
            self.detail.setText(detail)
            self.detail.setVisible(bool(detail))

    def _paint_icon(self) -> None:
        if self._icon_name:
            ratio = self.devicePixelRatioF()
            self._picture.setPixmap(icon_pixmap(self._icon_name, self._theme.tokens.faint, 32, ratio))

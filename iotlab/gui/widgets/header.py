"""The strip on top: whose lab this is, how it is at a glance, and what concerns the whole window."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QMenu, QVBoxLayout, QWidget

from iotlab.gui.models.lab import LabModel
from iotlab.gui.models.text import number_text, rate_text
from iotlab.gui.theme import Theme
from iotlab.gui.widgets.frame import ToolButton
from iotlab.gui.widgets.icons import paint_severity
from iotlab.gui.widgets.labels import PlainLabel

HEADER_HEIGHT = 56


class Mark(QWidget):
    """The program's mark: a wave that reaches a table."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.setFixedSize(26, 26)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(self._theme.tokens.accent))
        painter.drawRoundedRect(QRectF(0, 0, 26, 26), 7, 7)
        pen = QPen(QColor(self._theme.tokens.on_accent), 2.2)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
        painter.setPen(pen)
        beat = ((5, 14), (9, 14), (11.5, 7.5), (15, 19), (17.5, 12.5), (21, 12.5))
        painter.drawPolyline([QPointF(x, y) for x, y in beat])


class Figure(QWidget):
    """One number of the lab with what it counts, and a severity shape where it matters."""

    def __init__(self, theme: Theme, noun: str) -> None:
        super().__init__()
        self._theme = theme
        self._severity = ""
        box = QHBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(8)
        self._shape = QWidget()
        self._shape.setFixedSize(0, 20)
        self._shape.paintEvent = self._paint_shape  # type: ignore[method-assign]  # one shape needs no class
        texts = QVBoxLayout()
        texts.setContentsMargins(0, 8, 0, 8)
        texts.setSpacing(1)
        self.number = PlainLabel("\u2013", "figure")
        self.noun = PlainLabel(noun, "caption")
        texts.addWidget(self.number)
        texts.addWidget(self.noun)
        box.addWidget(self._shape)
        box.addLayout(texts)

    def say(self, number: str, noun: str, severity: str = "") -> None:
        """Show a number and what it counts."""
        if (number, noun, severity) == (self.number.text(), self.noun.text(), self._severity):
            return
        self.number.setText(number)
        self.noun.setText(noun)
        self._severity = severity
        self._shape.setFixedSize(22 if severity else 0, 22)
        self._shape.update()
        self.setAccessibleName(f"{number} {noun}")

    def _paint_shape(self, _event: QPaintEvent) -> None:
        if self._severity:
            painter = QPainter(self._shape)
            tokens = self._theme.tokens
            colour = tokens.severity(self._severity)
            paint_severity(painter, QRectF(1, 1, 20, 20), self._severity, colour, tokens.surface, filled=True)


class Header(QWidget):
    """Mark, figures, and the window's own buttons.

    Args:
        theme: Colours.
        model: The lab.
        place: Which lab this is, such as its data directory's name.
    """

    help_wanted = Signal()
    layout_reset = Signal()

    def __init__(self, theme: Theme, model: LabModel, place: str) -> None:
        super().__init__()
        self.setObjectName("header")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setFixedHeight(HEADER_HEIGHT)
        self._model = model
        self._theme = theme
        box = QHBoxLayout(self)
        box.setContentsMargins(16, 0, 12, 0)
        box.setSpacing(10)
        name = PlainLabel("iotlab", "brand")
        box.addWidget(Mark(theme))
        box.addWidget(name)
        box.addWidget(PlainLabel(place, "muted"))
        box.addStretch(1)
        self.devices = Figure(theme, "devices")
        self.alarms = Figure(theme, "active alarms")
        self.rate = Figure(theme, "messages a second")
        self.stored = Figure(theme, "messages stored")
        self.losses = Figure(theme, "lost")
        for figure in (self.alarms, self.devices, self.rate, self.stored, self.losses):
            box.addWidget(figure)
            box.addSpacing(22)
        box.addStretch(1)
        self._buttons(theme, box)
        theme.changed.connect(self._show_theme)
        self._show_theme()

    def _buttons(self, theme: Theme, box: QHBoxLayout) -> None:
        self.panels = ToolButton(theme, "panels-top-left", "Panels")
        self.panels.setPopupMode(self.panels.ToolButtonPopupMode.InstantPopup)
        self.panels_menu = QMenu(self)
        self.panels.setMenu(self.panels_menu)
        self.theme_button = ToolButton(theme, "sun", "Light or dark (Ctrl+T)", theme.toggle)
        self.help_button = ToolButton(theme, "keyboard", "Keys (F1)", self.help_wanted.emit)
        for button in (self.panels, self.theme_button, self.help_button):
            box.addWidget(button)

    def _show_theme(self) -> None:
        self.theme_button.show_icon("moon" if self._theme.tokens.name == "light" else "sun")

    def refresh(self) -> None:
        """Take over the figures."""
        model = self._model
        if not model.links.was_live:
            return
        counts = model.devices.presences(model.seen_us())
        silent = counts["late"] + counts["offline"]
        self.devices.say(number_text(len(model.devices)), f"devices, {silent} silent" if silent else "devices online")
        raised, taken = model.alarms.count("raised"), model.alarms.count("acknowledged")
        noun = "alarm raised" if raised == 1 else "alarms raised"
        self.alarms.say(number_text(raised), f"{noun}, {taken} seen" if taken else noun, model.alarms.worst)
        health = model.health
        if health.status:
            rate = health.messages_per_s or 0.0
            self.rate.say(rate_text(rate) or "0", "messages a second")
            self.stored.say(number_text(health.counters.get("stored", 0)), "messages stored")
            lost = health.loss_count
            self.losses.say(
                number_text(lost), "messages lost" if lost != 1 else "message lost", "critical" if lost else ""
            )

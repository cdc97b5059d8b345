"""The frame of every panel: a card with a head that names it and holds its tools, and a body."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLineEdit, QToolButton, QVBoxLayout, QWidget

from iotlab.gui.theme import Theme
from iotlab.gui.widgets.icons import icon
from iotlab.gui.widgets.labels import ElidedLabel, PlainLabel

HEAD_HEIGHT = 42
SLIM_HEAD_HEIGHT = 34


class PanelFrame(QFrame):
    """A card.

    Args:
        title: Its name, for people who hear the window.
        shows_title: Whether the head shows it, too; the tab of a dock says it already.
        head_height: Logical pixels.
    """

    def __init__(self, title: str, *, shows_title: bool = False, head_height: int = HEAD_HEIGHT) -> None:
        super().__init__()
        self.setObjectName("panel")
        self.setAccessibleName(title)
        self._box = QVBoxLayout(self)
        self._box.setContentsMargins(1, 0, 1, 1)
        self._box.setSpacing(0)
        head = QWidget()
        head.setObjectName("panelHead")
        head.setFixedHeight(head_height)
        self.head = QHBoxLayout(head)
        self.head.setContentsMargins(8, 0, 8, 0)
        self.head.setSpacing(6)
        self.summary = ElidedLabel("", "caption")
        if shows_title:
            self.head.addWidget(PlainLabel(title, "panelTitle"))
            self.head.addSpacing(4)
        self.head.addWidget(self.summary, 1)
        self._box.addWidget(head)

    def add(self, widget: QWidget, stretch: int = 0) -> None:
        """Put a widget under what is there."""
        self._box.addWidget(widget, stretch)


class ToolButton(QToolButton):
    """A flat button with a bundled icon in the theme's colour.

    Args:
        icon_name: A bundled icon.
        tip: Tooltip and accessible name, with its key where it has one.
        action: What a click does.
    """

    def __init__(self, theme: Theme, icon_name: str, tip: str, action: Callable[[], object] | None = None) -> None:
        super().__init__()
        self._theme = theme
        self._icon_name = icon_name
        self.setToolTip(tip)
        self.setAccessibleName(tip)
        self.setIconSize(QSize(16, 16))
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        theme.changed.connect(self._paint_icon)
        self._paint_icon()
        if action is not None:
            self._action = action
            self.clicked.connect(self._act)

    def _act(self) -> None:
        self._action()

    def show_icon(self, icon_name: str) -> None:
        """Change to another bundled icon."""
        if icon_name != self._icon_name:
            self._icon_name = icon_name
            self._paint_icon()

    def _paint_icon(self) -> None:
        self.setIcon(icon(self._icon_name, self._theme.tokens.muted))


class FilterField(QLineEdit):
    """A field that filters a list while one types; Escape empties it, Down goes into the list.

    Args:
        placeholder: What it filters, with its key.
    """

    wanted = Signal(str)
    """The text as a list should use it: trimmed."""
    leave = Signal()
    """Down or Enter: the list should get the focus."""

    def __init__(self, theme: Theme, placeholder: str, width: int = 190) -> None:
        super().__init__()
        self._theme = theme
        self.setPlaceholderText(placeholder)
        self.setAccessibleName(placeholder)
        self.setClearButtonEnabled(True)
        self.setMinimumWidth(110)
        self.setMaximumWidth(width)
        self._action = self.addAction(icon("search", theme.tokens.faint), QLineEdit.ActionPosition.LeadingPosition)
        theme.changed.connect(lambda: self._action.setIcon(icon("search", theme.tokens.faint)))
        self.textChanged.connect(lambda text: self.wanted.emit(text.strip()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.clear()
            self.leave.emit()
        elif event.key() in {Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            self.leave.emit()
        else:
            super().keyPressEvent(event)

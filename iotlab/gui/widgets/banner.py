"""The strip that says what is wrong with a connection, what still works, and what happens next."""

from __future__ import annotations

from PySide6.QtCore import QSize, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton

from iotlab.gui.models.links import Notice
from iotlab.gui.theme import Theme
from iotlab.gui.widgets.icons import icon_pixmap
from iotlab.gui.widgets.labels import PlainLabel


class Banner(QFrame):
    """Hidden while all is well."""

    retry = Signal()
    """The person wants the next attempt now."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("banner")
        self._theme = theme
        box = QHBoxLayout(self)
        box.setContentsMargins(14, 8, 10, 8)
        box.setSpacing(12)
        self._picture = QLabel()
        self._picture.setFixedSize(QSize(20, 20))
        self.title = PlainLabel("", "strong")
        self.detail = PlainLabel("", "muted")
        self.detail.setWordWrap(True)
        self.button = QPushButton("Retry now")
        self.button.clicked.connect(self.retry)
        box.addWidget(self._picture)
        box.addWidget(self.title)
        box.addWidget(self.detail, 1)
        box.addWidget(self.button)
        theme.changed.connect(self._paint_icon)
        self._paint_icon()
        self.hide()

    def say(self, notice: Notice | None) -> None:
        """Show a notice, or hide with None."""
        self.setVisible(notice is not None)
        if notice is None:
            return
        if notice.title != self.title.text():
            self.title.setText(notice.title)
        if notice.detail != self.detail.text():
            self.detail.setText(notice.detail)
        self.button.setVisible(notice.is_ours)

    def _paint_icon(self) -> None:
        self._picture.setPixmap(icon_pixmap("unplug", self._theme.tokens.warning, 20, self.devicePixelRatioF()))

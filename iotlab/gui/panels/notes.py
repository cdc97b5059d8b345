"""The lab's own inbox, and how its notifications fare elsewhere."""

from __future__ import annotations

from PySide6.QtWidgets import QStackedWidget

from iotlab.domain import schema
from iotlab.gui.adapters.alarms import NoteList
from iotlab.gui.models.lab import Changes, LabModel
from iotlab.gui.models.text import count_text
from iotlab.gui.theme import Theme
from iotlab.gui.widgets.data_view import DataView
from iotlab.gui.widgets.frame import SLIM_HEAD_HEIGHT, PanelFrame, ToolButton
from iotlab.gui.widgets.states import StatePage

ROW_PX = 46
_OUTCOMES = ("sent", "pending", "sending", "failed", "unknown")


class NotesPanel(PanelFrame):
    """Notifications, newest first.

    Args:
        theme: Colours.
        model: The lab.
    """

    def __init__(self, theme: Theme, model: LabModel) -> None:
        super().__init__("Notifications", head_height=SLIM_HEAD_HEIGHT)
        self._model = model
        self.list = NoteList(model.notes, model.clock, self)
        self.view = DataView(theme, self.list, "Notifications", row_height=ROW_PX)
        self.view.horizontalHeader().hide()
        self.waiting = StatePage(theme, "inbox", "Notifications are not known yet", "They come with the connection.")
        self.none = StatePage(theme, "inbox", "No notifications", "What the lab has told you is kept here.")
        self.head.addWidget(ToolButton(theme, "download", "Export notifications as CSV", self.view.export_csv))
        self.pages = QStackedWidget()
        for page in (self.waiting, self.none, self.view):
            self.pages.addWidget(page)
        self.add(self.pages, 1)

    def take(self, changes: Changes) -> None:
        """Show what a frame changed."""
        if changes.notes or changes.snapshots:
            self.list.refresh()
            empty = self.none if schema.INBOX in self._model.snapshots else self.waiting
            self.pages.setCurrentWidget(self.view if self.list.rows else empty)
            self._summarise()
        if changes.second and self.isVisible():
            self.list.touch_column(1)

    def _summarise(self) -> None:
        outcomes = self._model.notes.outcomes()
        parts = [f"{outcomes[name]} {name}" for name in _OUTCOMES if outcomes[name]]
        more = self._model.notes.not_shown
        parts += [f"{count_text(more, 'older one')} in the table only"] if more else []
        self.summary.setText("   ·   ".join(parts))

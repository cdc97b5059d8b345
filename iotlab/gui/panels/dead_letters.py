"""Messages that nobody could decode, each with its reason."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSplitter, QStackedWidget

from iotlab.domain import schema
from iotlab.gui.adapters.messages import DeadLetterList
from iotlab.gui.models.lab import Changes, LabModel
from iotlab.gui.models.text import count_text, number_text, one_line
from iotlab.gui.theme import Theme
from iotlab.gui.widgets.data_view import DataView
from iotlab.gui.widgets.frame import PanelFrame, ToolButton
from iotlab.gui.widgets.payload_view import PayloadView
from iotlab.gui.widgets.states import StatePage

REASONS_NAMED = 4


class DeadLettersPanel(PanelFrame):
    """Dead letters, newest first, and the payload of the chosen one.

    Args:
        theme: Colours.
        model: The lab.
    """

    def __init__(self, theme: Theme, model: LabModel) -> None:
        super().__init__("Dead letters")
        self._model = model
        self.list = DeadLetterList(model.dead_letters, model.clock, self)
        self.view = DataView(theme, self.list, "Dead letters", row_height=28)
        self.payload = PayloadView()
        self.head.addWidget(ToolButton(theme, "download", "Export dead letters as CSV", self.view.export_csv))
        self.waiting = StatePage(theme, "inbox", "Dead letters are not known yet", "They come with the connection.")
        self.none = StatePage(theme, "circle-check", "No dead letters", "Every message so far could be decoded.")
        split = QSplitter(Qt.Orientation.Vertical)
        split.setHandleWidth(6)
        split.addWidget(self.view)
        split.addWidget(self.payload)
        split.setSizes([460, 260])
        self.pages = QStackedWidget()
        self.split = split
        for page in (self.waiting, self.none, split):
            self.pages.addWidget(page)
        self.add(self.pages, 1)
        self.view.current_row.connect(self._choose)

    def take(self, changes: Changes) -> None:
        """Show what a frame changed."""
        if changes.dead_letters or changes.snapshots:
            self.list.refresh()
            empty = self.none if schema.DEAD_LETTERS in self._model.snapshots else self.waiting
            self.pages.setCurrentWidget(self.split if self.list.rows else empty)
            self._summarise()
        if changes.second and self.isVisible():
            self.list.touch_column(0)

    def _summarise(self) -> None:
        book = self._model.dead_letters
        parts = [
            f"{number_text(count)} {one_line(reason, 40)}"
            for reason, count in book.reasons.most_common(REASONS_NAMED)
        ]
        parts += [f"{count_text(book.not_shown, 'older one')} in the table only"] if book.not_shown else []
        self.summary.setText("   ·   ".join(parts))

    def _choose(self, row: int) -> None:
        if 0 <= row < len(self.list.rows):
            letter = self.list.rows[row]
            about = f"{one_line(letter.reason)}: {one_line(letter.detail)}"
            self.payload.show_payload(about, letter.payload, letter.size_bytes)

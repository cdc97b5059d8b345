"""Raw messages as the broker sends them: topic tree, last messages, payload; and what could not be decoded."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QSplitter, QStackedWidget, QTabBar, QWidget

from iotlab.gui.adapters.messages import DeadLetterList, MessageList, TopicList
from iotlab.gui.models.events import RawMessage
from iotlab.gui.models.lab import Changes, LabModel
from iotlab.gui.models.text import count_text, number_text, one_line, size_text
from iotlab.gui.theme import Theme, ui_font
from iotlab.gui.widgets.data_view import DataView
from iotlab.gui.widgets.frame import FilterField, PanelFrame, ToolButton
from iotlab.gui.widgets.labels import PlainLabel, line
from iotlab.gui.widgets.payload_view import PayloadView
from iotlab.gui.widgets.states import StatePage
from iotlab.gui.widgets.topic_view import TopicView

LISTED_MESSAGES = 300
REFRESH_S = 0.25
"""Four times a second is as fast as anybody reads a list; a busy ``#`` must not cost more."""


class MessagesPanel(PanelFrame):
    """Topics, messages and payload; dead letters behind a tab.

    Args:
        theme: Colours.
        model: The lab.
    """

    def __init__(self, theme: Theme, model: LabModel) -> None:
        super().__init__("Messages")
        self._model = model
        self._node = model.topics.root
        self._held: int | None = None
        self._dirty = True
        self._refreshed_s = -REFRESH_S
        self.topics = TopicList(model.topics, self)
        self.messages = MessageList(model.clock, self)
        self.letters = DeadLetterList(model.dead_letters, model.clock, self)
        self.topic_view = TopicView(theme, self.topics, "Topics", row_height=26)
        self.message_view = DataView(theme, self.messages, "Last messages", row_height=26)
        self.letter_view = DataView(theme, self.letters, "Dead letters", row_height=28)
        self.payload, self.letter_payload = PayloadView(), PayloadView()
        self.filter = FilterField(theme, "Filter topics")
        self._build_head(theme)
        self.pages = QStackedWidget()
        self.waiting = StatePage(theme, "radio-tower", "No message yet", "Everything published on # appears here.")
        self.no_letters = StatePage(
            theme, "circle-check", "No dead letters", "Every message so far could be decoded."
        )  # fmt: skip
        for page in (self.waiting, self._build_topics(), self.no_letters, self._build_letters()):
            self.pages.addWidget(page)
        self.add(self.pages, 1)
        self.footer = PlainLabel("", "faint")
        self.footer.setContentsMargins(14, 4, 14, 6)
        self.footer.setWordWrap(True)
        self.add(line())
        self.add(self.footer)
        self._wire()
        self._show_page()

    def _build_head(self, theme: Theme) -> None:
        self.title.hide()
        self.tabs = QTabBar()
        self.tabs.setDrawBase(False)
        self.tabs.setExpanding(False)
        self.tabs.addTab("Messages")
        self.tabs.addTab("Dead letters")
        self.tabs.setAccessibleName("Messages or dead letters")
        self.tabs.setFont(ui_font(14, ui_font().Weight.DemiBold))
        self.head.insertWidget(0, self.tabs)
        self.head.setContentsMargins(10, 0, 8, 0)
        self.badge = PlainLabel("", "pauseBadge")
        self.badge.hide()
        self.head.addWidget(self.badge)
        self.head.addWidget(self.filter)
        self.head.addWidget(ToolButton(theme, "download", "Export this list as CSV", self._export))

    def _build_topics(self) -> QWidget:
        self.split = QSplitter(Qt.Orientation.Horizontal)
        self.split.setHandleWidth(6)
        right = QSplitter(Qt.Orientation.Vertical)
        right.setHandleWidth(6)
        right.addWidget(self.message_view)
        right.addWidget(self.payload)
        right.setSizes([420, 300])
        self.split.addWidget(self.topic_view)
        self.split.addWidget(right)
        self.split.setSizes([310, 520])
        self.split.setStretchFactor(1, 1)
        return self.split

    def _build_letters(self) -> QWidget:
        split = QSplitter(Qt.Orientation.Vertical)
        split.setHandleWidth(6)
        split.addWidget(self.letter_view)
        split.addWidget(self.letter_payload)
        split.setSizes([460, 260])
        return split

    def _wire(self) -> None:
        self.tabs.currentChanged.connect(self._show_page)
        self.filter.wanted.connect(self._filter)
        self.filter.leave.connect(self.topic_view.setFocus)
        self.topic_view.current_row.connect(self._choose_topic)
        self.topic_view.activated_row.connect(self.topics.toggle)
        self.message_view.current_row.connect(self._choose_message)
        self.letter_view.current_row.connect(self._choose_letter)

    def take(self, changes: Changes) -> None:
        """Show what a frame changed, at most four times a second."""
        if changes.dead_letters:
            self.letters.refresh()
            self.tabs.setTabText(1, f"Dead letters  {number_text(sum(self._model.dead_letters.reasons.values()))}")
            self._show_page()
        self._dirty |= bool(changes.topics) or changes.second
        now_s = self._model.clock.monotonic_s()
        if self._dirty and self.isVisible() and now_s - self._refreshed_s >= REFRESH_S:
            self._refreshed_s, self._dirty = now_s, False
            self._refresh()

    def _refresh(self) -> None:
        self.topics.refresh_if_grown()
        self.topics.touch_column(1)
        self.topics.touch_column(2)
        paused = self._model.plot.paused_at_s
        if paused is None:
            self._list_messages()
        self.badge.setVisible(paused is not None)
        if paused is not None:
            self._held = self._model.messages_seen if self._held is None else self._held
            came = self._model.messages_seen - self._held
            self.badge.setText(f"Paused · {count_text(came, 'message')} came meanwhile")
        else:
            self._held = None
        self._show_page()

    def _list_messages(self) -> None:
        messages = self._model.topics.messages(self._node, LISTED_MESSAGES)
        self.message_view.setColumnHidden(1, bool(self._node.own))
        if messages != self.messages.rows:
            self.messages.set_rows(messages)
        if messages and not self.message_view.currentIndex().isValid():
            self._preview(messages[0])

    def _show_page(self) -> None:
        is_topics = self.tabs.currentIndex() == 0
        self.filter.setVisible(is_topics)
        if is_topics:
            self.pages.setCurrentIndex(1 if self._model.topics.topics else 0)
        else:
            self.pages.setCurrentIndex(3 if self.letters.rows else 2)
        self._summarise()

    def _summarise(self) -> None:
        tree, letters = self._model.topics, self._model.dead_letters
        if self.tabs.currentIndex() == 1:
            reasons = "  ·  ".join(
                f"{number_text(n)} {one_line(name, 40)}" for name, n in letters.reasons.most_common(4)
            )
            self.summary.setText("")
            older = f"{count_text(letters.not_shown, 'older one')} in the table only. " if letters.not_shown else ""
            self.footer.setText(older + (reasons or "Nothing could not be decoded."))
            return
        self.summary.setText(f"{count_text(tree.topics, 'topic')}" if tree.topics else "")
        node = self._node
        kept = len(node.messages) if node.own else min(len(tree.recent), LISTED_MESSAGES)
        where = one_line(node.topic, 60) or "all topics"
        parts = [f"{where}: {count_text(node.count, 'message')} seen, last {number_text(kept)} kept"]
        parts += [f"{count_text(node.forgotten, 'older one')} no longer kept"] if node.forgotten else []
        parts.append(f"{size_text(tree.kept_bytes + tree.parked_bytes)} of {size_text(tree.budget_bytes)} used")
        dropped = self._model.view_drops.get("raw_messages", 0)
        parts += [f"{count_text(dropped, 'message')} came faster than this window could list"] if dropped else []
        parts += [f"{count_text(tree.refused, 'message')} on topics beyond the tree's limit"] if tree.refused else []
        self.footer.setText("   ·   ".join(parts))

    def _filter(self, text: str) -> None:
        self.topics.filter(text)

    def _choose_topic(self, row: int) -> None:
        if 0 <= row < len(self.topics.rows):
            self._node = self.topics.rows[row]
            self.message_view.clearSelection()
            self.message_view.setCurrentIndex(self.messages.index(-1, -1))
            self.payload.clear()
            self._list_messages()
            self._summarise()

    def choose(self, topic: str) -> None:
        """Open the levels that lead to a topic and choose it."""
        node = self._model.topics.find(topic)
        if node is None:
            return
        level = node.parent
        while level is not None:
            level.is_open = True
            level = level.parent
        self.topics.refresh()
        place = self.topics.place(id(node))
        if place is not None:
            self.topic_view.selectRow(place)

    def _choose_message(self, row: int) -> None:
        if 0 <= row < len(self.messages.rows):
            self._preview(self.messages.rows[row])

    def _preview(self, message: RawMessage) -> None:
        about = f"{one_line(message.topic)}   ·   {size_text(message.size_bytes)}   ·   QoS {message.qos}"
        self.payload.show_payload(about, message.payload, message.size_bytes)

    def _choose_letter(self, row: int) -> None:
        if 0 <= row < len(self.letters.rows):
            letter = self.letters.rows[row]
            about = f"{one_line(letter.reason)}: {one_line(letter.detail)}"
            self.letter_payload.show_payload(about, letter.payload, letter.size_bytes)

    def _export(self) -> None:
        (self.message_view if self.tabs.currentIndex() == 0 else self.letter_view).export_csv()

"""Raw messages as the broker sends them: topic tree, last messages, payload."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtWidgets import QSplitter, QStackedWidget, QWidget

from iotlab.gui.adapters.messages import MessageList, TopicList
from iotlab.gui.models.events import RawMessage
from iotlab.gui.models.lab import Changes, LabModel
from iotlab.gui.models.text import count_text, number_text, one_line, size_text
from iotlab.gui.theme import Theme
from iotlab.gui.widgets.data_view import DataView
from iotlab.gui.widgets.frame import FilterField, PanelFrame, ToolButton
from iotlab.gui.widgets.labels import PlainLabel, line
from iotlab.gui.widgets.payload_view import PayloadView
from iotlab.gui.widgets.states import StatePage
from iotlab.gui.widgets.topic_view import TopicView

LISTED_MESSAGES = 300
TOPIC_COLUMN = 1
REFRESH_S = 0.25
"""Four times a second is as fast as anybody reads a list; a busy ``#`` must not cost more."""


class MessagesPanel(PanelFrame):
    """Topics on the left, the chosen topic's messages and a payload on the right.

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
        self.topic_view = TopicView(theme, self.topics, "Topics", row_height=26)
        self.message_view = DataView(theme, self.messages, "Last messages", row_height=26)
        self.payload = PayloadView()
        self.filter = FilterField(theme, "Filter topics  ( / )")
        self.badge = PlainLabel("", "pauseBadge")
        self.badge.setFixedHeight(24)
        self.badge.hide()
        self.head.addWidget(self.badge)
        self.head.addWidget(self.filter)
        self.head.addWidget(ToolButton(theme, "download", "Export messages as CSV", self.message_view.export_csv))
        self.waiting = StatePage(theme, "radio-tower", "No message yet", "Everything published on # appears here.")
        self.pages = QStackedWidget()
        self.pages.addWidget(self.waiting)
        self.pages.addWidget(self._build_topics())
        self.add(self.pages, 1)
        self.footer = PlainLabel("", "faint")
        self.footer.setContentsMargins(14, 4, 14, 6)
        self.footer.setWordWrap(True)
        self.add(line())
        self.add(self.footer)
        self._wire()
        self._show_page()

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

    def _wire(self) -> None:
        self.filter.wanted.connect(self.topics.filter)
        self.filter.leave.connect(self.topic_view.setFocus)
        self.topic_view.current_row.connect(self._choose_topic)
        self.topic_view.activated_row.connect(self.topics.toggle)
        self.message_view.current_row.connect(self._choose_message)

    def take(self, changes: Changes) -> None:
        """Show what a frame changed, at most four times a second."""
        self._dirty |= bool(changes.topics) or changes.second
        now_s = self._model.clock.monotonic_s()
        if self._dirty and self.isVisible() and now_s - self._refreshed_s >= REFRESH_S:
            self._refreshed_s, self._dirty = now_s, False
            self._refresh()

    def _refresh(self) -> None:
        self.topics.refresh_if_grown()
        self.topics.touch_column(1)
        self.topics.touch_column(2)
        is_paused = self._model.plot.paused_at_s is not None
        self.badge.setVisible(is_paused)
        if is_paused:
            self._held = self._model.messages_seen if self._held is None else self._held
            came = self._model.messages_seen - self._held
            self.badge.setText(f"Paused · {count_text(came, 'message')} came meanwhile")
        else:
            self._held = None
            self._list_messages()
        self._show_page()

    def _list_messages(self) -> None:
        messages = self._model.topics.messages(self._node, LISTED_MESSAGES)
        self.message_view.setColumnHidden(TOPIC_COLUMN, bool(self._node.own))
        if messages != self.messages.rows:
            self.messages.set_rows(messages)
        if messages and not self.message_view.currentIndex().isValid():
            self._preview(messages[0])

    def _show_page(self) -> None:
        self.pages.setCurrentIndex(1 if self._model.topics.topics else 0)
        self._summarise()

    def _summarise(self) -> None:
        tree, node = self._model.topics, self._node
        self.summary.setText(
            f"{count_text(tree.topics, 'topic')}   ·   {count_text(tree.root.count, 'message')}"
            if tree.topics
            else ""
        )
        kept = len(node.messages) if node.own else min(len(tree.recent), LISTED_MESSAGES)
        where = one_line(node.topic, 60) or "all topics"
        parts = [f"{where}: {count_text(node.count, 'message')} seen, last {number_text(kept)} kept"]
        parts += [f"{count_text(node.forgotten, 'older one')} no longer kept"] if node.forgotten else []
        parts.append(f"{size_text(tree.kept_bytes + tree.parked_bytes)} of {size_text(tree.budget_bytes)} used")
        dropped = self._model.view_drops.get("raw_messages", 0)
        parts += [f"{count_text(dropped, 'message')} came faster than this window could list"] if dropped else []
        parts += [f"{count_text(tree.refused, 'message')} on topics beyond the tree's limit"] if tree.refused else []
        self.footer.setText("   ·   ".join(parts))

    def _choose_topic(self, row: int) -> None:
        if 0 <= row < len(self.topics.rows):
            self._node = self.topics.rows[row]
            self.message_view.clearSelection()
            self.message_view.setCurrentIndex(QModelIndex())
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

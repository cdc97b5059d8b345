"""Topics, messages and dead letters as lists."""

from __future__ import annotations

from PySide6.QtCore import QObject

from iotlab.clock import US_PER_S, Clock
from iotlab.gui.adapters.rows import Column, RowsModel
from iotlab.gui.models.cell import Cell
from iotlab.gui.models.dead_letters import DeadLetterBook
from iotlab.gui.models.events import DeadLetter, RawMessage
from iotlab.gui.models.payload import preview
from iotlab.gui.models.text import age_text, local_time, number_text, one_line, rate_text, size_text
from iotlab.gui.models.topics import TopicNode, TopicTree


class TopicList(RowsModel[TopicNode]):
    """The topic tree as the rows that are open in it.

    Args:
        tree: All topics.
    """

    def __init__(self, tree: TopicTree, parent: QObject | None = None) -> None:
        self._tree = tree
        self._words = ""
        self._structure = -1
        columns: list[Column[TopicNode]] = [
            Column("Topic", 0, _topic, lambda n: n.topic, None, lambda n: n.topic),
            Column("Messages", 74, lambda n: Cell(number_text(n.count), right=True), lambda n: n.count, right=True),
            Column("per s", 54, lambda n: Cell(rate_text(n.rate), "muted", right=True), lambda n: round(n.rate, 2),
                   right=True),
        ]  # fmt: skip
        super().__init__(columns, id, parent)

    @property
    def is_filtered(self) -> bool:
        """Whether only matches are listed."""
        return bool(self._words)

    def filter(self, words: str) -> None:
        """List only topics that contain the text, and the levels that lead to them."""
        self._words = words
        self.refresh()

    def refresh(self) -> None:
        """Take over which nodes are open."""
        self._structure = self._tree.structure
        self.set_rows([self._tree.root, *self._tree.rows(self._words)])

    def refresh_if_grown(self) -> None:
        """Take over new topics, if there are any."""
        if self._structure != self._tree.structure:
            self.refresh()

    def toggle(self, row: int) -> None:
        """Open or close a level."""
        node = self.rows[row]
        if node.children and node.parent is not None:
            node.is_open = not node.is_open
            self.refresh()


def _topic(node: TopicNode) -> Cell:
    if node.parent is None:
        return Cell(node.segment, strong=True)
    twist = ("open" if node.is_open else "closed") if node.children else ""
    return Cell(node.segment, mono=True, level=node.depth, twist=twist)


class MessageList(RowsModel[RawMessage]):
    """Messages of the chosen topic, newest first."""

    def __init__(self, clock: Clock, parent: QObject | None = None) -> None:
        self._clock = clock
        columns: list[Column[RawMessage]] = [
            Column("Time", 96, self._time, lambda m: m.received_us),
            Column("Topic", 190, lambda m: Cell(one_line(m.topic), mono=True), lambda m: m.topic, None,
                   lambda m: m.topic),
            Column("Payload", 0, lambda m: Cell(preview(m.payload), "muted", mono=True),
                   lambda m: m.payload.decode(errors="replace")),
            Column("Size", 66, lambda m: Cell(size_text(m.size_bytes), "muted", right=True), lambda m: m.size_bytes,
                   right=True),
            Column("QoS", 72, lambda m: Cell(f"{m.qos} · retain" if m.retain else str(m.qos), "muted"),
                   lambda m: m.qos),
        ]  # fmt: skip
        super().__init__(columns, id, parent)

    def _time(self, message: RawMessage) -> Cell:
        return Cell(local_time(message.received_us, self._clock.now_us(), millis=True), "muted", small=True)


class DeadLetterList(RowsModel[DeadLetter]):
    """Dead letters, newest first."""

    def __init__(self, book: DeadLetterBook, clock: Clock, parent: QObject | None = None) -> None:
        self._book = book
        self._clock = clock
        columns: list[Column[DeadLetter]] = [
            Column("Age", 62, self._age, lambda d: d.received_us, lambda d: -d.received_us),
            Column("Reason", 120, lambda d: Cell(one_line(d.reason), "warning"), lambda d: d.reason,
                   lambda d: d.reason),
            Column("What is wrong", 0, lambda d: Cell(one_line(d.detail)), lambda d: d.detail, None,
                   lambda d: d.detail),
            Column("Topic", 210, lambda d: Cell(one_line(d.topic), "muted", mono=True), lambda d: d.topic,
                   lambda d: d.topic, lambda d: d.topic),
            Column("Size", 66, lambda d: Cell(size_text(d.size_bytes), "muted", right=True), lambda d: d.size_bytes,
                   lambda d: d.size_bytes, right=True),
        ]  # fmt: skip
        super().__init__(columns, lambda letter: letter.at, parent)

    def refresh(self) -> None:
        """Take over what came."""
        self.set_rows(self._book.letters)

    def _age(self, letter: DeadLetter) -> Cell:
        return Cell(age_text(max(self._clock.now_us() - letter.received_us, 0) / US_PER_S), "muted")

"""Every topic seen, as a tree with counts and rates, and the last messages within a budget of bytes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from iotlab.gui.models.events import RawMessage
from iotlab.gui.models.text import one_line

BUDGET_BYTES = 32_000_000
MAX_NODES = 250_000
MAX_LEVELS = 32
MESSAGE_OVERHEAD_BYTES = 250
RECENT_MESSAGES = 1_000
RATE_SMOOTHING = 0.35
RATE_FLOOR_PER_S = 0.02


class TopicNode:
    """One level of the topic tree.

    Attributes:
        segment: The level's own name, safe to show.
        topic: The topic name up to this level.
        count: Messages on this topic and below it.
        own: Messages on exactly this topic.
        rate: Messages a second on this topic and below it, smoothed.
        forgotten: Own messages that are no longer kept.
        is_open: Whether its children are listed.
    """

    __slots__ = (
        "_sorted", "_tick", "children", "count", "depth", "forgotten", "is_open", "messages", "own", "parent",
        "parked_bytes", "rate", "segment", "topic",
    )  # fmt: skip

    def __init__(self, segment: str, topic: str, parent: TopicNode | None) -> None:
        self.segment = one_line(segment) if segment else "(empty level)"
        self.topic = topic
        self.parent = parent
        self.depth: int = -1 if parent is None else parent.depth + 1
        self.children: dict[str, TopicNode] = {}
        self.count = self.own = self.forgotten = 0
        self.rate = 0.0
        self.is_open = parent is None
        self.messages: deque[RawMessage] = deque()
        self.parked_bytes = 0
        self._sorted: list[TopicNode] | None = None
        self._tick = 0

    def ordered(self) -> list[TopicNode]:
        """Return the children by name."""
        if self._sorted is None:
            self._sorted = [node for _, node in sorted(self.children.items())]
        return self._sorted

    @property
    def last(self) -> RawMessage | None:
        """The newest own message that is kept."""
        return self.messages[-1] if self.messages else None


class TopicTree:
    """All topics and the messages that still fit.

    The newest message of each topic stays longest: a busy topic drives out its own past, not a quiet neighbour's
    last word.

    Args:
        budget_bytes: How much of messages is kept, their topics and an overhead for each included.
        max_nodes: Tree levels kept; messages on further new topics are counted in `refused` only.
    """

    def __init__(self, budget_bytes: int = BUDGET_BYTES, max_nodes: int = MAX_NODES) -> None:
        self.root = TopicNode("all topics", "", None)
        self.recent: deque[RawMessage] = deque(maxlen=RECENT_MESSAGES)
        self.topics = 0
        self.nodes = 0
        self.kept_bytes = 0
        self.parked_bytes = 0
        self.refused = 0
        self.structure = 0
        self.budget_bytes = budget_bytes
        self._max_nodes = max_nodes
        self._order: deque[tuple[TopicNode, int]] = deque()
        self._moving: set[TopicNode] = set()
        self._leaves: dict[str, TopicNode] = {}

    def add(self, message: RawMessage) -> TopicNode | None:
        """Count and keep one message; return its node, or None when the tree is full."""
        leaf = self._leaves.get(message.topic) or self._grow(message.topic)
        self._count(leaf or self.root)
        self.recent.append(message)
        if leaf is None:
            self.refused += 1
            return None
        leaf.own += 1
        self._keep(leaf, message)
        return leaf

    def find(self, topic: str) -> TopicNode | None:
        """Return the node of exactly that topic name, if a message came on it."""
        return self._leaves.get(topic)

    def tick(self, seconds: float) -> None:
        """Bring the rates up to date after ``seconds``."""
        for node in list(self._moving):
            node.rate += RATE_SMOOTHING * (node._tick / seconds - node.rate)
            if not node._tick and node.rate < RATE_FLOOR_PER_S:
                node.rate = 0.0
                self._moving.discard(node)
            node._tick = 0

    def rows(self, words: str = "") -> list[TopicNode]:
        """Return the nodes to list, in order: the open ones, or with ``words`` the matches and what leads to them."""
        if not words:
            return list(_open_below(self.root))
        wanted = words.casefold()
        marked: set[TopicNode] = set()
        for topic, leaf in self._leaves.items():
            if wanted in topic.casefold():
                node: TopicNode | None = leaf
                while node is not None and node not in marked:
                    marked.add(node)
                    node = node.parent
        return list(_marked_below(self.root, marked))

    def messages(self, node: TopicNode, limit: int = 500) -> list[RawMessage]:
        """Return the last messages of a topic, newest first; for a level without own messages those below it."""
        if node.messages or node.own:
            source: Iterator[RawMessage] = reversed(node.messages)
        elif node.parent is None:
            source = reversed(self.recent)
        else:
            prefix = node.topic + "/"
            source = (message for message in reversed(self.recent) if message.topic.startswith(prefix))
        return [message for _, message in zip(range(limit), source, strict=False)]

    def _grow(self, topic: str) -> TopicNode | None:
        segments = topic.split("/", MAX_LEVELS - 1)
        node = self.root
        for depth, segment in enumerate(segments):
            child = node.children.get(segment)
            if child is None:
                if self.nodes >= self._max_nodes:
                    return None
                child = TopicNode(segment, "/".join(segments[: depth + 1]), node)
                node.children[segment] = child
                node._sorted = None
                self.nodes += 1
                self.structure += 1
            node = child
        self._leaves[topic] = node
        self.topics += 1
        return node

    def _count(self, leaf: TopicNode) -> None:
        node: TopicNode | None = leaf
        while node is not None:
            node.count += 1
            if not node._tick:
                self._moving.add(node)
            node._tick += 1
            node = node.parent

    def _keep(self, leaf: TopicNode, message: RawMessage) -> None:
        if leaf.parked_bytes:
            # Its last message outstayed its turn only for being the last.
            leaf.messages.popleft()
            leaf.forgotten += 1
            self.parked_bytes -= leaf.parked_bytes
            leaf.parked_bytes = 0
        size = len(message.payload) + len(message.topic) + MESSAGE_OVERHEAD_BYTES
        leaf.messages.append(message)
        self._order.append((leaf, size))
        self.kept_bytes += size
        while self.kept_bytes + self.parked_bytes > self.budget_bytes and self._order:
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        node, size = self._order.popleft()
        self.kept_bytes -= size
        if len(node.messages) == 1 and self.parked_bytes + size <= self.budget_bytes // 2:
            node.parked_bytes = size
            self.parked_bytes += size
            return
        node.messages.popleft()
        node.forgotten += 1


def _open_below(node: TopicNode) -> Iterator[TopicNode]:
    for child in node.ordered():
        yield child
        if child.is_open:
            yield from _open_below(child)


def _marked_below(node: TopicNode, marked: set[TopicNode]) -> Iterator[TopicNode]:
    for child in node.ordered():
        if child in marked:
            yield child
            yield from _marked_below(child, marked)

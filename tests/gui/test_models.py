"""The models behind the window, without Qt."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from iotlab.gui.feed import EventQueue
from iotlab.gui.models.events import RawMessage
from iotlab.gui.models.pyramid import Pyramid
from iotlab.gui.models.topics import TopicTree


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=600),
    st.integers(1, 50),
    st.floats(0, 1),
    st.floats(0, 1),
)
def test_a_pyramid_shows_the_least_and_greatest_of_what_is_in_view(
    values: list[float], buckets: int, one: float, other: float
) -> None:
    pyramid = Pyramid()
    for index, value in enumerate(values):
        pyramid.append(float(index), value)
    start, end = sorted((one * len(values), other * len(values)))
    t, y = pyramid.query(start, end, buckets)
    # One sample beyond each edge belongs to the line.
    first = max(int(np.ceil(start)) - 1, 0)
    last = min(int(np.floor(end)) + 1, len(values) - 1)
    inside = values[first : last + 1]
    assert np.nanmin(y) == min(inside)
    assert np.nanmax(y) == max(inside)
    assert np.all(np.diff(t[~np.isnan(t)]) >= 0)


def test_twenty_thousand_topics_stay_within_their_budget_and_are_all_counted() -> None:
    tree = TopicTree(budget_bytes=1_000_000)
    for number in range(20_000):
        tree.add(RawMessage(f"site/{number % 200}/{number}", b"x" * 100, 100))
    assert tree.root.count == 20_000
    assert tree.kept_bytes <= 1_000_000
    assert tree.refused == 0
    assert tree.topics == 20_000


def test_a_full_queue_counts_what_it_refuses() -> None:
    queue = EventQueue()
    sent = 0
    while queue.put(RawMessage("t", b"x" * 1000, 1000)) and sent < 10_000_000:
        sent += 1
    assert len(queue) == sent
    assert sum(queue.drops().values()) == 1

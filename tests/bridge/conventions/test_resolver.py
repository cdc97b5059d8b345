"""Which convention reads a message, and what is remembered of it."""

from __future__ import annotations

import pytest

from iotlab.bridge.conventions import Resolver, Route, conventions
from iotlab.bridge.conventions.times import measured_at_us
from iotlab.clock import ManualClock
from iotlab.domain.reading import Reading
from iotlab.errors import DecodeError
from iotlab.mqtt.message import Message


class Counting:
    """Claims everything under its root, and counts how often it is asked."""

    def __init__(self, name: str, *, reads: bool = True) -> None:
        self.name = name
        self.reads = reads
        self.asked = 0

    def claim(self, topic: str) -> Route | None:
        self.asked += 1
        read = Reading(topic, self.name) if self.reads else None
        return Route(self.name, topic, lambda _message: read) if topic.startswith("mine/") else None


def test_a_topic_is_routed_once() -> None:
    counting = Counting("a")
    resolver = Resolver([counting], ManualClock())
    for _ in range(3):
        resolver.decode(Message("mine/x", b""))
        resolver.decode(Message("other/x", b""))
    assert counting.asked == 2


def test_a_flood_of_topics_is_forgotten_oldest_first_and_still_decoded() -> None:
    counting = Counting("a")
    resolver = Resolver([counting], ManualClock(), max_topics=3)
    for topic in ("mine/1", "mine/2", "mine/3", "mine/4", "mine/4", "mine/1"):
        assert resolver.decode(Message(topic, b"")) == Reading(topic, "a")
    assert counting.asked == 5


def test_the_next_convention_is_asked_when_the_first_finds_by_the_payload_that_it_is_not_its() -> None:
    resolver = Resolver([Counting("a", reads=False), Counting("b")], ManualClock())
    assert resolver.decode(Message("mine/x", b"")) == Reading("mine/x", "b")
    assert resolver.sender("mine/x") == ("a", "mine/x")


def test_a_message_without_a_time_of_receipt_gets_the_clocks() -> None:
    clock = ManualClock()
    body = f'{{"values":{{}},"ts":{clock.now_us()}}}'.encode()
    decoded = Resolver(conventions(), clock).decode(Message("lab/a/telemetry", body))
    assert isinstance(decoded, Reading)
    assert decoded.measured_at_us == clock.now_us()


def test_the_sender_of_a_message_that_cannot_be_read_is_told_by_its_topic() -> None:
    resolver = Resolver(conventions(), ManualClock())
    assert resolver.sender("tele/plug/SENSOR") == ("tasmota", "tasmota/plug")
    assert resolver.sender("shellies/announce") is None
    assert resolver.sender("nobody/knows") is None
    assert resolver.sender("lab/a\nb/telemetry") is None


def test_devices_of_two_conventions_never_share_an_id() -> None:
    resolver = Resolver(conventions(), ManualClock())
    topics = ("lab/kitchen/telemetry", "tele/kitchen/SENSOR", "zigbee2mqtt/kitchen", "shellies/kitchen/relay/0")
    senders = [resolver.sender(topic) for topic in topics]
    assert len({sender[1] for sender in senders if sender}) == len(topics)


def test_an_oversized_message_is_refused_before_it_is_read() -> None:
    resolver = Resolver(conventions(), ManualClock())
    with pytest.raises(DecodeError, match="the limit is 262144"):
        resolver.decode(Message("shellies/x/relay/0", b"x" * 262_145))
    assert resolver.decode(Message("nobody/knows", b"x" * 262_145)) is None


DAY_US = 86_400_000_000
MINUTE_US = 60_000_000
NOW_US = ManualClock().now_us()


@pytest.mark.parametrize(
    ("offset_us", "believed"),
    [
        (0, True),
        (10 * MINUTE_US, True),
        (10 * MINUTE_US + 1, False),
        (-8 * DAY_US, True),
        (-8 * DAY_US - 1, False),
        (60 * MINUTE_US, False),
    ],
)
def test_a_devices_time_is_believed_from_8_days_back_to_10_minutes_ahead(offset_us: int, believed: bool) -> None:
    at_us = NOW_US + offset_us
    assert measured_at_us(at_us, NOW_US) == (at_us if believed else None)


@pytest.mark.parametrize("moment", [None, True, [], {}, "", "qq", "1e999", 10**30, -1, 1.61])
def test_what_is_no_plausible_time_is_none(moment: object) -> None:
    assert measured_at_us(moment, NOW_US) is None

"""What nobody claims, and can be read all the same."""

from __future__ import annotations

import pytest

from iotlab.bridge.conventions import Resolver, conventions
from iotlab.clock import ManualClock
from iotlab.domain.reading import Ignored, Reading, Value
from iotlab.mqtt.message import Message


def decode(topic: str, payload: bytes) -> object:
    return Resolver(conventions(), ManualClock()).decode(Message(topic, payload))


def test_a_strangers_object_is_a_device_with_its_fields_as_channels() -> None:
    found = decode("garden/pump", b'{"flow": 2.5, "tank": {"level": 80}, "note": "12"}')
    assert isinstance(found, Reading)
    assert (found.device, found.convention, found.name) == ("mqtt/garden/pump", "json", "garden/pump")
    assert found.values == {"flow": Value(2.5), "tank.level": Value(80), "note": Value("12")}


def test_single_values_of_one_place_are_channels_of_one_device() -> None:
    found = [decode("attic/temperature", b"21.5"), decode("attic/window", b"open")]
    assert [one.device for one in found if isinstance(one, Reading)] == ["mqtt/attic", "mqtt/attic"]
    assert isinstance(found[0], Reading)
    assert isinstance(found[1], Reading)
    assert found[0].values == {"temperature": Value(21.5, raw="21.5")}
    assert found[1].values == {"window": Value(value=True, raw="open")}


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("attic/note", b"wet paint"),
        ("attic/picture", b"\xff\xd8\xff"),
        ("attic/temperature", b""),
        ("attic/temperature", b"21.5" + b" " * 80),
        ("attic/list", b"[1, 2]"),
        ("attic/broken", b'{"a": '),
        ("attic/nothing", b"{}"),
        ("attic/huge", b'{"a": "' + b"x" * 300_000 + b'"}'),
        ("lab/attic/telemtry", b'{"values": {"t": 1}}'),
        ("$SYS/broker/uptime", b"12"),
        ("//", b"1"),
        ("a/\u202eb", b"1"),
        ("a" * 300 + "/b", b"1"),
    ],
)
def test_what_says_nothing_by_itself_stays_unclaimed_and_is_not_refused(topic: str, payload: bytes) -> None:
    assert decode(topic, payload) is None


def test_the_labs_own_notification_is_not_taken_for_a_device() -> None:
    assert decode("home/alarms", b'{"id": "alarm:a#1#phone", "title": "leak"}') == Ignored("json", "own_notification")


def test_nobody_that_knows_its_topics_is_asked_after_the_floor() -> None:
    names = [convention.name for convention in conventions()]
    assert names[-2:] == ["json", "scalar"]
    assert names.index("zigbee2mqtt") < names.index("shelly-gen2") < names.index("shelly-gen1")

"""One way for all tests to decode one message."""

from __future__ import annotations

from iotlab.bridge.conventions import Rank, Resolver, entries
from iotlab.bridge.conventions.base import ask_nobody
from iotlab.clock import ManualClock
from iotlab.domain.reading import Decoded, Ignored, Reading, Scalar
from iotlab.errors import DecodeError
from iotlab.mqtt.message import Message

NOW_US = 1_763_958_000_000_000


def resolver(now_us: int = NOW_US) -> Resolver:
    """Return a resolver of all conventions that know what they read: without the floor, which reads anything."""
    sure = [entry.make(ask_nobody) for entry in entries() if entry.rank < Rank.FLOOR_OBJECT]
    return Resolver(sure, ManualClock(now_us))


def decode(topic: str, payload: bytes, *, retain: bool = False, now_us: int = NOW_US) -> Decoded | None:
    """Return what the conventions make of a message that was received now."""
    message = Message(topic, payload, retain=retain, received_at_us=now_us)
    return resolver(now_us).decode(message)


def reading(topic: str, payload: bytes, *, now_us: int = NOW_US) -> Reading:
    """Return the reading that a message holds."""
    decoded = decode(topic, payload, now_us=now_us)
    assert isinstance(decoded, Reading)
    return decoded


def ignored(topic: str, payload: bytes) -> str:
    """Return the reason for which a message is ignored."""
    decoded = decode(topic, payload)
    assert isinstance(decoded, Ignored)
    return decoded.reason


def values(found: Reading) -> dict[str, Scalar]:
    """Return a reading's values without unit and text."""
    return {name: value.value for name, value in found.values.items()}


def units(found: Reading) -> dict[str, str]:
    """Return the units of those values that have one."""
    return {name: value.unit for name, value in found.values.items() if value.unit}


def refusal(topic: str, payload: bytes) -> tuple[str, str] | None:
    """Return reason and field of the refusal of a message, or None when it is not refused."""
    try:
        decode(topic, payload)
    except DecodeError as error:
        return error.reason, error.field
    return None

"""A JSON object on a topic that no convention claims: each of its fields is a channel. The floor.

**Device.** The topic, as it is, after ``mqtt/``. **Channels.** The path in the object, with dots. **Units.** None:
nobody has said them. ``on``/``off``, numbers in text and the like stay text, because nobody has said that they are
more. A field ``ts``, ``time`` or ``timestamp`` is also the measured time where it is plausible.

What is no object, or holds nothing, is left for others and stays unclaimed: nobody can say that it is wrong. So is
everything under ``lab/``, where a topic that the native convention does not know is a mistake, and under ``$``.
"""

from __future__ import annotations

from iotlab.bridge.conventions import json_payload, scalars, times
from iotlab.bridge.conventions.base import Decode, Entry, Rank, Route
from iotlab.bridge.conventions.flatten import flatten
from iotlab.bridge.conventions.names import check_name
from iotlab.bridge.conventions.native import ROOT as NATIVE_ROOT
from iotlab.domain.reading import Decoded, Ignored, Reading, Scalar, Value
from iotlab.errors import DecodeError
from iotlab.mqtt.message import Message

NAME = "json"
ROOT = "mqtt"
OWN_NOTIFICATION = "alarm:"
"""How the id of a notification begins that the lab itself has published: stored, it would be news of itself."""

_TIMES = ("ts", "time", "timestamp")


class FloorObject:
    """JSON objects of strangers."""

    name = NAME

    def claim(self, topic: str) -> Route | None:
        device = floor_device(topic)
        return None if device is None else Route(NAME, device, _decode(device, topic), is_guess=True)


def floor_device(topic: str) -> str | None:
    """Return the device's id for a stranger's topic; None where it can't be one, or is the lab's or the broker's."""
    if topic.startswith(("$", f"{NATIVE_ROOT}/")) or not topic.strip("/"):
        return None
    try:
        return check_name(f"{ROOT}/{topic}", "topic")
    except DecodeError:  # too long, or with control characters: nobody claims it, so nobody may refuse it
        return None


def _decode(device: str, topic: str) -> Decode:
    def decode(message: Message) -> Decoded | None:
        if not message.payload.lstrip().startswith(b"{"):
            return None
        try:
            body = json_payload.load_object(message.payload)
            values = flatten(body, _make)
        except DecodeError:
            return None
        if str(body.get("id", "")).startswith(OWN_NOTIFICATION):
            return Ignored(NAME, "own_notification")
        moment = next((body[key] for key in _TIMES if key in body), None)
        at_us = times.measured_at_us(moment, message.received_at_us)
        return Reading(device, NAME, values, measured_at_us=at_us, name=topic) if values else None

    return decode


def _make(path: str, _key: str, scalar: Scalar) -> Value:
    return scalars.as_value(scalar, {}, path)


CONVENTION = Entry(NAME, Rank.FLOOR_OBJECT, lambda _ask: FloorObject())

"""A number, or a word for on and off, alone on a topic that no convention claims. The floor's floor.

**Device.** The topic without its last level, after ``mqtt/``; a topic of one level is its own device. **Channel.**
The last level. So ``attic/temperature`` and ``attic/humidity`` are two channels of the device ``mqtt/attic``.

Text that is no number and no such word says nothing by itself, and stays unclaimed.
"""

from __future__ import annotations

from iotlab.bridge.conventions import scalars
from iotlab.bridge.conventions.base import Decode, Entry, Rank, Route
from iotlab.bridge.conventions.floor_object import floor_device
from iotlab.bridge.conventions.names import check_name
from iotlab.domain.reading import Decoded, Reading
from iotlab.errors import DecodeError
from iotlab.mqtt.message import Message

NAME = "scalar"
MAX_BYTES = 64
"""A longer payload is neither a number nor a word."""

WORDS = {
    word: is_on
    for is_on, words in ((True, ("on", "true", "open", "online")), (False, ("off", "false", "closed", "offline")))
    for lower in words
    for word in (lower, lower.upper(), lower.capitalize())
}


class FloorScalar:
    """Single values of strangers."""

    name = NAME

    def claim(self, topic: str) -> Route | None:
        head, _, channel = topic.rpartition("/")
        name = head or topic
        device = floor_device(name)
        if device is None or not channel:
            return None
        try:
            decode = _decode(device, name, check_name(channel, "topic"))
        except DecodeError:
            return None
        return Route(NAME, device, decode, is_guess=True)


def _decode(device: str, name: str, channel: str) -> Decode:
    def decode(message: Message) -> Decoded | None:
        if not 0 < len(message.payload) <= MAX_BYTES:
            return None
        try:
            text = message.payload.decode("utf-8").strip()
        except UnicodeDecodeError:
            return None
        value = scalars.parse_text(text, WORDS, channel)
        return None if isinstance(value.value, str) else Reading(device, NAME, {channel: value}, name=name)

    return decode


CONVENTION = Entry(NAME, Rank.FLOOR_SCALAR, lambda _ask: FloorScalar())

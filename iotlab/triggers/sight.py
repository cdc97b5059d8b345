"""What a rule sees of a device: its item in wire form, and which of its channels came with the last message.

Images are read in wire form by hand: converting every attribute of every record would cost more than all rules.
"""

from __future__ import annotations

import math
from typing import Any

from iotlab.table.values import Item


class Sight:
    """One look at one device.

    Args:
        device: Its id.
        image: Its item, as the table ``devices`` has it.
        whole: True to take the last value of every channel as if it had just come.

    Attributes:
        measured: The time of the message as N text, by which the channels that came with it are recognised.
        at_us: The device's time of the message, at most the time of receipt; µs since 1970.
        received_us: When it was received.
        is_active: Whether the schedule of the rule that looks says that it is time; set for each rule.
    """

    __slots__ = (
        "_channel",
        "_channels",
        "_value",
        "_whole",
        "at_us",
        "device",
        "image",
        "is_active",
        "measured",
        "received_us",
    )

    def __init__(self, device: str, image: Item, *, whole: bool = False) -> None:
        self.device = device
        self.image = image
        self._channels: dict[str, Any] = image["channels"]["M"]
        self._whole = whole
        self._channel: str | None = None
        self._value = 0.0
        self.is_active = True
        received = image.get("received_us") or image["measured_us"]
        self.measured: str = (image.get("measured_us") or received)["N"]
        self.received_us = received_us = int(received["N"])
        measured_us = int(self.measured)
        self.at_us = measured_us if measured_us < received_us else received_us

    def came(self, channel: str) -> bool:
        """Say whether the channel's value came with the message."""
        entry = self._channels.get(channel)
        return entry is not None and (self._whole or entry["M"]["at_us"]["N"] == self.measured)

    def know(self, channel: str, number: float) -> None:
        """Spare reading the value of one channel again."""
        self._channel, self._value = channel, number

    def number(self, channel: str) -> float | None:
        """Return the channel's last value, or None when there is none or it is no number."""
        if channel == self._channel:
            return self._value
        entry = self._channels.get(channel)
        return None if entry is None else reading_number(entry["M"]["value"])

    def age_us(self, channel: str) -> int:
        """Return how much older than the message the channel's last value is. The channel must have one."""
        return self.at_us - int(self._channels[channel]["M"]["at_us"]["N"])

    def attribute(self, name: str) -> float | None:
        """Return an attribute of the device's item, or None when there is none or it is no number."""
        attribute = self.image.get(name)
        return None if attribute is None else reading_number(attribute)


def reading_number(attribute: dict[str, Any]) -> float | None:
    """Return a channel's value as a number, a boolean as 1 or 0; None for text and for what no float can hold."""
    text = attribute.get("N")
    if text is not None:
        number = float(text)
        return number if math.isfinite(number) else None
    flag = attribute.get("BOOL")
    return None if flag is None else float(flag)


def image_time(image: Item) -> str:
    """Return the time of the item's last message as N text, by which its channels are recognised."""
    stamp = image.get("measured_us") or image["received_us"]
    text: str = stamp["N"]
    return text


def received_us(image: Item) -> int:
    """Return when the item's last message was received."""
    stamp = image.get("received_us") or image["measured_us"]
    return int(stamp["N"])

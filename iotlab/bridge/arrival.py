"""A message on its way through the bridge, with what became of it."""

from __future__ import annotations

from typing import Literal

import msgspec

from iotlab.domain.reading import Decoded
from iotlab.errors import DecodeError
from iotlab.mqtt.message import Message

Fate = Literal["stored", "repeat", "dead_letter", "unclaimed", "ignored", "status", "retained"]
"""What became of a message. Each has a counter; there is no other way out of the bridge.

stored: its reading is in the table. status: it changed the device's state only. repeat: it was stored before.
retained: the broker's copy of something older, which only fills what was unknown. ignored: known, nothing to store.
unclaimed: no convention understands its topic. dead_letter: it can't be read, or the table can't keep it.
"""


class Numbered(msgspec.Struct, frozen=True):
    """The identity of a message of a numbered device."""

    device: str
    boot_id: str
    seq: int


class Arrival(msgspec.Struct):
    """One message, what it was decoded to, and its fate once committed.

    Attributes:
        message: As it came.
        decoded: What it says; None when no convention claims it, or when it can't be read.
        error: Why it can't be read.
        numbered: Its identity, where an unreadable message still shows it.
        decoded_at_us: When decoding ended, µs since 1970.
        fate: Set by the commit.
        lost: Numbers that the device said with it to have dropped. Set by the commit.
        sequence: The sequence number of its stream record; 0 for none. Set by the commit.
    """

    message: Message
    decoded: Decoded | None = None
    error: DecodeError | None = None
    numbered: Numbered | None = None
    decoded_at_us: int = 0
    fate: Fate = "ignored"
    lost: int = 0
    sequence: int = 0

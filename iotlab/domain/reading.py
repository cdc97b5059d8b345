"""Stop 2 of the journey: what a message means, independent of the convention it was written in."""

from __future__ import annotations

from typing import Literal

import msgspec

Scalar = int | float | bool | str
DeviceStatus = Literal["online", "offline"]


class Value(msgspec.Struct, frozen=True, gc=False):
    """One channel's value.

    Attributes:
        value: A finite number of at most 38 significant digits, a boolean, or text.
        unit: UCUM code such as ``Cel``, ``W`` or ``%``; empty when unknown or without unit.
        raw: The text as it came, where the value was parsed from text (``"21.5"`` → 21.5, ``"ON"`` → True).
    """

    value: Scalar
    unit: str = ""
    raw: str | None = None


class Reading(msgspec.Struct, frozen=True):
    """What one message of one device says.

    A reading with a `seq` and a `boot_id` is numbered: the ledger accounts for each number.

    Attributes:
        device: The device's id, unique in the lab; any text without control characters, at most 256 bytes.
        convention: The name of the convention that decoded it, such as ``native`` or ``tasmota``.
        values: Channel name → value. Empty for a pure status message.
        measured_at_us: The device's own time where it is plausible, else None. µs since 1970.
        boot_id: Text that a device chooses anew at each start; None for devices of others.
        seq: 0, 1, 2, … within one boot; None for devices of others.
        oldest_seq: Numbers of this boot below it that have not come will never come: the device had to drop them.
        status: What the message says of the device's connection, if it says so.
        device_type, room, name, firmware: What the message says of the device itself, if it says so.
        units: Channel name → UCUM unit for channels that this message describes without a value.
        message_id: The id under which the message can be traced.
        published_at_us: When the device handed the message to the network, if it says so. µs since 1970.
    """

    device: str
    convention: str
    values: dict[str, Value] = {}
    measured_at_us: int | None = None
    boot_id: str | None = None
    seq: int | None = None
    oldest_seq: int | None = None
    status: DeviceStatus | None = None
    device_type: str | None = None
    room: str | None = None
    name: str | None = None
    firmware: str | None = None
    units: dict[str, str] = {}
    message_id: str | None = None
    published_at_us: int | None = None


class Ignored(msgspec.Struct, frozen=True):
    """A message that a convention knows and that holds nothing to store, such as the lab's own acknowledgements.

    Attributes:
        convention: Who knows it.
        reason: A stable word for the counter, such as ``own_ack`` or ``retained_clear``.
    """

    convention: str
    reason: str


Decoded = Reading | Ignored

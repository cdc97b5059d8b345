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


class Description(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a device says of one of its channels, apart from its values. What it doesn't say is empty or None.

    Attributes:
        component: What it is to its user, in Home Assistant's words: ``sensor``, ``switch``, ``light`` …
        name: Its name for people.
        device_class: What it measures or does, in Home Assistant's words: ``temperature``, ``door`` …
        unit: The unit as the device writes it, such as ``°C``; the UCUM unit is with the values.
        datatype: The convention's own word for the type of its values, such as ``float``.
        state_topic: Where its values come from.
        command_topic: Where it takes commands; empty when it takes none.
        command_template: How a command is written there, where it is not the bare value.
        payload_on, payload_off: What it calls on and off.
        minimum, maximum, step: What numbers it takes.
        options: What words it takes.
        unique_id: Its id within its convention.
        is_removed: It has been withdrawn; nothing else is set then.
    """

    component: str = ""
    name: str = ""
    device_class: str = ""
    unit: str = ""
    datatype: str = ""
    state_topic: str = ""
    command_topic: str = ""
    command_template: str = ""
    payload_on: str = ""
    payload_off: str = ""
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    options: tuple[str, ...] = ()
    unique_id: str = ""
    is_removed: bool = False


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
        descriptions: Channel name → what this message says of the channel itself.
        attributes: What this message says of the device that has no field of its own, such as ``manufacturer``.
        no_reading: Channel name → what the device sent in place of a value because its sensor had none, such as
            ``327.67`` (see `iotlab.bridge.conventions.sentinels`).
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
    descriptions: dict[str, Description] = {}
    attributes: dict[str, Scalar] = {}
    no_reading: dict[str, str] = {}
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


class Several(msgspec.Struct, frozen=True):
    """One message that holds several readings: of several devices, or of one device at several times.

    Attributes:
        readings: At least one. Each is stored by itself; none is numbered.
    """

    readings: tuple[Reading, ...]


Decoded = Reading | Several | Ignored


def readings_of(decoded: Decoded | None) -> tuple[Reading, ...]:
    """Return the readings that a message holds."""
    if isinstance(decoded, Reading):
        return (decoded,)
    return decoded.readings if isinstance(decoded, Several) else ()

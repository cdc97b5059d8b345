"""The device's state item: how one reading changes it. Works on the item in wire form, in place."""

from __future__ import annotations

from typing import Any

from iotlab.bridge.conventions import Rank, entries
from iotlab.domain.reading import Reading, Scalar, Value
from iotlab.table.values import AttributeValue, Item, number_text

_DESCRIPTIONS = ("device_type", "room", "name", "firmware")
_ATTRIBUTE = {"device_type": "type"}
_CONFIDENCE = {
    entry.name: entry.rank.confidence for entry in entries() if entry.rank.confidence != Rank.PREFIX.confidence
}


def wire_scalar(value: Scalar) -> AttributeValue:
    """Return a reading's value in wire form."""
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, str):
        return {"S": value}
    return {"N": number_text(value)}


def new_state(device: str) -> Item:
    """Return the state of a device that is seen for the first time."""
    return {"device": {"S": device}, "stored": {"N": "0"}, "channels": {"M": {}}}


def wire_values(reading: Reading) -> Item:
    """Return a reading's values in wire form: channel → value."""
    return {name: wire_scalar(value.value) for name, value in reading.values.items()}


def apply_reading(
    state: Item, reading: Reading, values: Item, *, topic: str, received_us: int, event_us: int
) -> bool:
    """Bring the state up to date; return False when the reading is the will of a boot that is over.

    Args:
        state: The item, changed in place.
        reading: What came.
        values: Its values, as `wire_values` gives them.
        topic: Where it came.
        received_us: When it was received.
        event_us: When it was measured, as far as that is known and plausible, else received.
    """
    if reading.status == "offline" and _is_other_boot(state, reading):
        return False
    state["convention"] = {"S": reading.convention}
    _set_confidence(state, reading.convention)
    state["topic"] = {"S": topic}
    state["received_us"] = {"N": str(received_us)}
    _describe(state, reading)
    _set_status(state, reading.status or "online", received_us)
    if reading.boot_id is not None:
        state["boot_id"] = {"S": reading.boot_id}
    if reading.seq is not None:
        state["seq"] = {"N": str(reading.seq)}
    if reading.message_id is not None:
        state["message_id"] = {"S": reading.message_id}
    else:
        state.pop("message_id", None)
    for name, sent in reading.no_reading.items():
        known = state["channels"]["M"].get(name)
        if known is not None:
            known["M"] |= {"no_reading": {"S": sent}, "no_reading_us": {"N": str(received_us)}}
    if reading.values:
        state["measured_us"] = {"N": str(event_us)}
        _set_channels(state, reading, values, event_us, received_us)
    state["stored"] = {"N": str(int(state["stored"]["N"]) + 1)}
    return True


def is_older(state: Item, reading: Reading, event_us: int, received_us: int) -> bool:
    """Return whether the state has a newer value of a channel of the reading, not counting times yet to come."""
    channels: dict[str, Any] = state["channels"]["M"]
    known = (int(channels[name]["M"]["at_us"]["N"]) for name in reading.values if name in channels)
    return any(event_us < at_us <= received_us for at_us in known)


def fill_unknown(state: Item, reading: Reading, *, topic: str, received_us: int) -> bool:
    """Take from a retained copy only what the state does not know yet; return whether that was anything.

    A retained message may be days old: it describes the device, but it is no new reading.
    """
    channels: dict[str, Any] = state["channels"]["M"]
    missing = {name: value for name, value in reading.values.items() if name not in channels}
    is_news = bool(missing) or "convention" not in state or not _knows(state, reading)
    if not is_news or (reading.status == "offline" and _is_other_boot(state, reading)):
        return False
    if "convention" not in state:
        state["convention"] = {"S": reading.convention}
        _set_confidence(state, reading.convention)
    state.setdefault("topic", {"S": topic})
    state.setdefault("received_us", {"N": str(received_us)})
    _describe(state, reading)
    if reading.status is not None:
        _set_status(state, reading.status, received_us)
    for name, value in missing.items():
        channels[name] = _channel(value, reading.units.get(name, ""), reading.measured_at_us or received_us)
    state["stored"] = {"N": str(int(state["stored"]["N"]) + 1)}
    return True


def _knows(state: Item, reading: Reading) -> bool:
    if reading.status is not None and state.get("status") != {"S": reading.status}:
        return False
    attributes = state.get("attributes", {"M": {}})["M"]
    if any(attributes.get(name) != wire_scalar(value) for name, value in reading.attributes.items()):
        return False
    channels = state["channels"]["M"]
    units_known = all(channels.get(name, {}).get("M", {}).get("unit") for name in reading.units if name in channels)
    said = {name: getattr(reading, name) for name in _DESCRIPTIONS}
    return units_known and all(
        state.get(_ATTRIBUTE.get(name, name)) == {"S": value} for name, value in said.items() if value is not None
    )


def _is_other_boot(state: Item, reading: Reading) -> bool:
    """Return whether the reading speaks for a boot that a later one has replaced."""
    return reading.boot_id is not None and "boot_id" in state and state["boot_id"] != {"S": reading.boot_id}


def _describe(state: Item, reading: Reading) -> None:
    for name in _DESCRIPTIONS:
        value = getattr(reading, name)
        if value is not None:
            state[_ATTRIBUTE.get(name, name)] = {"S": value}
    if reading.attributes:
        attributes = state.setdefault("attributes", {"M": {}})["M"]
        attributes |= {name: wire_scalar(value) for name, value in reading.attributes.items()}
    channels = state["channels"]["M"]
    for name, unit in reading.units.items():
        if unit and name in channels:
            channels[name]["M"]["unit"] = {"S": unit}
    if reading.units:
        # Kept beside the channels for those whose first value is still to come.
        state["units"] = {"M": {name: {"S": unit} for name, unit in reading.units.items() if unit}}


def _set_confidence(state: Item, convention: str) -> None:
    confidence = _CONFIDENCE.get(convention)
    if confidence is None:
        state.pop("confidence", None)
    else:
        state["confidence"] = {"S": confidence}


def _set_status(state: Item, status: str, received_us: int) -> None:
    if state.get("status") != {"S": status}:
        state["status"] = {"S": status}
        state["status_us"] = {"N": str(received_us)}


def _announced_unit(state: Item, channel: str) -> str:
    units = state.get("units")
    if units is None or channel not in units["M"]:
        return ""
    unit: str = units["M"][channel]["S"]
    return unit


def _set_channels(state: Item, reading: Reading, values: Item, event_us: int, received_us: int) -> None:
    channels: dict[str, Any] = state["channels"]["M"]
    at_us = {"N": str(event_us)}
    for name, value in reading.values.items():
        known = channels.get(name)
        if known is None:
            channels[name] = _channel(value, value.unit or _announced_unit(state, name), event_us)
            continue
        members = known["M"]
        if event_us < int(members["at_us"]["N"]) <= received_us:
            # Late: the state keeps the newest by event time; the history has both. A time that is yet to come is of
            # a clock that was set back since, and holds nobody up.
            continue
        members["value"] = values[name]
        members["at_us"] = at_us
        if "no_reading" in members:
            del members["no_reading"], members["no_reading_us"]
        if value.unit:
            members["unit"] = {"S": value.unit}
        if value.raw is not None:
            members["raw"] = {"S": value.raw}
        else:
            members.pop("raw", None)


def _channel(value: Value, unit: str, at_us: int) -> AttributeValue:
    members: dict[str, Any] = {"value": wire_scalar(value.value), "at_us": {"N": str(at_us)}}
    if unit or value.unit:
        members["unit"] = {"S": unit or value.unit}
    if value.raw is not None:
        members["raw"] = {"S": value.raw}
    return {"M": members}

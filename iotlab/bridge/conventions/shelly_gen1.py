"""Shelly, first generation: one value a topic.

**Topics.** ``shellies/<id>/<channel>``. The id may hold slashes; it ends before the first level that is one of the
words with which a Shelly's channels begin (``relay``, ``emeter``, ``sensor``, ``online`` …), or else after its first
level. ``shellies/announce`` and ``shellies/<id>/announce`` say what the device is; command topics are ignored.

**Device.** ``shellies/<id>``, as for the second generation. The id is its name too.

**Channels.** The rest of the topic: ``relay/0/power``. A payload that is a JSON object is flattened after it, with
dots: ``light/0/status.brightness``. ``on``, ``off``, ``true`` and ``false`` become booleans, numbers become numbers,
with the text kept; other text stays text (``:35.38``). ``online`` is a channel and the device's status.

Counters keep the number that the device sends; the unit says what it is: ``relay/0/energy`` and ``emeter/0/energy``
are in watt-minutes (``W.min``), ``emeter/0/total`` in watt-hours. ``sensor/temperature`` has no unit here, because
the owner chooses °C or °F in the device.

Source: Shelly technical documentation, Gen1 API, "MQTT".
"""

from __future__ import annotations

import re

from iotlab.bridge.conventions import json_payload, scalars
from iotlab.bridge.conventions.base import Decode, Entry, Rank, Route, cleared, ignoring
from iotlab.bridge.conventions.flatten import flatten
from iotlab.bridge.conventions.json_payload import JsonValue, read_text
from iotlab.bridge.conventions.names import check_name, quoted
from iotlab.domain.reading import Decoded, DeviceStatus, Reading, Scalar, Value
from iotlab.errors import DecodeError
from iotlab.mqtt.message import Message

NAME = "shelly-gen1"
ROOT = "shellies"

_WORDS = {"on": True, "off": False, "true": True, "false": False}
_FIRST_LEVEL = re.compile(
    "adc|announce|color|command|emeter|energy|ext_humidit(y|ies)|ext_switch(es)?|ext_temperatures?(_f)?|info|input"
    "|input_event|light|loaderror|longpush|meter|online|overload|overpower|overpower_value|overtemperature|relay"
    "|roller|sensor|settings|shortpush|status|temperature|temperature_f|temperature_status|thermostat|voltage|white"
)
_COMMANDS = frozenset({"command", "set"})

_UNIT_OF_TOPIC: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), unit)
    for pattern, unit in (
        (r"temperature|ext_temperature/\d+", "Cel"),
        (r"temperature_f|ext_temperature_f/\d+", "[degF]"),
        (r"sensor/(humidity|battery)|ext_humidity/\d+|roller/\d+/pos", "%"),
        (r"sensor/lux", "lx"),
        (r"(relay|roller|light|white|color|emeter|meter)/\d+/power", "W"),
        (r"(relay|roller|light|white|color|meter)/\d+/energy", "W.min"),
        (r"emeter/\d+/(energy|returned_energy)", "W.min"),
        (r"emeter/\d+/total(_returned)?", "W.h"),
        (r"emeter/\d+/voltage|voltage/\d+|voltage|adc/\d+", "V"),
        (r"emeter/\d+/current", "A"),
    )
)


class ShellyGen1:
    """The convention of first-generation Shelly devices."""

    name = NAME

    def claim(self, topic: str) -> Route | None:
        root, *levels = topic.split("/")
        if root != ROOT or not levels:
            return None
        if levels == ["announce"]:
            return Route(NAME, None, _announced(None))
        if levels == ["command"]:
            return ignoring(NAME, "command")
        name, channel = _split(levels)
        if not name or not channel:
            return None
        device = check_name(f"{ROOT}/{name}", "topic")
        if _COMMANDS.intersection(channel.split("/")):
            return ignoring(NAME, "command", device)
        if channel == "announce":
            return Route(NAME, device, _announced(name))
        return Route(NAME, device, _value(device, name, check_name(channel, "topic")))


def _split(levels: list[str]) -> tuple[str, str]:
    at = next((i for i, level in enumerate(levels) if i and _FIRST_LEVEL.fullmatch(level)), 1)
    return "/".join(levels[:at]), "/".join(levels[at:])


def _value(device: str, name: str, channel: str) -> Decode:
    unit = next((unit for pattern, unit in _UNIT_OF_TOPIC if pattern.fullmatch(channel)), "")

    def decode(message: Message) -> Decoded:
        empty = cleared(message, NAME, state_topic=channel == "online")
        if empty is not None:
            return empty
        if message.payload.lstrip().startswith(b"{"):
            return Reading(
                device, NAME, flatten(json_payload.load(message.payload), _make, prefix=channel), name=name
            )
        value = scalars.with_unit(scalars.parse_text(read_text(message.payload), _WORDS, channel), unit)
        if channel != "online":
            return Reading(device, NAME, {channel: value}, name=name)
        return Reading(device, NAME, {channel: value}, status=online_status(value), name=name)

    return decode


def online_status(value: Value) -> DeviceStatus:
    """Return the status that the value of an ``online`` topic stands for.

    Raises:
        DecodeError: ``bad_value``: it is neither true nor false.
    """
    if not isinstance(value.value, bool):
        raise DecodeError("bad_value", f"expected true or false, got {quoted(str(value.value))}", field="online")
    return "online" if value.value else "offline"


def _announced(name: str | None) -> Decode:
    def decode(message: Message) -> Decoded:
        empty = cleared(message, NAME, state_topic=False)
        if empty is not None:
            return empty
        body = json_payload.load_object(message.payload)
        known = name or _text(body, "id")
        if known is None:
            raise DecodeError("missing_field", "missing; it says which device announces itself", field="id")
        return Reading(
            check_name(f"{ROOT}/{known}", "id"),
            NAME,
            flatten(body, _make, prefix="announce"),
            device_type=_text(body, "model"),
            name=known,
            firmware=_text(body, "fw_ver"),
        )

    return decode


def _text(body: dict[str, JsonValue], key: str) -> str | None:
    value = body.get(key)
    return check_name(value, key) if isinstance(value, str) and value else None


def _make(path: str, _key: str, scalar: Scalar) -> Value:
    return scalars.as_value(scalar, {}, path)


CONVENTION = Entry(NAME, Rank.PREFIX, lambda _ask: ShellyGen1())

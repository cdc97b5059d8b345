"""Tasmota: a topic made by the owner's FullTopic, with ``tele``, ``stat`` or ``cmnd`` somewhere in it.

**Topics.** The first level that is ``tele`` or ``stat``, with an upper-case word as the last level (``SENSOR``,
``STATE``, ``RESULT``, ``STATUS10``, ``POWER2``, ``POWER_LOW``, ``LWT``, ``INFO1``), is enough; whatever else the
FullTopic puts before or between is part of the device's id. ``cmnd`` is a command and is ignored.

**Device.** ``tasmota/`` and the topic without its prefix and last level: ``piegn/tele/elektronik/control0/SENSOR``
is ``tasmota/piegn/elektronik/control0``. The part after ``tasmota/`` is its name too.

**Channels.** The path in the payload, with dots: ``ENERGY.TotalTariff.0``. The wrappers ``StatusSNS`` (STATUS8, 10)
and ``StatusSTS`` (STATUS11) are taken off, so that a poll and a report fill the same channels. A payload that is
plain text is the channel of its last level: ``POWER``. ``LWT`` is the device's status and no channel.

Numbers in text become numbers, ``ON`` and ``OFF`` booleans, with the text kept. ``TempUnit``, ``PressureUnit`` and
``Time`` are no channels: the units go to the values that they speak of, and without them a temperature has no unit.
``Time`` has no zone, so it is the measured time only if it is plausible as UTC (see `times`).

Source: Tasmota documentation, "MQTT" and "Commands" (FullTopic, SetOption).
"""

from __future__ import annotations

import re

from iotlab.bridge.conventions import json_payload, scalars, times
from iotlab.bridge.conventions.base import Entry, Rank, Route, cleared, ignoring
from iotlab.bridge.conventions.flatten import MakeValue, flatten
from iotlab.bridge.conventions.json_payload import JsonValue, read_text
from iotlab.bridge.conventions.names import check_name, quoted
from iotlab.domain.reading import Decoded, DeviceStatus, Reading, Scalar, Value
from iotlab.errors import DecodeError
from iotlab.mqtt.message import Message

NAME = "tasmota"

_WORDS = {"ON": True, "OFF": False}
_STATUS: dict[str, DeviceStatus] = {"Online": "online", "Offline": "offline"}
_KIND = re.compile(r"[A-Z][A-Z0-9_]*")
_ALWAYS_JSON = re.compile(r"SENSOR|STATE|RESULT|STATUS[0-9]*|INFO[0-9]*")
_WRAPPERS = ("StatusSNS", "StatusSTS")
_ABOUT = frozenset({"Time", "TempUnit", "PressureUnit"})

_TEMPERATURE = ("Temperature", "DewPoint")
_TEMPERATURE_UNITS = {"C": "Cel", "F": "[degF]"}
_PRESSURE = ("Pressure", "SeaPressure")
_PRESSURE_UNITS = {"hPa": "hPa", "mmHg": "mm[Hg]", "inHg": "[in_i'Hg]"}
_UNITS = {
    "Humidity": "%",
    "Power": "W",
    "ApparentPower": "V.A",
    "Voltage": "V",
    "Current": "A",
    "Frequency": "Hz",
    "Energy": "kW.h",
    "Total": "kW.h",
    "Today": "kW.h",
    "Yesterday": "kW.h",
    "TotalTariff": "kW.h",
    "Illuminance": "lx",
    "CarbonDioxide": "[ppm]",
    "eCO2": "[ppm]",
    "PM1": "ug/m3",
    "PM2.5": "ug/m3",
    "PM10": "ug/m3",
    "UptimeSec": "s",
    "RSSI": "%",
}


class Tasmota:
    """Tasmota's convention."""

    name = NAME

    def claim(self, topic: str) -> Route | None:
        levels = topic.split("/")
        at = next((i for i, level in enumerate(levels[:-1]) if level in ("tele", "stat", "cmnd")), None)
        if at is None:
            return None
        between = levels[:at] + levels[at + 1 : -1]
        is_command = levels[at] == "cmnd"
        if not any(between) or not (is_command or _KIND.fullmatch(levels[-1])):
            return None
        name = "/".join(between)
        device = check_name(f"{NAME}/{name}", "topic")
        if is_command:
            return ignoring(NAME, "command", device)
        is_status = levels[-1] == "LWT"
        return Route(NAME, device, _Lwt(device, name) if is_status else _Report(device, name, levels[-1]))


class _Lwt:
    """Reads the retained birth and will."""

    def __init__(self, device: str, name: str) -> None:
        self._device, self._name = device, name

    def __call__(self, message: Message) -> Decoded:
        empty = cleared(message, NAME, state_topic=True)
        if empty is not None:
            return empty
        text = read_text(message.payload)
        if text not in _STATUS:
            raise DecodeError("bad_value", f"expected Online or Offline, got {quoted(text)}")
        return Reading(self._device, NAME, status=_STATUS[text], name=self._name)


class _Report:
    """Reads telemetry, results and single values."""

    def __init__(self, device: str, name: str, kind: str) -> None:
        self._device, self._name, self._kind = device, name, kind
        self._always_json = _ALWAYS_JSON.fullmatch(kind) is not None

    def __call__(self, message: Message) -> Decoded:
        empty = cleared(message, NAME, state_topic=False)
        if empty is not None:
            return empty
        if not self._always_json and not message.payload.lstrip().startswith(b"{"):
            text = read_text(message.payload)
            values = {self._kind: scalars.parse_text(text, _WORDS, self._kind)}
            return Reading(self._device, NAME, values, name=self._name)
        return self._read_object(message)

    def _read_object(self, message: Message) -> Reading:
        body = json_payload.load_object(message.payload)
        body = _unwrapped(body)
        channels = {key: value for key, value in body.items() if key not in _ABOUT}
        about = _inner(body, "Info1") or _inner(body, "StatusFWR") or (body if self._kind == "INFO1" else {})
        return Reading(
            self._device,
            NAME,
            flatten(channels, _make(body)),
            measured_at_us=times.measured_at_us(body.get("Time"), message.received_at_us),
            device_type=_name(about, "Module"),
            name=self._name,
            firmware=_name(about, "Version"),
        )


def _unwrapped(body: dict[str, JsonValue]) -> dict[str, JsonValue]:
    if len(body) == 1:
        for wrapper in _WRAPPERS:
            inner = body.get(wrapper)
            if isinstance(inner, dict):
                return inner
    return body


def _inner(body: dict[str, JsonValue], key: str) -> dict[str, JsonValue]:
    found = body.get(key)
    return found if isinstance(found, dict) else {}


def _name(about: dict[str, JsonValue], key: str) -> str | None:
    value = about.get(key)
    return check_name(value, key) if isinstance(value, str) and value else None


def _make(body: dict[str, JsonValue]) -> MakeValue:
    """Return the maker of values that knows the units which this message states."""
    temperature = _stated(body, "TempUnit", _TEMPERATURE_UNITS)
    pressure = _stated(body, "PressureUnit", _PRESSURE_UNITS)
    units = _UNITS | dict.fromkeys(_TEMPERATURE, temperature) | dict.fromkeys(_PRESSURE, pressure)

    def make(path: str, key: str, scalar: Scalar) -> Value:
        value = scalars.as_value(scalar, _WORDS, path, numbers_in_text=True)
        return scalars.with_unit(value, units.get(key, ""))

    return make


def _stated(body: dict[str, JsonValue], key: str, units: dict[str, str]) -> str:
    said = body.get(key)
    return units.get(said, "") if isinstance(said, str) else ""


CONVENTION = Entry(NAME, Rank.SHAPE, lambda _ask: Tasmota())

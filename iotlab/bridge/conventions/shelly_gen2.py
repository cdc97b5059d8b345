"""Shelly, second generation and later: notifications and status as JSON, under a prefix of the owner's choice.

**Topics.** ``<prefix>/events/rpc`` (NotifyStatus, NotifyFullStatus, NotifyEvent), ``<prefix>/status/<component>``
and ``<prefix>/online``; the prefix may hold slashes. ``<prefix>/command/<component>`` is ignored, and so are the
requests and responses on ``<prefix>/rpc``. Since anybody's topic may end in ``online`` or ``rpc``, those two are
claimed only if the payload is ``true`` or ``false``, or an RPC frame. ``shellies/<id>/online`` means the same in both
generations and is read as the first's.

**Device.** ``shellies/<prefix>``, as for the first generation: ``shellies/plus1pm`` for the prefix
``shellies/plus1pm``, ``shellies/shelly-ht/hall`` for ``shelly-ht/hall``. Without ``shellies/`` it is its name.

**Channels.** ``<component>.<path>``, whichever topic it came on: ``switch:0.voltage`` from a notification, and from
``status/switch:0`` too. So a partial notification overlays the status, as it should. Of a notification's frame
``method`` and ``src`` are channels, and so is the ``ts`` of its params. It is the measured time only where it is
plausible: a device whose clock is not set yet counts from its start. ``sleep_s`` is how long a battery device sleeps
between two reports (its ``sys.wakeup_period``). Events are ``events.0.component``, ``events.0.event`` and so on.

Source: Shelly technical documentation, Gen2+ API, "MQTT", "Notifications" and "Components".
"""

from __future__ import annotations

import re
from collections.abc import Callable

from iotlab.bridge.conventions import json_payload, scalars, times
from iotlab.bridge.conventions.base import Decode, Entry, Rank, Route, cleared, ignoring
from iotlab.bridge.conventions.flatten import flatten
from iotlab.bridge.conventions.json_payload import JsonValue, json_type
from iotlab.bridge.conventions.names import check_name
from iotlab.domain.reading import Decoded, Ignored, Reading, Scalar, Value
from iotlab.errors import DecodeError
from iotlab.mqtt.message import Message

NAME = "shelly-gen2"
ROOT = "shellies/"

_COMPONENT = re.compile(r"[a-z][a-z0-9_]*:[0-9]+")
_SINGLE_COMPONENT = re.compile("ble|bthome|cloud|eth|ht_ui|knx|matter|modbus|mqtt|plugs_ui|sys|ui|wifi|ws|zigbee")
_ONLINE = {b"true": True, b"false": False}
_FRAME = frozenset({"method", "result", "error"})

_UNITS = {
    "tC": "Cel",
    "tF": "[degF]",
    "current_C": "Cel",
    "target_C": "Cel",
    "rh": "%",
    "percent": "%",
    "brightness": "%",
    "current_pos": "%",
    "apower": "W",
    "act_power": "W",
    "aprt_power": "V.A",
    "voltage": "V",
    "V": "V",
    "current": "A",
    "freq": "Hz",
    "lux": "lx",
    "by_minute": "mW.h",
    "total_act": "W.h",
    "total_act_ret": "W.h",
    "total_act_energy": "W.h",
    "total_act_ret_energy": "W.h",
    "uptime": "s",
    "unixtime": "s",
    "wakeup_period": "s",
    "ts": "s",
    "minute_ts": "s",
    "ram_size": "By",
    "ram_free": "By",
    "fs_size": "By",
    "fs_free": "By",
}
_PHASE = re.compile(r"^(?:[abcn]|total)_(?=act_power|aprt_power|voltage|current|freq|total_act)")
_ENERGY_TOTALS = ("aenergy.total", "ret_aenergy.total")


class ShellyGen2:
    """The convention of Shelly devices of the second generation and later."""

    name = NAME

    def claim(self, topic: str) -> Route | None:
        head, _, last = topic.rpartition("/")
        prefix, _, kind = head.rpartition("/")
        if prefix and kind == "events" and last == "rpc":
            return _route(prefix, _notification)
        if prefix and kind in ("status", "command") and _is_component(last):
            device, name = _identity(prefix)
            if kind == "command":
                return ignoring(NAME, "command", device)
            return Route(NAME, device, _component(device, name, last))
        if head and last == "rpc":
            return _route(head, _rpc)
        if head and last == "online" and not head.startswith(ROOT):
            return _route(head, _online)
        return None


def _is_component(level: str) -> bool:
    return (_SINGLE_COMPONENT.fullmatch(level) or _COMPONENT.fullmatch(level)) is not None


def _identity(prefix: str) -> tuple[str, str]:
    name = prefix.removeprefix(ROOT)
    return check_name(ROOT + name, "topic"), name


def _route(prefix: str, reader: Callable[[str, str], Decode]) -> Route:
    device, name = _identity(prefix)
    return Route(NAME, device, reader(device, name))


def _notification(device: str, name: str) -> Decode:
    def decode(message: Message) -> Decoded:
        empty = cleared(message, NAME, state_topic=False)
        if empty is not None:
            return empty
        frame = json_payload.load_object(message.payload)
        params = _field(frame, "params")
        values = {
            key: scalars.as_value(frame[key], {}, key) for key in ("method", "src") if isinstance(frame.get(key), str)
        }
        if "method" not in values:
            raise DecodeError("missing_field", "missing; it says which notification this is", field="method")
        values |= flatten(params, _make)
        values |= _sleep(values)
        measured_at_us = times.measured_at_us(params.get("ts"), message.received_at_us)
        return Reading(device, NAME, values, measured_at_us=measured_at_us, name=name)

    return decode


def _field(frame: dict[str, JsonValue], key: str) -> dict[str, JsonValue]:
    found = frame.get(key)
    if found is None:
        raise DecodeError("missing_field", "missing; a notification holds the changed components there", field=key)
    if not isinstance(found, dict):
        raise DecodeError("bad_type", f"expected an object, got {json_type(found)}", field=key)
    return found


def _component(device: str, name: str, component: str) -> Decode:
    def decode(message: Message) -> Decoded:
        empty = cleared(message, NAME, state_topic=False)
        if empty is not None:
            return empty
        values = flatten(json_payload.load_object(message.payload), _make, prefix=component)
        return Reading(device, NAME, values | _sleep(values), name=name)

    return decode


def _online(device: str, name: str) -> Decode:
    def decode(message: Message) -> Decoded | None:
        online = _ONLINE.get(message.payload)
        if online is None:
            return None
        value = Value(online, raw=message.payload.decode("ascii"))
        return Reading(device, NAME, {"online": value}, status="online" if online else "offline", name=name)

    return decode


def _rpc(_device: str, _name: str) -> Decode:
    ignored = Ignored(NAME, "rpc")

    def decode(message: Message) -> Decoded | None:
        try:
            frame = json_payload.load_object(message.payload)
        except DecodeError:  # not an RPC frame, so not ours to refuse: the topic alone says too little
            return None
        return ignored if "src" in frame and not _FRAME.isdisjoint(frame) else None

    return decode


def _sleep(values: dict[str, Value]) -> dict[str, Value]:
    period = values.get("sys.wakeup_period")
    is_number = period is not None and not isinstance(period.value, (bool, str))
    return {"sleep_s": period} if period is not None and is_number else {}


def _make(path: str, key: str, scalar: Scalar) -> Value:
    known = _UNITS.get(key) or _UNITS.get(_PHASE.sub("", key), "")
    unit = "W.h" if path.endswith(_ENERGY_TOTALS) else known
    return scalars.with_unit(scalars.as_value(scalar, {}, path), unit)


CONVENTION = Entry(NAME, Rank.PREFIX, lambda _ask: ShellyGen2(), before=frozenset({"shelly-gen1"}))

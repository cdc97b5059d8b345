"""Zigbee2MQTT: one JSON object a device, under a friendly name that may hold slashes.

**Topics.** ``zigbee2mqtt/<friendly name>`` is a report, ``…/availability`` the device's status (plain or as
``{"state": …}``), ``…/set``, ``…/get`` and ``…/set/<attribute>`` commands, which are ignored.
``zigbee2mqtt/bridge/state`` is the bridge itself; everything else under ``zigbee2mqtt/bridge/`` is ignored as
``bridge_info``.

**Device.** The topic of its reports: ``zigbee2mqtt/kitchen/floor_light``; the friendly name is its name. The bridge
is the device ``zigbee2mqtt/bridge``, with its status and the channel ``bridge_online``.

**Channels.** The path in the payload, with dots: ``temperature``, ``color.x``, ``update.state``. ``ON`` and ``OFF``
become booleans, with the text kept; no other text does (a remote's action may be ``on``). ``last_seen`` is also the
measured time where it is plausible.

Source: Zigbee2MQTT documentation, "MQTT Topics and Messages".
"""

from __future__ import annotations

from collections.abc import Callable

from iotlab.bridge.conventions import json_payload, scalars, times
from iotlab.bridge.conventions.base import Decode, Entry, Rank, Route, cleared, ignoring
from iotlab.bridge.conventions.flatten import flatten
from iotlab.bridge.conventions.json_payload import JsonValue, read_text
from iotlab.bridge.conventions.names import check_name, quoted
from iotlab.domain.reading import Decoded, DeviceStatus, Reading, Scalar, Value
from iotlab.errors import DecodeError
from iotlab.mqtt.message import Message

NAME = "zigbee2mqtt"
ROOT = "zigbee2mqtt"
BRIDGE = f"{ROOT}/bridge"

_WORDS = {"ON": True, "OFF": False}
_STATUS: dict[str, DeviceStatus] = {"online": "online", "offline": "offline"}
_COMMANDS = frozenset({"set", "get"})
# Left out where the unit depends on the device or the version: voltage (V or mV), illuminance (raw or lx).
_UNITS = {
    "temperature": "Cel",
    "device_temperature": "Cel",
    "local_temperature": "Cel",
    "soil_temperature": "Cel",
    "current_heating_setpoint": "Cel",
    "occupied_heating_setpoint": "Cel",
    "humidity": "%",
    "soil_moisture": "%",
    "battery": "%",
    "position": "%",
    "pressure": "hPa",
    "power": "W",
    "current": "A",
    "energy": "kW.h",
    "illuminance_lux": "lx",
    "co2": "[ppm]",
    "pm25": "ug/m3",
    "ac_frequency": "Hz",
}


class Zigbee2Mqtt:
    """Zigbee2MQTT's convention."""

    name = NAME

    def claim(self, topic: str) -> Route | None:
        root, _, friendly = topic.partition("/")
        if root != ROOT or not friendly or friendly == "bridge":
            return None
        if friendly == "bridge/state":
            return Route(NAME, BRIDGE, _read_bridge_state)
        if friendly.startswith("bridge/"):
            return ignoring(NAME, "bridge_info", BRIDGE)
        levels = friendly.split("/")
        for tail in (1, 2):
            if len(levels) > tail and levels[-tail] in _COMMANDS:
                return ignoring(NAME, "command", check_name(f"{ROOT}/{'/'.join(levels[:-tail])}", "topic"))
        if len(levels) > 1 and levels[-1] == "availability":
            return _route("/".join(levels[:-1]), _availability)
        return _route(friendly, _report)


def _route(friendly: str, reader: Callable[[str, str], Decode]) -> Route:
    device = check_name(f"{ROOT}/{friendly}", "topic")
    return Route(NAME, device, reader(device, friendly))


def _availability(device: str, friendly: str) -> Decode:
    def decode(message: Message) -> Decoded:
        empty = cleared(message, NAME, state_topic=True)
        return empty or Reading(device, NAME, status=_read_status(message.payload), name=friendly)

    return decode


def _report(device: str, friendly: str) -> Decode:
    def decode(message: Message) -> Decoded:
        empty = cleared(message, NAME, state_topic=False)
        if empty is not None:
            return empty
        body = json_payload.load_object(message.payload)
        about = body.get("device")
        model = about.get("model") if isinstance(about, dict) else None
        return Reading(
            device,
            NAME,
            flatten(body, _make),
            measured_at_us=times.measured_at_us(body.get("last_seen"), message.received_at_us),
            device_type=check_name(model, "device.model") if isinstance(model, str) and model else None,
            name=friendly,
        )

    return decode


def _read_bridge_state(message: Message) -> Decoded:
    empty = cleared(message, NAME, state_topic=True)
    if empty is not None:
        return empty
    status = _read_status(message.payload)
    values = {"bridge_online": Value(status == "online")}
    return Reading(BRIDGE, NAME, values, status=status, device_type="zigbee2mqtt-bridge")


def _read_status(payload: bytes) -> DeviceStatus:
    state: JsonValue = read_text(payload)
    if payload.lstrip().startswith(b"{"):
        state = json_payload.load_object(payload).get("state")
    if isinstance(state, str) and state in _STATUS:
        return _STATUS[state]
    raise DecodeError("bad_value", f"expected online or offline, got {quoted(str(state))}", field="state")


def _make(path: str, key: str, scalar: Scalar) -> Value:
    return scalars.with_unit(scalars.as_value(scalar, _WORDS, path), _UNITS.get(key, ""))


CONVENTION = Entry(NAME, Rank.PREFIX, lambda _ask: Zigbee2Mqtt(), before=frozenset({"shelly-gen2"}))

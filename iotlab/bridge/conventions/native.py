"""The lab's own convention: numbered telemetry, a retained status, the bridge's acknowledgements, commands.

==============================  =======================================================================
``lab/<device>/telemetry``      a reading; ``boot_id`` and ``seq`` number it (both or neither)
                                ``oldest``: what is missing below that number was dropped by the device
``lab/<device>/status``         retained: online or offline, what the device is, the units of its channels
``lab/<device>/ack``            from the bridge; ignored as ``own_ack``
``lab/<device>/cmd``            to the device; ignored as ``command``
``lab/<device>/cmd/response``   ignored as ``command_response``
==============================  =======================================================================

The device's id is the second level of the topic; it holds no ``/``, the ids of all other conventions do, so that
they never meet. A payload may repeat it as ``device``; another id there is refused. Fields that the contract does not
name are left alone. A null in ``values`` says that the sensor has nothing to say now, and becomes no value.

What a value is: a number, a boolean, or text that stays text (``"21,5"`` is not a number here).

A message that fits the contract is read by msgspec in one step. Whatever is unusual about it sends it through the
slow reader, which finds the same or says exactly what is wrong.
"""

from __future__ import annotations

import json
import re
from typing import Annotated, Any

import msgspec

from iotlab.bridge.conventions import json_payload, times
from iotlab.bridge.conventions.base import Decode, Entry, Rank, Route, cleared, ignoring
from iotlab.bridge.conventions.flatten import MAX_VALUES
from iotlab.bridge.conventions.json_payload import JsonValue, json_type
from iotlab.bridge.conventions.names import check_name, quoted
from iotlab.bridge.conventions.numbers import MIN_MAGNITUDE, TOO_LARGE_MAGNITUDE
from iotlab.bridge.conventions.scalars import MAX_TEXT_BYTES, check_text
from iotlab.domain.reading import Decoded, DeviceStatus, Reading, Scalar, Value
from iotlab.errors import DecodeError
from iotlab.mqtt.message import Message

NAME = "native"
ROOT = "lab"
MAX_SEQ = 2**53 - 1
"""The largest whole number that every JSON implementation keeps exactly. A device's counter must not wrap before."""

MAX_BOOT_ID_BYTES = 64
MAX_UNIT_BYTES = 32

_LONGEST_SURE_TEXT = MAX_TEXT_BYTES // 4
_MANY_DIGITS = re.compile(rb"[0-9]{20}").search
"""A number of more than 38 digits has a run of 20 at least, on one side of its point."""


class _Telemetry(msgspec.Struct, gc=False):
    boot_id: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_BOOT_ID_BYTES)]
    seq: Annotated[int, msgspec.Meta(ge=0, le=MAX_SEQ)]
    values: dict[str, int | float | bool | str]
    ts: int | float | str | None = None
    id: str | None = None


_read_telemetry = msgspec.json.Decoder(_Telemetry).decode


class Native:
    """The lab's own convention."""

    name = NAME

    def claim(self, topic: str) -> Route | None:
        root, _, rest = topic.partition("/")
        if root != ROOT:
            return None
        device, _, kind = rest.partition("/")
        reason = _IGNORED.get(kind)
        if reason is None and kind not in _READ:
            return None
        check_name(device, "topic")
        return Route(NAME, device, _READ[kind](device)) if reason is None else ignoring(NAME, reason, device)


def numbered(message: Message) -> tuple[str, str, int] | None:
    """Return the device, boot_id and seq of a native telemetry message that could not be decoded.

    With it the ledger names the loss, and the device learns at the next acknowledgement that it need not send the
    message again. Broken JSON is searched for the two fields, so a truncated message is mostly still named.

    Returns:
        None: the message is not native telemetry, or its number can't be read.
    """
    levels = message.topic.split("/")
    if len(levels) != 3 or levels[0] != ROOT or levels[2] != "telemetry":
        return None
    text = message.payload[: json_payload.MAX_PAYLOAD_BYTES].decode("utf-8", errors="replace")
    boot_id, seq = _number_of_broken(text)
    if isinstance(seq, bool) or not isinstance(seq, int) or not 0 <= seq <= MAX_SEQ or not isinstance(boot_id, str):
        return None
    try:
        return check_name(levels[1], "topic"), _check_boot_id(boot_id), seq
    except DecodeError:
        return None


def _number_of_broken(text: str) -> tuple[object, object]:
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        boot_id = re.search(r'"boot_id"\s*:\s*"([^"\\]+)"', text)
        seq = re.search(r'"seq"\s*:\s*([0-9]{1,16})\s*[,}]', text)
        return boot_id and boot_id.group(1), seq and int(seq.group(1))
    return (body.get("boot_id"), body.get("seq")) if isinstance(body, dict) else (None, None)


def _telemetry(device: str) -> Decode:
    def decode(message: Message) -> Decoded:
        return _fast(device, message) or _careful(device, message)

    return decode


def _fast(device: str, message: Message) -> Reading | None:
    """Return the reading of a message that fits the contract, or None when anything about it is unusual."""
    payload = message.payload
    try:
        body = _read_telemetry(payload)
    except (ValueError, RecursionError):  # msgspec's errors and a UnicodeDecodeError are ValueErrors
        return None
    # Each key has one colon after it. So if there are only as many colons as distinct keys were found, then no key
    # stands twice, no field is unknown, and no text contains a colon.
    keys = 3 + len(body.values) + (body.ts is not None) + (body.id is not None)
    if payload.count(b":") != keys or len(body.values) > MAX_VALUES or _MANY_DIGITS(payload):
        return None
    ts = body.ts
    if not body.boot_id.isascii() or isinstance(ts, str):
        return None
    values: dict[str, Value] = {}
    try:
        check_name(body.boot_id, "boot_id")
        for name, value in body.values.items():
            if not _is_sure(value, payload):
                return None
            values[check_name(name, "values")] = Value(value)
    except DecodeError:
        return None
    return Reading(
        device,
        NAME,
        values,
        measured_at_us=None if ts is None else times.measured_at_us(ts, message.received_at_us),
        boot_id=body.boot_id,
        seq=body.seq,
        message_id=_message_id(body.id, message),
    )


def _is_sure(value: Scalar, payload: bytes) -> bool:
    """Tell whether a value surely is within the table's limits, and surely is what the text said."""
    if type(value) is float:
        if MIN_MAGNITUDE <= value < TOO_LARGE_MAGNITUDE or -TOO_LARGE_MAGNITUDE < value <= -MIN_MAGNITUDE:
            return True
        # Zero may be written as -0.0, or be what is left of 1e-400.
        return value == 0 and b"-0" not in payload and b"e-" not in payload and b"E-" not in payload
    if type(value) is str:
        return len(value) <= _LONGEST_SURE_TEXT
    return True


def _careful(device: str, message: Message) -> Decoded:
    empty = cleared(message, NAME, state_topic=False)
    if empty is not None:
        return empty
    body = json_payload.load_object(message.payload)
    _check_device(body, device)
    boot_id, seq = _numbers(body)
    oldest_seq = _oldest(body, seq)
    ts = body.get("ts")
    return Reading(
        device,
        NAME,
        _values(body),
        measured_at_us=None if ts is None else times.measured_at_us(_check_ts(ts), message.received_at_us),
        boot_id=boot_id,
        seq=seq,
        oldest_seq=oldest_seq,
        message_id=_message_id(_text(body, "id"), message),
    )


def _status(device: str) -> Decode:
    def decode(message: Message) -> Decoded:
        empty = cleared(message, NAME, state_topic=True)
        if empty is not None:
            return empty
        body = json_payload.load_object(message.payload)
        _check_device(body, device)
        boot_id = _text(body, "boot_id")
        return Reading(
            device,
            NAME,
            boot_id=None if boot_id is None else _check_boot_id(boot_id),
            status=_connection(body),
            device_type=_text(body, "type"),
            room=_text(body, "room"),
            name=_text(body, "name"),
            firmware=_text(body, "fw"),
            units=_units(body.get("channels")),
            message_id=_message_id(_text(body, "id"), message),
        )

    return decode


_READ = {"telemetry": _telemetry, "status": _status}
_IGNORED = {"ack": "own_ack", "cmd": "command", "cmd/response": "command_response"}


def _check_device(body: dict[str, JsonValue], device: str) -> None:
    said = body.get("device", device)
    if said != device:
        shown = quoted(said) if isinstance(said, str) else json_type(said)
        raise DecodeError(
            "device_mismatch", f"says {shown}, but the topic belongs to {quoted(device)}", field="device"
        )


def _numbers(body: dict[str, JsonValue]) -> tuple[str | None, int | None]:
    boot_id, seq = body.get("boot_id"), body.get("seq")
    if boot_id is None and seq is None:
        return None, None
    if boot_id is None or seq is None:
        missing, present = ("boot_id", "seq") if boot_id is None else ("seq", "boot_id")
        raise DecodeError("missing_field", f"missing, though {present} is there: they number together", field=missing)
    if isinstance(seq, bool) or not isinstance(seq, int):
        raise DecodeError("bad_type", f"expected a whole number, got {_shown(seq)}", field="seq")
    if not 0 <= seq <= MAX_SEQ:
        raise DecodeError("seq_out_of_range", f"{_shown(seq)} is outside 0 to {MAX_SEQ}", field="seq")
    if not isinstance(boot_id, str):
        raise DecodeError("bad_type", f"expected text, got {json_type(boot_id)}", field="boot_id")
    return _check_boot_id(boot_id), seq


def _oldest(body: dict[str, JsonValue], seq: int | None) -> int | None:
    oldest = body.get("oldest")
    if oldest is None or seq is None:
        return None
    if isinstance(oldest, bool) or not isinstance(oldest, int):
        raise DecodeError("bad_type", f"expected a whole number, got {_shown(oldest)}", field="oldest")
    if not 0 <= oldest <= seq:
        raise DecodeError("seq_out_of_range", f"{_shown(oldest)} is outside 0 to seq, {seq}", field="oldest")
    return oldest


def _check_boot_id(boot_id: str) -> str:
    check_name(boot_id, "boot_id")
    if len(boot_id.encode()) > MAX_BOOT_ID_BYTES:
        problem = f"{quoted(boot_id, 30)} is too long; the limit is {MAX_BOOT_ID_BYTES} bytes"
        raise DecodeError("name_too_long", problem, field="boot_id")
    return boot_id


def _values(body: dict[str, JsonValue]) -> dict[str, Value]:
    if "values" not in body:
        raise DecodeError("missing_field", "missing; telemetry holds its channels there", field="values")
    found = body["values"]
    if not isinstance(found, dict):
        raise DecodeError("bad_type", f"expected an object, got {json_type(found)}", field="values")
    if len(found) > MAX_VALUES:
        raise DecodeError("too_many_values", f"{len(found)} values; the limit is {MAX_VALUES}", field="values")
    return {
        check_name(name, "values"): Value(_scalar(name, value)) for name, value in found.items() if value is not None
    }


def _scalar(name: str, value: JsonValue) -> Scalar:
    field = f"values.{quoted(name)[1:-1]}"
    if isinstance(value, (dict, list)):
        problem = f"expected a number, boolean or text, got {json_type(value)}"
        raise DecodeError("bad_type", problem, field=field)
    return check_text(value, field) if isinstance(value, str) else value


def _check_ts(ts: JsonValue) -> int | float | str:
    if isinstance(ts, bool) or not isinstance(ts, (int, float, str)):
        raise DecodeError("bad_type", f"expected a number or ISO 8601 text, got {json_type(ts)}", field="ts")
    if isinstance(ts, str) and times.from_text(ts) is None:
        raise DecodeError("bad_time", f"{quoted(ts)} is neither a number nor ISO 8601", field="ts")
    return ts


def _text(body: dict[str, JsonValue], field: str) -> str | None:
    value = body.get(field)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise DecodeError("bad_type", f"expected text, got {json_type(value)}", field=field)
    return check_name(value, field)


def _message_id(said: str | None, message: Message) -> str | None:
    found = said or (message.user_property("id") if message.user_properties else None)
    return check_name(found, "id") if found else None


def _connection(body: dict[str, JsonValue]) -> DeviceStatus:
    status = body.get("status")
    if status in ("online", "offline"):
        word: DeviceStatus = status
        return word
    if status is None:
        raise DecodeError("missing_field", "missing; it is online or offline", field="status")
    raise DecodeError("bad_value", f"expected online or offline, got {_shown(status)}", field="status")


def _units(channels: JsonValue) -> dict[str, str]:
    if channels is None:
        return {}
    if not isinstance(channels, dict):
        raise DecodeError("bad_type", f"expected an object, got {json_type(channels)}", field="channels")
    if len(channels) > MAX_VALUES:
        raise DecodeError("too_many_values", f"{len(channels)} channels; the limit is {MAX_VALUES}", field="channels")
    units = {check_name(name, "channels"): _unit(name, about) for name, about in channels.items()}
    return {name: unit for name, unit in units.items() if unit}


def _unit(name: str, about: JsonValue) -> str:
    field = f"channels.{name}"
    if not isinstance(about, dict):
        raise DecodeError("bad_type", f"expected an object, got {json_type(about)}", field=field)
    unit = about.get("unit") or ""
    if not isinstance(unit, str):
        raise DecodeError("bad_type", f"expected text, got {json_type(unit)}", field=f"{field}.unit")
    if len(unit.encode()) > MAX_UNIT_BYTES:
        problem = f"{quoted(unit, 20)} is too long; the limit is {MAX_UNIT_BYTES} bytes"
        raise DecodeError("name_too_long", problem, field=f"{field}.unit")
    return check_name(unit, f"{field}.unit") if unit else ""


def _shown(value: Any) -> str:
    return quoted(value) if isinstance(value, str) else quoted(str(value))[1:-1]


CONVENTION = Entry(NAME, Rank.PREFIX, lambda _ask: Native())

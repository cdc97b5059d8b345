"""MQTT 5 properties to and from bytes, as one table.

Source: OASIS MQTT 5.0 section 2.2.2, table 2-4.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from iotlab.mqtt.packets import NO_PROPERTIES, PacketType, Properties
from iotlab.mqtt.wire_fields import PROTOCOL_ERROR, FieldReader, binary, text, uint16, uint32, varint

WILL = 0
"""Stands among the packet types for the will's own properties inside CONNECT."""

_CONNECT, _CONNACK, _PUBLISH = PacketType.CONNECT, PacketType.CONNACK, PacketType.PUBLISH
_SUBSCRIBE, _DISCONNECT, _AUTH = PacketType.SUBSCRIBE, PacketType.DISCONNECT, PacketType.AUTH
_MESSAGE = frozenset({_PUBLISH, WILL})
_ANSWERS = frozenset(
    {
        _CONNACK, PacketType.PUBACK, PacketType.PUBREC, PacketType.PUBREL, PacketType.PUBCOMP,
        PacketType.SUBACK, PacketType.UNSUBACK, _DISCONNECT, _AUTH,
    }
)  # fmt: skip
_EVERYWHERE = frozenset({WILL, *PacketType})


class _Kind(NamedTuple):
    """How one data type is written and read."""

    write: Callable[[Any], bytes]
    read: Callable[[FieldReader, str], Any]


class _Property(NamedTuple):
    """One row of the standard's table."""

    identifier: int
    field: str
    kind: _Kind
    packets: frozenset[int]


def _write_byte(value: int) -> bytes:
    return bytes((value,))


def _write_pair(pair: tuple[str, str]) -> bytes:
    return text(pair[0]) + text(pair[1])


def _read_pair(reader: FieldReader, field: str) -> tuple[str, str]:
    return reader.text(field), reader.text(field)


_BYTE = _Kind(_write_byte, FieldReader.byte)
_UINT16 = _Kind(uint16, FieldReader.uint16)
_UINT32 = _Kind(uint32, FieldReader.uint32)
_VARINT = _Kind(varint, FieldReader.varint)
_TEXT = _Kind(text, FieldReader.text)
_BINARY = _Kind(binary, FieldReader.binary)
_PAIR = _Kind(_write_pair, _read_pair)

_TABLE = (
    _Property(1, "payload_format_indicator", _BYTE, _MESSAGE),
    _Property(2, "message_expiry_interval", _UINT32, _MESSAGE),
    _Property(3, "content_type", _TEXT, _MESSAGE),
    _Property(8, "response_topic", _TEXT, _MESSAGE),
    _Property(9, "correlation_data", _BINARY, _MESSAGE),
    _Property(11, "subscription_identifiers", _VARINT, frozenset({_PUBLISH, _SUBSCRIBE})),
    _Property(17, "session_expiry_interval", _UINT32, frozenset({_CONNECT, _CONNACK, _DISCONNECT})),
    _Property(18, "assigned_client_identifier", _TEXT, frozenset({_CONNACK})),
    _Property(19, "server_keep_alive", _UINT16, frozenset({_CONNACK})),
    _Property(21, "authentication_method", _TEXT, frozenset({_CONNECT, _CONNACK, _AUTH})),
    _Property(22, "authentication_data", _BINARY, frozenset({_CONNECT, _CONNACK, _AUTH})),
    _Property(23, "request_problem_information", _BYTE, frozenset({_CONNECT})),
    _Property(24, "will_delay_interval", _UINT32, frozenset({WILL})),
    _Property(25, "request_response_information", _BYTE, frozenset({_CONNECT})),
    _Property(26, "response_information", _TEXT, frozenset({_CONNACK})),
    _Property(28, "server_reference", _TEXT, frozenset({_CONNACK, _DISCONNECT})),
    _Property(31, "reason_string", _TEXT, _ANSWERS),
    _Property(33, "receive_maximum", _UINT16, frozenset({_CONNECT, _CONNACK})),
    _Property(34, "topic_alias_maximum", _UINT16, frozenset({_CONNECT, _CONNACK})),
    _Property(35, "topic_alias", _UINT16, frozenset({_PUBLISH})),
    _Property(36, "maximum_qos", _BYTE, frozenset({_CONNACK})),
    _Property(37, "retain_available", _BYTE, frozenset({_CONNACK})),
    _Property(38, "user_properties", _PAIR, _EVERYWHERE),
    _Property(39, "maximum_packet_size", _UINT32, frozenset({_CONNECT, _CONNACK})),
    _Property(40, "wildcard_subscription_available", _BYTE, frozenset({_CONNACK})),
    _Property(41, "subscription_identifier_available", _BYTE, frozenset({_CONNACK})),
    _Property(42, "shared_subscription_available", _BYTE, frozenset({_CONNACK})),
)
_BY_IDENTIFIER = {row.identifier: row for row in _TABLE}
_REPEATABLE = frozenset({"user_properties", "subscription_identifiers"})


def encode_properties(properties: Properties, packet: int) -> bytes:
    """Return the property length and the properties.

    Args:
        properties: What to write.
        packet: The packet type, or `WILL`.

    Raises:
        ValueError: a property does not belong to that packet, or a value does not fit.
    """
    if properties is NO_PROPERTIES:
        return b"\x00"
    parts: list[bytes] = []
    for row in _TABLE:
        value = getattr(properties, row.field)
        if value is None or value == ():
            continue
        if packet not in row.packets:
            raise ValueError(f"{row.field} is no property of {_packet_name(packet)}")
        values = value if row.field in _REPEATABLE else (value,)
        parts.extend(bytes((row.identifier,)) + row.kind.write(one) for one in values)
    encoded = b"".join(parts)
    return varint(len(encoded)) + encoded


def decode_properties(reader: FieldReader, packet: int) -> Properties:
    """Return the properties at the reader's position.

    Raises:
        MalformedPacketError: an unknown, misplaced or repeated property, or one that ends early.
    """
    length = reader.varint("property length")
    if length == 0:
        return NO_PROPERTIES
    inner = FieldReader(reader.take(length, "properties"), reader.packet)
    found: dict[str, Any] = {}
    while inner.remaining():
        identifier = inner.varint("property identifier")
        row = _BY_IDENTIFIER.get(identifier)
        if row is None or packet not in row.packets:
            raise inner.fail("properties", f"property {identifier} does not belong to {_packet_name(packet)}")
        value = row.kind.read(inner, row.field)
        if row.field in _REPEATABLE:
            found.setdefault(row.field, []).append(value)
        elif row.field in found:
            raise inner.fail(row.field, "stands there twice", PROTOCOL_ERROR)
        else:
            found[row.field] = value
    for field in _REPEATABLE & found.keys():
        found[field] = tuple(found[field])
    return Properties(**found)


def _packet_name(packet: int) -> str:
    return "a will" if packet == WILL else PacketType(packet).name

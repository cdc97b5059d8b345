"""The body of each MQTT packet, from bytes to its typed value.

Source: OASIS MQTT 5.0 chapter 3; OASIS MQTT 3.1.1 chapter 3.
"""

from __future__ import annotations

from collections.abc import Callable

from iotlab.mqtt.packets import (
    MQTT_5,
    MQTT_311,
    NO_PROPERTIES,
    ConnAck,
    Connect,
    Disconnect,
    OtherPacket,
    Packet,
    PacketType,
    PingReq,
    PingResp,
    Properties,
    ProtocolLevel,
    PubAck,
    Publish,
    SubAck,
    Subscribe,
    Subscription,
    Will,
)
from iotlab.mqtt.properties import WILL, decode_properties
from iotlab.mqtt.wire_fields import (
    PROTOCOL_ERROR,
    UNSUPPORTED_PROTOCOL_VERSION,
    FieldReader,
    MalformedPacketError,
)

_MAX_QOS = 2
_FLAGS_TWO = frozenset({PacketType.PUBREL, PacketType.SUBSCRIBE, PacketType.UNSUBSCRIBE})


def decode_packet(first_byte: int, body: bytes, protocol: ProtocolLevel) -> Packet:
    """Return the packet with that first byte and that body (all after the remaining length).

    Raises:
        MalformedPacketError: naming the packet and the field.
    """
    kind, flags = first_byte >> 4, first_byte & 0x0F
    if kind == PacketType.PUBLISH:
        return decode_publish(flags, body, protocol)
    if kind == 0:
        raise MalformedPacketError("packet type 0 is reserved", field="fixed header")
    packet_type = PacketType(kind)
    expected = 2 if packet_type in _FLAGS_TWO else 0
    if flags != expected:
        raise MalformedPacketError(f"the flags are {flags}, not {expected}", field=f"{packet_type.name}.fixed header")
    decoder = _DECODERS.get(packet_type)
    if decoder is None:
        return OtherPacket(packet_type, flags, body)
    reader = FieldReader(body, packet_type.name)
    packet = decoder(reader, protocol)
    reader.end()
    return packet


def _properties(reader: FieldReader, packet: PacketType, protocol: ProtocolLevel) -> Properties:
    return decode_properties(reader, packet) if protocol == MQTT_5 else NO_PROPERTIES


def decode_publish(flags: int, body: bytes, protocol: ProtocolLevel) -> Publish:
    """Return the PUBLISH packet with those flags and that body.

    Raises:
        MalformedPacketError: naming the field.
    """
    simple = _simple_publish(flags, body, protocol)
    return simple if simple is not None else _publish(flags, body, protocol)


def _simple_publish(flags: int, body: bytes, protocol: ProtocolLevel) -> Publish | None:
    """Return the common packet at a quarter of the time: QoS 0 or 1, first sent, no properties. Else None."""
    qos = flags >> 1
    size = len(body)
    if qos > 1 or size < 2:
        return None
    topic_end = 2 + (body[0] << 8 | body[1])
    start = topic_end + 2 * qos
    if protocol == MQTT_5:
        if start >= size or body[start]:
            return None
        start += 1
    elif start > size:
        return None
    packet_id = body[topic_end] << 8 | body[topic_end + 1] if qos else 0
    raw = body[2:topic_end]
    if qos > packet_id or b"\0" in raw:
        return None
    try:
        topic = raw.decode()
    except UnicodeDecodeError:
        return None
    return Publish(topic, body[start:], qos, bool(flags & 0x01), packet_id=packet_id)


def _publish(flags: int, body: bytes, protocol: ProtocolLevel) -> Publish:
    reader = FieldReader(body, "PUBLISH")
    qos = flags >> 1 & 0x03
    dup = bool(flags & 0x08)
    if qos > _MAX_QOS:
        raise reader.fail("QoS", "is 3, which the standard forbids")
    if dup and not qos:
        raise reader.fail("DUP", "is set at QoS 0")
    topic = reader.text("topic name")
    packet_id = reader.packet_id() if qos else 0
    properties = _properties(reader, PacketType.PUBLISH, protocol)
    return Publish(topic, reader.rest(), qos, bool(flags & 0x01), dup, packet_id, properties)


def _connect(reader: FieldReader, _: ProtocolLevel) -> Connect:
    name = reader.text("protocol name")
    level = reader.byte("protocol level")
    if name != "MQTT" or level not in (MQTT_311, MQTT_5):
        raise reader.fail(
            "protocol level", f"{name!r} level {level} is neither 3.1.1 nor 5", UNSUPPORTED_PROTOCOL_VERSION
        )
    protocol: ProtocolLevel = MQTT_5 if level == MQTT_5 else MQTT_311
    flags = reader.byte("flags")
    if flags & 0x01:
        raise reader.fail("flags", "the reserved bit is set")
    keep_alive_s = reader.uint16("keep alive")
    properties = _properties(reader, PacketType.CONNECT, protocol)
    client_id = reader.text("client identifier")
    will = _will(reader, flags, protocol)
    username = reader.text("user name") if flags & 0x80 else None
    password = reader.binary("password") if flags & 0x40 else None
    return Connect(client_id, bool(flags & 0x02), keep_alive_s, will, username, password, protocol, properties)


def _will(reader: FieldReader, flags: int, protocol: ProtocolLevel) -> Will | None:
    qos, retain = flags >> 3 & 0x03, bool(flags & 0x20)
    if not flags & 0x04:
        if qos or retain:
            raise reader.fail("flags", "will QoS or will retain is set without a will")
        return None
    if qos > _MAX_QOS:
        raise reader.fail("flags", "will QoS is 3, which the standard forbids")
    properties = decode_properties(reader, WILL) if protocol == MQTT_5 else NO_PROPERTIES
    return Will(reader.text("will topic"), reader.binary("will payload"), qos, retain, properties)


def _connack(reader: FieldReader, protocol: ProtocolLevel) -> ConnAck:
    flags = reader.byte("flags")
    if flags & 0xFE:
        raise reader.fail("flags", "a reserved bit is set")
    reason_code = reader.byte("reason code")
    # A server that does not speak MQTT 5 answers with 3.1.1's CONNACK, which ends here.
    properties = _properties(reader, PacketType.CONNACK, protocol) if reader.remaining() else NO_PROPERTIES
    return ConnAck(bool(flags), reason_code, properties)


def _puback(reader: FieldReader, protocol: ProtocolLevel) -> PubAck:
    packet_id = reader.packet_id()
    if protocol == MQTT_311 or not reader.remaining():
        return PubAck(packet_id)
    reason_code = reader.byte("reason code")
    if not reader.remaining():
        return PubAck(packet_id, reason_code)
    return PubAck(packet_id, reason_code, decode_properties(reader, PacketType.PUBACK))


def _subscribe(reader: FieldReader, protocol: ProtocolLevel) -> Subscribe:
    packet_id = reader.packet_id()
    properties = _properties(reader, PacketType.SUBSCRIBE, protocol)
    subscriptions: list[Subscription] = []
    while reader.remaining():
        subscriptions.append(_subscription(reader, protocol))
    if not subscriptions:
        raise reader.fail("payload", "there is no topic filter", PROTOCOL_ERROR)
    return Subscribe(packet_id, tuple(subscriptions), properties)


def _subscription(reader: FieldReader, protocol: ProtocolLevel) -> Subscription:
    topic_filter = reader.text("topic filter")
    options = reader.byte("subscription options")
    reserved = 0xFC if protocol == MQTT_311 else 0xC0
    retain_handling = options >> 4 & 0x03
    if options & reserved or options & 0x03 > _MAX_QOS or (protocol == MQTT_5 and retain_handling > 2):
        raise reader.fail("subscription options", f"{options:#04x} is not allowed")
    return Subscription(
        topic_filter, options & 0x03, bool(options & 0x04), bool(options & 0x08), retain_handling
    )  # fmt: skip


def _suback(reader: FieldReader, protocol: ProtocolLevel) -> SubAck:
    packet_id = reader.packet_id()
    properties = _properties(reader, PacketType.SUBACK, protocol)
    return SubAck(packet_id, tuple(reader.rest()), properties)


def _pingreq(_reader: FieldReader, _protocol: ProtocolLevel) -> PingReq:
    return PingReq()


def _pingresp(_reader: FieldReader, _protocol: ProtocolLevel) -> PingResp:
    return PingResp()


def _disconnect(reader: FieldReader, protocol: ProtocolLevel) -> Disconnect:
    if protocol == MQTT_311 or not reader.remaining():
        return Disconnect()
    reason_code = reader.byte("reason code")
    if not reader.remaining():
        return Disconnect(reason_code)
    return Disconnect(reason_code, decode_properties(reader, PacketType.DISCONNECT))


_DECODERS: dict[PacketType, Callable[[FieldReader, ProtocolLevel], Packet]] = {
    PacketType.CONNECT: _connect,
    PacketType.CONNACK: _connack,
    PacketType.PUBACK: _puback,
    PacketType.SUBSCRIBE: _subscribe,
    PacketType.SUBACK: _suback,
    PacketType.PINGREQ: _pingreq,
    PacketType.PINGRESP: _pingresp,
    PacketType.DISCONNECT: _disconnect,
}

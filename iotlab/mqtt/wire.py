"""MQTT 5 and 3.1.1 packets to bytes and back. Pure: no sockets, no clocks, no threads.

``encode(packet)`` gives bytes, ``PacketReader.feed(data)`` gives packets. `encode_publish` and `frame` are for those
who send many packets, or wrong ones on purpose.

Source: OASIS MQTT 5.0 and OASIS MQTT 3.1.1.
"""

from __future__ import annotations

from iotlab.mqtt.packets import (
    MAX_REMAINING_BYTES,
    MAX_UINT16,
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
from iotlab.mqtt.properties import WILL, encode_properties
from iotlab.mqtt.wire_decode import decode_packet
from iotlab.mqtt.wire_fields import (
    MAX_VARINT_BYTES,
    PACKET_TOO_LARGE,
    MalformedPacketError,
    binary,
    text,
    uint16,
    varint,
)

__all__ = [
    "MQTT_5",
    "MQTT_311",
    "NO_PROPERTIES",
    "PINGREQ",
    "PINGRESP",
    "ConnAck",
    "Connect",
    "Disconnect",
    "MalformedPacketError",
    "OtherPacket",
    "Packet",
    "PacketReader",
    "PacketType",
    "PingReq",
    "PingResp",
    "Properties",
    "ProtocolLevel",
    "PubAck",
    "Publish",
    "SubAck",
    "Subscribe",
    "Subscription",
    "Will",
    "encode",
    "encode_puback",
    "encode_publish",
    "frame",
]

SHARE_PREFIX = "$share/"
PINGREQ = b"\xc0\x00"
PINGRESP = b"\xd0\x00"
_PUBACK_HEADER = b"\x40\x02"
_BYTE = tuple(bytes((value,)) for value in range(256))


def frame(first_byte: int, body: bytes) -> bytes:
    """Return ``body`` behind a fixed header. Nothing is checked: tests build wrong packets with it."""
    return bytes((first_byte,)) + varint(len(body)) + body


def encode_publish(
    topic: str | bytes,
    payload: bytes,
    *,
    qos: int = 0,
    packet_id: int = 0,
    retain: bool = False,
    dup: bool = False,
    protocol: ProtocolLevel = MQTT_5,
    properties: Properties = NO_PROPERTIES,
) -> bytes:
    """Return one PUBLISH packet. For many packets on one topic, encode the topic once and pass bytes.

    Args:
        topic: The topic name; bytes are taken as they are, valid UTF-8 or not.
        payload: The application message.
        qos: 0, 1 or 2.
        packet_id: 1 to 65,535 at QoS 1 and 2; ignored at QoS 0.
        protocol: Level 4 leaves the properties out.

    Raises:
        ValueError: the topic or the packet is too long, or the packet identifier does not fit.
    """
    name = topic.encode() if isinstance(topic, str) else topic
    length = len(name)
    if length > MAX_UINT16:
        raise ValueError(f"the topic name has {length} bytes, more than {MAX_UINT16}")
    first = 0x30 | qos << 1
    if retain:
        first |= 0x01
    if dup:
        first |= 0x08
    middle = b""
    if qos:
        if not 0 < packet_id <= MAX_UINT16:
            raise ValueError(f"packet identifier {packet_id} is not between 1 and {MAX_UINT16}")
        middle = packet_id.to_bytes(2, "big")
    if protocol == MQTT_5:
        middle += b"\x00" if properties is NO_PROPERTIES else encode_properties(properties, PacketType.PUBLISH)
    size = 2 + length + len(middle) + len(payload)
    return b"".join((_BYTE[first], varint(size), length.to_bytes(2, "big"), name, middle, payload))


def encode_puback(packet_id: int) -> bytes:
    """Return a PUBACK that says success; it is the same four bytes in MQTT 5 and 3.1.1."""
    return _PUBACK_HEADER + uint16(packet_id)


def encode(packet: Packet, protocol: ProtocolLevel = MQTT_5) -> bytes:
    """Return any packet as bytes. CONNECT carries its own protocol level, and ``protocol`` is ignored for it.

    Raises:
        ValueError: a value does not fit into its field, or a property does not belong to that packet.
    """
    match packet:
        case Publish():
            return encode_publish(
                packet.topic,
                packet.payload,
                qos=packet.qos,
                packet_id=packet.packet_id,
                retain=packet.retain,
                dup=packet.dup,
                protocol=protocol,
                properties=packet.properties,
            )
        case PubAck():
            return _encode_puback(packet, protocol)
        case PingReq():
            return PINGREQ
        case PingResp():
            return PINGRESP
        case Connect():
            return _encode_connect(packet)
        case ConnAck():
            body = bytes((packet.session_present, packet.reason_code))
            return frame(0x20, body + _properties(packet.properties, PacketType.CONNACK, protocol))
        case Subscribe():
            return _encode_subscribe(packet, protocol)
        case SubAck():
            middle = _properties(packet.properties, PacketType.SUBACK, protocol)
            return frame(0x90, uint16(packet.packet_id) + middle + bytes(packet.reason_codes))
        case Disconnect():
            return _encode_disconnect(packet, protocol)
        case OtherPacket():
            return frame(packet.kind << 4 | packet.flags, packet.body)


def _properties(properties: Properties, packet: int, protocol: ProtocolLevel) -> bytes:
    return encode_properties(properties, packet) if protocol == MQTT_5 else b""


def _encode_puback(packet: PubAck, protocol: ProtocolLevel) -> bytes:
    if protocol == MQTT_311 or (packet.reason_code == 0 and packet.properties == NO_PROPERTIES):
        return encode_puback(packet.packet_id)
    properties = encode_properties(packet.properties, PacketType.PUBACK)
    return frame(0x40, uint16(packet.packet_id) + bytes((packet.reason_code,)) + properties)


def _encode_disconnect(packet: Disconnect, protocol: ProtocolLevel) -> bytes:
    if protocol == MQTT_311 or (packet.reason_code == 0 and packet.properties == NO_PROPERTIES):
        return frame(0xE0, b"")
    return frame(0xE0, bytes((packet.reason_code,)) + encode_properties(packet.properties, PacketType.DISCONNECT))


def _encode_connect(packet: Connect) -> bytes:
    will = packet.will
    flags = packet.clean_start << 1
    if will is not None:
        flags |= 0x04 | will.qos << 3 | will.retain << 5
    if packet.password is not None:
        flags |= 0x40
    if packet.username is not None:
        flags |= 0x80
    parts = [text("MQTT"), bytes((packet.protocol, flags)), uint16(packet.keep_alive_s)]
    parts.append(_properties(packet.properties, PacketType.CONNECT, packet.protocol))
    parts.append(text(packet.client_id))
    if will is not None:
        parts.append(_properties(will.properties, WILL, packet.protocol))
        parts += [text(will.topic), binary(will.payload)]
    if packet.username is not None:
        parts.append(text(packet.username))
    if packet.password is not None:
        parts.append(binary(packet.password))
    return frame(0x10, b"".join(parts))


def subscription_options(subscription: Subscription, protocol: ProtocolLevel) -> int:
    """Return the options byte that stands behind a topic filter in SUBSCRIBE."""
    if protocol == MQTT_311:
        return subscription.qos
    no_local = subscription.no_local and not subscription.topic_filter.startswith(SHARE_PREFIX)
    return (
        subscription.qos
        | no_local << 2
        | subscription.retain_as_published << 3
        | subscription.retain_handling << 4
    )  # fmt: skip


def _encode_subscribe(packet: Subscribe, protocol: ProtocolLevel) -> bytes:
    parts = [uint16(packet.packet_id), _properties(packet.properties, PacketType.SUBSCRIBE, protocol)]
    for subscription in packet.subscriptions:
        parts += [text(subscription.topic_filter), bytes((subscription_options(subscription, protocol),))]
    return frame(0x82, b"".join(parts))


class PacketReader:
    """Cuts a byte stream into packets.

    Args:
        protocol: What the connection speaks; a CONNECT that is read sets it.
        max_packet_bytes: A longer packet, its fixed header included, is refused before it is collected.
    """

    __slots__ = ("_buffer", "max_packet_bytes", "protocol")

    def __init__(self, protocol: ProtocolLevel = MQTT_5, *, max_packet_bytes: int = MAX_REMAINING_BYTES + 5) -> None:
        self.protocol = protocol
        self.max_packet_bytes = max_packet_bytes
        self._buffer = bytearray()

    @property
    def pending_bytes(self) -> int:
        """Return how many bytes of an unfinished packet are kept."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[Packet]:
        """Return the packets that are complete now, oldest first; keep the rest for the next call.

        Raises:
            MalformedPacketError: the stream is broken from here on; close the connection. Packets of the same call
                that stood before the broken one are lost with it.
        """
        buffer = self._buffer
        buffer += data
        packets: list[Packet] = []
        start = 0
        while (bounds := self._bounds(start)) is not None:
            body_start, end = bounds
            packet = decode_packet(buffer[start], bytes(buffer[body_start:end]), self.protocol)
            if isinstance(packet, Connect):
                self.protocol = packet.protocol
            packets.append(packet)
            start = end
        if start:
            del buffer[:start]
        return packets

    def _bounds(self, start: int) -> tuple[int, int] | None:
        """Return where the body of the packet at ``start`` begins and ends, or None while it is incomplete."""
        buffer = self._buffer
        available = len(buffer)
        length = 0
        for index in range(MAX_VARINT_BYTES):
            position = start + 1 + index
            if position >= available:
                return None
            byte = buffer[position]
            length |= (byte & 0x7F) << (7 * index)
            if byte < 0x80:
                return self._checked(start, position + 1, length, available)
        raise MalformedPacketError("has more than four bytes", field="remaining length")

    def _checked(self, start: int, body_start: int, length: int, available: int) -> tuple[int, int] | None:
        end = body_start + length
        if end - start > self.max_packet_bytes:
            raise MalformedPacketError(
                f"has {end - start} bytes, more than the limit of {self.max_packet_bytes}",
                reason_code=PACKET_TOO_LARGE,
            )
        return (body_start, end) if end <= available else None

"""A PUBLISH packet's bytes become a `Message`, or a `BadPacket` that can still be acknowledged."""

from __future__ import annotations

from iotlab.errors import DecodeError
from iotlab.mqtt.message import Message
from iotlab.mqtt.options import BadPacket
from iotlab.mqtt.packets import MQTT_5, NO_PROPERTIES, PacketType, ProtocolLevel
from iotlab.mqtt.properties import decode_properties
from iotlab.mqtt.topic import BAD_TOPIC, decode_topic_name
from iotlab.mqtt.wire_decode import decode_publish
from iotlab.mqtt.wire_fields import FieldReader, MalformedPacketError

_TOPIC_FIELD = "PUBLISH.topic name"


def to_message(flags: int, body: bytes, protocol: ProtocolLevel, received_at_us: int, epoch: int) -> Message:
    """Return the message in a PUBLISH packet.

    Args:
        flags: The lower four bits of the packet's first byte.
        body: What follows the remaining length.

    Raises:
        DecodeError: ``bad_topic`` for its topic name, ``malformed_packet`` for anything else.
    """
    try:
        packet = decode_publish(flags, body, protocol)
    except MalformedPacketError as error:
        if error.field == _TOPIC_FIELD:
            raise DecodeError(BAD_TOPIC, error.problem, field="topic name") from error
        raise
    topic = packet.topic
    if not topic or "+" in topic or "#" in topic:
        decode_topic_name(topic.encode())
    properties = packet.properties
    if properties is NO_PROPERTIES:
        return Message(
            topic,
            packet.payload,
            packet.qos,
            packet.retain,
            packet.dup,
            received_at_us,
            packet.packet_id,
            epoch,
        )
    return Message(
        topic,
        packet.payload,
        packet.qos,
        packet.retain,
        packet.dup,
        received_at_us,
        packet.packet_id,
        epoch,
        properties.user_properties,
        properties.content_type,
        properties.response_topic,
        properties.correlation_data,
    )


def to_bad_packet(
    flags: int, body: bytes, protocol: ProtocolLevel, *, error: DecodeError, received_at_us: int, epoch: int
) -> BadPacket | None:
    """Return what can be saved of a packet that `to_message` refused with ``error``.

    None when it ends before its packet identifier: then it can't be acknowledged, and the connection must end.
    """
    reader = FieldReader(body, "PUBLISH")
    qos = flags >> 1 & 0x03
    try:
        topic = reader.binary("topic name")
        mid = reader.packet_id() if qos else 0
    except MalformedPacketError:
        return None
    return BadPacket(
        topic=topic,
        payload=_payload(reader, protocol),
        reason=error.reason,
        detail=error.message,
        qos=qos,
        retain=bool(flags & 0x01),
        dup=bool(flags & 0x08),
        received_at_us=received_at_us,
        mid=mid,
        epoch=epoch,
    )


def _payload(reader: FieldReader, protocol: ProtocolLevel) -> bytes:
    """Return what follows the properties, or all that follows when they can't be read."""
    start = reader.position
    if protocol == MQTT_5:
        try:
            decode_properties(reader, PacketType.PUBLISH)
        except MalformedPacketError:
            reader.position = start
    return reader.rest()

"""Stop 1 of the journey: one PUBLISH as it arrived."""

from __future__ import annotations

import msgspec


class Message(msgspec.Struct, frozen=True, gc=False):
    """One received PUBLISH packet.

    Attributes:
        topic: The topic name.
        payload: The application message, as bytes.
        qos: 0, 1 or 2.
        retain: True when the broker sent it because of our subscription, not because it was published now.
        dup: True when the broker says that it may have sent this packet before.
        received_at_us: When the packet was read here, µs since 1970.
        mid: The packet identifier to acknowledge; 0 at QoS 0.
        epoch: The number of the network connection that it came on. An acknowledgement is sent on no other.
        user_properties: MQTT 5 user properties, in order, duplicates kept.
        content_type: MQTT 5 content type, or None.
        response_topic: MQTT 5 response topic, or None.
        correlation_data: MQTT 5 correlation data, or None.
    """

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False
    dup: bool = False
    received_at_us: int = 0
    mid: int = 0
    epoch: int = 0
    user_properties: tuple[tuple[str, str], ...] = ()
    content_type: str | None = None
    response_topic: str | None = None
    correlation_data: bytes | None = None

    def user_property(self, name: str) -> str | None:
        """Return the first user property of that name, or None."""
        for key, value in self.user_properties:
            if key == name:
                return value
        return None

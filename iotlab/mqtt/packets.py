"""MQTT control packets as typed values, in the standard's words.

Source: OASIS MQTT 5.0 chapters 2 and 3; OASIS MQTT 3.1.1 (whose packets have no properties).
"""

from __future__ import annotations

from enum import IntEnum
from typing import Literal

import msgspec

ProtocolLevel = Literal[4, 5]
"""The protocol level byte of CONNECT: 4 is MQTT 3.1.1, 5 is MQTT 5."""

MQTT_311: ProtocolLevel = 4
MQTT_5: ProtocolLevel = 5

MAX_UINT16 = 65_535
MAX_REMAINING_BYTES = 268_435_455
"""The largest remaining length that four bytes can say: 256 MB - 1."""


class PacketType(IntEnum):
    """The upper four bits of a packet's first byte."""

    CONNECT = 1
    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    PUBREC = 5
    PUBREL = 6
    PUBCOMP = 7
    SUBSCRIBE = 8
    SUBACK = 9
    UNSUBSCRIBE = 10
    UNSUBACK = 11
    PINGREQ = 12
    PINGRESP = 13
    DISCONNECT = 14
    AUTH = 15


class Properties(msgspec.Struct, frozen=True, kw_only=True):
    """The properties of one MQTT 5 packet or will; None means absent. MQTT 3.1.1 has none.

    Intervals are in seconds, sizes in bytes. `user_properties` keeps order and duplicates.

    Source: MQTT 5.0 section 2.2.2.2.
    """

    payload_format_indicator: int | None = None
    message_expiry_interval: int | None = None
    content_type: str | None = None
    response_topic: str | None = None
    correlation_data: bytes | None = None
    subscription_identifiers: tuple[int, ...] = ()
    session_expiry_interval: int | None = None
    assigned_client_identifier: str | None = None
    server_keep_alive: int | None = None
    authentication_method: str | None = None
    authentication_data: bytes | None = None
    request_problem_information: int | None = None
    will_delay_interval: int | None = None
    request_response_information: int | None = None
    response_information: str | None = None
    server_reference: str | None = None
    reason_string: str | None = None
    receive_maximum: int | None = None
    topic_alias_maximum: int | None = None
    topic_alias: int | None = None
    maximum_qos: int | None = None
    retain_available: int | None = None
    user_properties: tuple[tuple[str, str], ...] = ()
    maximum_packet_size: int | None = None
    wildcard_subscription_available: int | None = None
    subscription_identifier_available: int | None = None
    shared_subscription_available: int | None = None


NO_PROPERTIES = Properties()


class Will(msgspec.Struct, frozen=True):
    """The message that the broker publishes for us when our connection ends without DISCONNECT."""

    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = True
    properties: Properties = NO_PROPERTIES


class Subscription(msgspec.Struct, frozen=True):
    """One topic filter with its options. All but `qos` exist in MQTT 5 only and are left out for 3.1.1.

    Attributes:
        topic_filter: Such as ``lab/+/telemetry`` or ``$share/bridges/lab/#``.
        qos: The highest QoS at which the broker may send.
        no_local: Do not send back what this client published. Never set for a shared subscription: the standard
            calls that a protocol error.
        retain_as_published: Keep the retain flag as the publisher set it.
        retain_handling: 0 send retained messages now, 1 only if the subscription is new, 2 never.
    """

    topic_filter: str
    qos: int = 1
    no_local: bool = True
    retain_as_published: bool = False
    retain_handling: int = 0


class Connect(msgspec.Struct, frozen=True):
    """CONNECT. `clean_start` is 3.1.1's clean session; the password is never shown."""

    client_id: str
    clean_start: bool = True
    keep_alive_s: int = 60
    will: Will | None = None
    username: str | None = None
    password: bytes | None = None
    protocol: ProtocolLevel = MQTT_5
    properties: Properties = NO_PROPERTIES

    def __repr__(self) -> str:
        return f"Connect(client_id={self.client_id!r}, protocol={self.protocol}, clean_start={self.clean_start})"


class ConnAck(msgspec.Struct, frozen=True):
    """CONNACK. `reason_code` 0 is success; the other numbers differ between 3.1.1 (1-5) and 5 (128 and above)."""

    session_present: bool = False
    reason_code: int = 0
    properties: Properties = NO_PROPERTIES


class Publish(msgspec.Struct, frozen=True):
    """PUBLISH. `packet_id` is 0 at QoS 0 and 1 to 65,535 above."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False
    dup: bool = False
    packet_id: int = 0
    properties: Properties = NO_PROPERTIES


class PubAck(msgspec.Struct, frozen=True):
    """PUBACK. A `reason_code` of 128 or more says that the message was refused (MQTT 5 only)."""

    packet_id: int
    reason_code: int = 0
    properties: Properties = NO_PROPERTIES


class Subscribe(msgspec.Struct, frozen=True):
    """SUBSCRIBE with at least one subscription."""

    packet_id: int
    subscriptions: tuple[Subscription, ...]
    properties: Properties = NO_PROPERTIES


class SubAck(msgspec.Struct, frozen=True):
    """SUBACK: for each subscription the granted QoS, or 128 and above for a refusal."""

    packet_id: int
    reason_codes: tuple[int, ...]
    properties: Properties = NO_PROPERTIES


class PingReq(msgspec.Struct, frozen=True):
    """PINGREQ."""


class PingResp(msgspec.Struct, frozen=True):
    """PINGRESP."""


class Disconnect(msgspec.Struct, frozen=True):
    """DISCONNECT. In 3.1.1 only the client sends it, without a reason code."""

    reason_code: int = 0
    properties: Properties = NO_PROPERTIES


class OtherPacket(msgspec.Struct, frozen=True):
    """A packet of a type that this codec frames but does not take apart: QoS 2's, UNSUBSCRIBE, UNSUBACK, AUTH."""

    kind: PacketType
    flags: int
    body: bytes


Packet = Connect | ConnAck | Publish | PubAck | Subscribe | SubAck | PingReq | PingResp | Disconnect | OtherPacket

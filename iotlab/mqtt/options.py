"""What a client is told, and what it tells: options, status and counters."""

from __future__ import annotations

from typing import Literal

import msgspec

from iotlab.mqtt.packets import MAX_UINT16, Will
from iotlab.mqtt.topic import check_topic_name

ConnectionState = Literal["connecting", "connected", "disconnected", "stopped"]


class Tls(msgspec.Struct, frozen=True):
    """The files of a TLS connection, in PEM form and with the usual names.

    Attributes:
        cafile: The authorities to trust; None trusts the operating system's.
        certfile: Our own certificate, for a broker that asks for one.
        keyfile: Its private key; None when ``certfile`` contains it.
    """

    cafile: str | None = None
    certfile: str | None = None
    keyfile: str | None = None


class ClientOptions(msgspec.Struct, frozen=True):
    """How a client connects.

    Attributes:
        host, port: The broker's address.
        client_id: Names the session in the broker. Empty: a random one, whose session ends with the connection.
        username, password: Credentials, or None. The password is never shown.
        tls: Its files; None for a plain connection.
        keep_alive_s: 0 to 65,535. A dead connection is noticed within 1.5 times this; 0 switches that off.
        session_expiry_interval_s: How long the broker keeps the session, and our messages, while we are away.
        clean_start: Drop an older session at the first connect. MQTT 3.1.1 drops it after each connection, too.
        receive_maximum: How many QoS 1 and 2 messages may be unacknowledged at once, 1 to 65,535, either way.
        will: The message that the broker publishes when we vanish.
        protocol: ``auto`` asks for MQTT 5, and for 3.1.1 when the broker does not know it; or the one to use.
        connect_timeout_s: For the TCP and TLS handshakes, and again for the CONNACK.
        reconnect_cap_s: The longest pause between two attempts.
        takeover_pause_s: The shortest pause after another client has taken over our client id; it doubles.
        queue_limit: QoS 1 and 2 messages that `Client.publish` keeps; more are refused and counted.
        queue_limit_bytes: The same in bytes, once for QoS 0 and once for QoS 1 and 2.
    """

    host: str = "127.0.0.1"
    port: int = 1883
    client_id: str = ""
    username: str | None = None
    password: str | None = None
    tls: Tls | None = None
    keep_alive_s: int = 30
    session_expiry_interval_s: int = 86_400
    clean_start: bool = False
    receive_maximum: int = 1000
    will: Will | None = None
    protocol: Literal["auto", "5", "3.1.1"] = "auto"
    connect_timeout_s: float = 5.0
    reconnect_cap_s: float = 30.0
    takeover_pause_s: float = 5.0
    queue_limit: int = 10_000
    queue_limit_bytes: int = 67_108_864

    def __repr__(self) -> str:
        shown = (f"{name}={getattr(self, name)!r}" for name in self.__struct_fields__ if name != "password")
        return f"ClientOptions({', '.join(shown)})"


def check_options(options: ClientOptions) -> None:
    """Raise ValueError for an option that MQTT does not allow."""
    bounds = (
        ("port", options.port, 1, MAX_UINT16),
        ("keep_alive_s", options.keep_alive_s, 0, MAX_UINT16),
        ("session_expiry_interval_s", options.session_expiry_interval_s, 0, 2**32 - 1),
        ("receive_maximum", options.receive_maximum, 1, MAX_UINT16),
    )
    for name, value, least, most in bounds:
        if not least <= value <= most:
            raise ValueError(f"{name} is {value}, not between {least} and {most}")
    if not options.host:
        raise ValueError("host is empty")
    if options.password is not None and options.username is None:
        raise ValueError("there is a password without a username")
    if options.will is not None:
        check_topic_name(options.will.topic)


class ConnectionStatus(msgspec.Struct, frozen=True):
    """Where the connection stands now.

    Attributes:
        state: ``connecting``, ``connected``, ``disconnected`` (it will be tried again) or ``stopped``.
        reason: Why, in words for a person; empty when all is well.
        since_us: When this state was entered, µs since 1970.
        session_present: The broker still had our session at the last connect.
        reconnects: Connections made after the first one.
        protocol: What is spoken: ``5`` or ``3.1.1``.
        takeovers: How often another client has taken over our client id.
    """

    state: ConnectionState = "stopped"
    reason: str = ""
    since_us: int = 0
    session_present: bool = False
    reconnects: int = 0
    protocol: Literal["5", "3.1.1"] = "5"
    takeovers: int = 0


class Counters(msgspec.Struct):
    """What a client has done since it was made. Read it at any time; only the client writes it.

    Attributes:
        messages, bytes: Messages handed to ``on_message``, and the bytes of their payloads.
        acks: PUBACKs written to the connection that their messages came on.
        acks_too_late: Acknowledgements whose connection was gone; the broker sends those messages again.
        callback_errors: Exceptions in a callback of the user.
        bad_topic: Packets whose topic name is invalid.
        malformed: PUBLISH packets that can't be read for another reason.
        published: Messages given to the connection, or at QoS 1 and 2 acknowledged by the broker.
        publish_refused: QoS 1 and 2 messages that were refused because the queue is full or they are too large.
        publish_failed: QoS 1 and 2 messages that the broker answered with a failure.
        publish_offline: QoS 0 messages refused by `Client.publish`, as there was no connection.
        publish_congested: QoS 0 messages refused by `Client.publish`, as the connection is slower than the publisher.
        publish_lost: Messages that were taken and then lost: QoS 0 with its connection, QoS 1 and 2 at the stop.
        subscriptions_refused: Topic filters that the broker refused.
        sessions_lost: Reconnects at which the broker had forgotten our session, and so the messages for us.
        network_errors: Exceptions in the network code, each of which cost a connection.
        half_open: Connections that were given up because the broker was silent.
        thread_restarts: Deaths of the network thread, each followed by a new one.
    """

    messages: int = 0
    bytes: int = 0
    acks: int = 0
    acks_too_late: int = 0
    callback_errors: int = 0
    bad_topic: int = 0
    malformed: int = 0
    published: int = 0
    publish_refused: int = 0
    publish_failed: int = 0
    publish_offline: int = 0
    publish_congested: int = 0
    publish_lost: int = 0
    subscriptions_refused: int = 0
    sessions_lost: int = 0
    network_errors: int = 0
    half_open: int = 0
    thread_restarts: int = 0

    def losses(self) -> dict[str, int]:
        """Return the counters that name a loss, with their values."""
        names = (
            "bad_topic",
            "malformed",
            "publish_refused",
            "publish_failed",
            "publish_offline",
            "publish_congested",
            "publish_lost",
        )
        return {name: getattr(self, name) for name in names}


class BadPacket(msgspec.Struct, frozen=True, gc=False):
    """A PUBLISH that can't become a `Message`, for the dead letters.

    Attributes:
        topic: The topic name's bytes as they came.
        payload: What follows; where the packet's end can't be read, all of it.
        reason: ``bad_topic`` or ``malformed_packet``.
        detail: One sentence for a person.
        qos, retain, dup, received_at_us, mid, epoch: As in `Message`.
    """

    topic: bytes
    payload: bytes
    reason: str
    detail: str
    qos: int = 0
    retain: bool = False
    dup: bool = False
    received_at_us: int = 0
    mid: int = 0
    epoch: int = 0

"""The MQTT client: a session that survives disconnections, brokers and bugs in callbacks. The only place with paho.

paho keeps the protocol's session. The network loop is our own: paho's gives up a dead connection late, reads slowly
and lets an exception end its thread without a word.
"""

from __future__ import annotations

import logging
import secrets
import ssl
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from paho.mqtt.client import Client as PahoClient
from paho.mqtt.client import ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties as PahoProperties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from iotlab.clock import Clock
from iotlab.mqtt.attempt import Refusal
from iotlab.mqtt.delivery import Delivery, OnBadPacket, OnMessage
from iotlab.mqtt.framing import FrameSocket, open_socket
from iotlab.mqtt.message import Message
from iotlab.mqtt.network import Accepted, Network
from iotlab.mqtt.options import (
    BadPacket,
    ClientOptions,
    ConnectionState,
    ConnectionStatus,
    Counters,
    Tls,
    check_options,
)
from iotlab.mqtt.outbox import Outbox, Outgoing
from iotlab.mqtt.packets import (
    MAX_REMAINING_BYTES,
    MAX_UINT16,
    MQTT_5,
    NO_PROPERTIES,
    Properties,
    ProtocolLevel,
    Subscription,
    Will,
)
from iotlab.mqtt.status import OnState, StatusBoard
from iotlab.mqtt.tls import tls_context
from iotlab.mqtt.topic import SHARE_PREFIX, check_topic_filter, check_topic_name
from iotlab.mqtt.translate import read_properties, write_properties
from iotlab.mqtt.wire import encode_publish

__all__ = [
    "BadPacket",
    "Client",
    "ClientOptions",
    "ConnectionState",
    "ConnectionStatus",
    "Counters",
    "Subscription",
    "Tls",
    "Will",
]

logger = logging.getLogger(__name__)


class Client:
    """One MQTT session: receives, acknowledges when told to, publishes, reconnects.

    Made once, started once. All methods may be called from any thread.

    Args:
        options: How to connect.
        clock: Measures pauses and stamps messages.
        on_message: Called in the network thread with each message. It must only hand it on: while it runs, nothing
            else is received or sent. A message whose callback raises is not acknowledged.
        on_state: Called with each new status, mostly in the network thread.
        on_bad_packet: Called in the network thread with each PUBLISH that is no valid message. It returns True to
            acknowledge the packet itself, with `ack`, once it is stored; else that is done when it returns.

    Raises:
        ConfigError: a TLS file can't be used.
        ValueError: an option is outside what MQTT allows.
    """

    def __init__(
        self,
        options: ClientOptions,
        *,
        clock: Clock,
        on_message: OnMessage | None = None,
        on_state: OnState | None = None,
        on_bad_packet: OnBadPacket | None = None,
    ) -> None:
        check_options(options)
        self.options = options
        self.client_id = options.client_id or f"iotlab-{secrets.token_hex(6)}"
        self.counters = Counters()
        self._tls = tls_context(options.tls) if options.tls is not None else None
        self._outbox = Outbox(options.queue_limit, options.queue_limit_bytes, self.counters)
        self._status = StatusBoard(clock, self.counters, on_state)
        self._delivery = Delivery(clock, self.counters, self._outbox, on_message, on_bad_packet)
        self._network = Network(
            options,
            clock=clock,
            counters=self.counters,
            outbox=self._outbox,
            delivery=self._delivery,
            status=self._status,
            make_session=self._make_session,
        )

    @property
    def status(self) -> ConnectionStatus:
        """Return where the connection stands now."""
        return self._status.present

    def start(self) -> None:
        """Begin to connect, and return at once. Raises RuntimeError when it runs already."""
        self._network.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Send what is queued, say DISCONNECT, and end. The will is not published.

        Args:
            timeout_s: What is still queued after that long is counted as lost.
        """
        if not self._network.stop(timeout_s):
            logger.error("the network thread hangs, probably in a callback; it is left behind")
        self._outbox.abandon()
        self._status.set(state="stopped", reason="")

    def subscribe(self, *subscriptions: Subscription) -> None:
        """Subscribe now, or as soon as there is a connection, and again after each reconnect.

        Raises:
            ValueError: a topic filter is invalid.
        """
        for subscription in subscriptions:
            check_topic_filter(subscription.topic_filter)
        self._network.subscribe(subscriptions)

    def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        qos: int = 0,
        retain: bool = False,
        user_properties: Sequence[tuple[str, str]] = (),
        content_type: str | None = None,
        response_topic: str | None = None,
        correlation_data: bytes | None = None,
    ) -> bool:
        """Publish a message. Everything after ``retain`` is left out when the broker speaks MQTT 3.1.1.

        At QoS 0 it goes to the present connection; at QoS 1 and 2 it is kept until the broker has acknowledged it.

        Returns:
            False when it was refused, which is counted: no connection at QoS 0, a full queue at any QoS.

        Raises:
            ValueError: the topic name is invalid, or a field is too long for a packet.
        """
        check_topic_name(topic)
        properties = NO_PROPERTIES
        if user_properties or content_type is not None or response_topic is not None or correlation_data is not None:
            properties = Properties(
                user_properties=tuple(user_properties),
                content_type=content_type,
                response_topic=response_topic,
                correlation_data=correlation_data,
            )
        protocol = self._outbox.protocol
        packet = encode_publish(
            topic, payload, qos=qos, packet_id=1, retain=retain, protocol=protocol, properties=properties
        )
        if qos == 0:
            taken = self._outbox.publish_now(packet, protocol)
        else:
            taken = self._outbox.publish_later(Outgoing(topic, payload, qos, retain, len(packet), properties))
        self._network.wake()
        return taken

    def ack(self, message: Message | BadPacket) -> bool:
        """Acknowledge a message on the connection that it came on.

        Returns:
            False when that connection is gone: the broker will send the message again. At QoS 0 always True.
        """
        return self.ack_all((message,)) == 1

    def ack_all(self, messages: Iterable[Message | BadPacket]) -> int:
        """Acknowledge many messages, in this order and in one write; return how many were not too late."""
        done = self._outbox.acknowledge(messages)
        self._network.wake()
        return done

    def _make_session(self, level: ProtocolLevel) -> PahoSession:
        return PahoSession(
            level,
            self.client_id,
            self.options,
            tls=self._tls,
            network=self._network,
            delivery=self._delivery,
            counters=self.counters,
        )


class _Paho(PahoClient):
    """paho's client on a socket of ours."""

    connect_socket: Callable[[], FrameSocket]

    def _create_socket(self) -> FrameSocket:
        # paho has no public way to set a socket up, and leaves a failed TLS handshake's socket open.
        # A test makes sure that this method is called.
        return self.connect_socket()


class PahoSession:
    """A `Session` kept by paho. Only the network thread uses it; paho's own thread is never started."""

    def __init__(
        self,
        level: ProtocolLevel,
        client_id: str,
        options: ClientOptions,
        *,
        tls: ssl.SSLContext | None,
        network: Network,
        delivery: Delivery,
        counters: Counters,
    ) -> None:
        self._options = options
        self._network = network
        self._delivery = delivery
        self._counters = counters
        self._level = level
        self._in_flight: dict[int, Outgoing] = {}
        self._asked: dict[int, Sequence[Subscription]] = {}
        v5 = level == MQTT_5
        self._paho = paho = _Paho(
            CallbackAPIVersion.VERSION2,
            client_id,
            clean_session=None if v5 else options.clean_start or not options.client_id,
            protocol=MQTTProtocolVersion.MQTTv5 if v5 else MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        self.loop_read, self.loop_write, self.want_write = paho.loop_read, paho.loop_write, paho.want_write
        paho.connect_socket = lambda: open_socket(options.host, options.port, options.connect_timeout_s, tls)
        paho.max_inflight_messages = options.receive_maximum
        paho.on_connect = self._on_connect
        paho.on_disconnect = self._on_disconnect
        paho.on_subscribe = self._on_subscribe
        paho.on_publish = self._on_publish
        paho.on_message = self._on_message
        # With this callback set, paho leaves all writing to `loop_write`, which only the connection's loop calls.
        paho.on_socket_register_write = _ignore
        if options.username is not None:
            paho.username_pw_set(options.username, options.password)
        if options.will is not None:
            will = options.will
            properties = _to_paho(will.properties, PacketTypes.WILLMESSAGE) if v5 else None
            paho.will_set(will.topic, will.payload, will.qos, will.retain, properties)

    def open(self, *, clean_start: bool) -> FrameSocket:
        """Connect the socket and queue CONNECT. Raises OSError."""
        options = self._options
        self._asked.clear()
        if self._level == MQTT_5:
            properties = PahoProperties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = options.session_expiry_interval_s if options.client_id else 0
            # Without it the broker may send 65,535 messages at once; with it, what we say here.
            properties.ReceiveMaximum = options.receive_maximum
            self._paho.connect(
                options.host,
                options.port,
                options.keep_alive_s,
                clean_start=clean_start or not options.client_id,
                properties=properties,
            )
        else:
            self._paho.connect(options.host, options.port, options.keep_alive_s)
        frames = self._paho.socket()
        if not isinstance(frames, FrameSocket):
            raise TypeError(f"paho has made a {type(frames).__name__} instead of our socket")
        return frames

    def subscribe(self, subscriptions: Sequence[Subscription]) -> None:
        """Send one SUBSCRIBE."""
        if self._level == MQTT_5:
            _, mid = self._paho.subscribe([(one.topic_filter, _options_of(one)) for one in subscriptions])
        else:
            _, mid = self._paho.subscribe([(one.topic_filter, one.qos) for one in subscriptions])
        if mid is not None:
            self._asked[mid] = subscriptions

    def publish(self, outgoing: Outgoing) -> bool:
        """Send a QoS 1 or 2 message, or return False when paho has no free packet identifier."""
        properties = _to_paho(outgoing.properties, PacketTypes.PUBLISH) if self._level == MQTT_5 else None
        info = self._paho.publish(outgoing.topic, outgoing.payload, outgoing.qos, outgoing.retain, properties)
        if info.rc == MQTTErrorCode.MQTT_ERR_QUEUE_SIZE:
            return False
        self._in_flight[info.mid] = outgoing
        return True

    def in_flight(self) -> int:
        """Return how many published messages the broker has not yet acknowledged."""
        return len(self._in_flight)

    def withdraw(self) -> list[Outgoing]:
        """Forget what the broker has not acknowledged, and return it, oldest first."""
        self._paho.drop_out_messages()
        unacknowledged = list(self._in_flight.values())
        self._in_flight.clear()
        return unacknowledged

    def disconnect(self) -> None:
        """Queue DISCONNECT; paho closes the socket once it is written."""
        self._paho.disconnect()

    def _on_connect(
        self,
        _client: PahoClient,
        _data: Any,
        flags: ConnectFlags,
        code: ReasonCode,
        properties: PahoProperties | None,
    ) -> None:
        if code.is_failure:
            self._network.refused(Refusal(code.value, str(code)))
            return
        self._network.accepted(
            Accepted(
                flags.session_present,
                getattr(properties, "ServerKeepAlive", self._options.keep_alive_s),
                getattr(properties, "ReceiveMaximum", MAX_UINT16),
                getattr(properties, "MaximumPacketSize", MAX_REMAINING_BYTES),
            )
        )

    def _on_disconnect(
        self, _client: PahoClient, _data: Any, flags: DisconnectFlags, code: ReasonCode, _: PahoProperties | None
    ) -> None:
        if flags.is_disconnect_packet_from_server:
            self._network.disconnected(Refusal(code.value, str(code)))

    def _on_subscribe(
        self, _client: PahoClient, _data: Any, mid: int, codes: list[ReasonCode], _: PahoProperties | None
    ) -> None:
        asked = self._asked.pop(mid, ())
        refused = [(one.topic_filter, str(code)) for one, code in zip(asked, codes, strict=False) if code.is_failure]
        self._network.subscriptions_answered(refused)

    def _on_publish(self, _client: PahoClient, _data: Any, mid: int, code: ReasonCode, _: PahoProperties) -> None:
        if self._in_flight.pop(mid, None) is None:
            return
        if code.is_failure:
            self._counters.publish_failed += 1
            logger.warning("the broker refused a message: %s", code)
        else:
            self._counters.published += 1

    def _on_message(self, _client: PahoClient, _data: Any, message: MQTTMessage) -> None:
        """Hand on a message of QoS 2; those of QoS 0 and 1 never come to paho."""
        try:
            topic = message.topic.encode()
        except UnicodeDecodeError as error:
            topic = error.object
        self._delivery.from_session(
            topic,
            bytes(message.payload),
            qos=message.qos,
            retain=message.retain,
            dup=message.dup,
            mid=message.mid,
            properties=read_properties(message.properties),
        )


def _options_of(one: Subscription) -> SubscribeOptions:
    no_local = one.no_local and not one.topic_filter.startswith(SHARE_PREFIX)
    return SubscribeOptions(one.qos, no_local, one.retain_as_published, one.retain_handling)


def _ignore(_client: PahoClient, _data: Any, _socket: Any) -> None:
    """Do nothing when paho has something to write: the connection's loop asks for it."""


def _to_paho(properties: Properties, packet_type: int) -> PahoProperties:
    paho = PahoProperties(packet_type)  # type: ignore[no-untyped-call]
    write_properties(properties, paho)
    return paho

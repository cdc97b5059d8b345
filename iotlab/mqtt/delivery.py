"""From the network thread to the user's callbacks, whose exceptions end here."""

from __future__ import annotations

import logging
from collections.abc import Callable

from iotlab.clock import Clock
from iotlab.errors import DecodeError
from iotlab.mqtt.message import Message
from iotlab.mqtt.options import BadPacket, Counters
from iotlab.mqtt.outbox import Outbox
from iotlab.mqtt.packets import MQTT_5, Properties, ProtocolLevel
from iotlab.mqtt.receive import to_bad_packet, to_message
from iotlab.mqtt.topic import BAD_TOPIC, decode_topic_name

logger = logging.getLogger(__name__)

OnMessage = Callable[[Message], None]
OnBadPacket = Callable[[BadPacket], bool | None]


class Delivery:
    """Makes messages of packets and hands them on. Only the network thread uses it."""

    def __init__(
        self,
        clock: Clock,
        counters: Counters,
        outbox: Outbox,
        on_message: OnMessage | None,
        on_bad_packet: OnBadPacket | None,
    ) -> None:
        self._now_us = clock.now_us
        self._counters = counters
        self._outbox = outbox
        self._on_message = on_message
        self._on_bad_packet = on_bad_packet
        self._epoch = 0
        self._protocol: ProtocolLevel = MQTT_5

    def open(self, epoch: int, protocol: ProtocolLevel) -> None:
        """Note what the next packets belong to."""
        self._epoch, self._protocol = epoch, protocol

    def packet(self, flags: int, body: bytes) -> None:
        """Hand on one PUBLISH packet of QoS 0 or 1.

        Raises:
            DecodeError: it is cut off before its packet identifier, so that it can't even be acknowledged.
        """
        now_us, protocol, epoch = self._now_us(), self._protocol, self._epoch
        try:
            message = to_message(flags, body, protocol, now_us, epoch)
        except DecodeError as error:
            bad = to_bad_packet(flags, body, protocol, error=error, received_at_us=now_us, epoch=epoch)
            if bad is None:
                raise
            self.bad_packet(bad)
            return
        self.message(message)

    def from_session(
        self, topic: bytes, payload: bytes, *, qos: int, retain: bool, dup: bool, mid: int, properties: Properties
    ) -> None:
        """Hand on a message that the session has put together itself, as at QoS 2."""
        now_us = self._now_us()
        try:
            name = decode_topic_name(topic)
        except DecodeError as error:
            self.bad_packet(
                BadPacket(
                    topic, payload, error.reason, error.message, qos, retain, dup, now_us, mid, self._epoch
                )
            )  # fmt: skip
            return
        self.message(
            Message(
                name,
                payload,
                qos,
                retain,
                dup,
                now_us,
                mid,
                self._epoch,
                properties.user_properties,
                properties.content_type,
                properties.response_topic,
                properties.correlation_data,
            )
        )

    def message(self, message: Message) -> None:
        """Hand on one message. If its callback fails it stays unacknowledged, and comes again at the next connect."""
        counters = self._counters
        counters.messages += 1
        counters.bytes += len(message.payload)
        if self._on_message is None:
            return
        try:
            self._on_message(message)
        except Exception:
            counters.callback_errors += 1
            logger.exception("the callback for messages failed on one of %d bytes", len(message.payload))

    def bad_packet(self, packet: BadPacket) -> None:
        """Count a packet that is no message, hand it on, and acknowledge it unless the callback takes that over."""
        if packet.reason == BAD_TOPIC:
            self._counters.bad_topic += 1
        else:
            self._counters.malformed += 1
        logger.warning("a packet with the topic %r can't be delivered: %s", packet.topic[:80], packet.detail)
        taken = False
        if self._on_bad_packet is not None:
            try:
                taken = bool(self._on_bad_packet(packet))
            except Exception:
                self._counters.callback_errors += 1
                logger.exception("the callback for bad packets failed")
                return
        if not taken:
            self._outbox.acknowledge((packet,))

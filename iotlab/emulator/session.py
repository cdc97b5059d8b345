"""One network connection to a broker, from CONNECT to its end. It is never used again after that."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Callable, Sequence
from typing import cast

import msgspec

from iotlab.emulator.speaker import Publication, Speaker
from iotlab.mqtt import wire
from iotlab.mqtt.packets import MAX_UINT16

FAILURE = 0x80
"""Reason codes from here on say that something was refused."""

TAKEN_OVER = 0x8E
UNSUPPORTED_VERSION = frozenset({0x01, 0x84})
"""3.1.1's and MQTT 5's ways to refuse a protocol level."""


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Where the broker is and how to talk to it.

    Attributes:
        tls: A ready context, or None for plain TCP.
        keep_alive_s: The longest silence.
        window: QoS 1 messages in flight at most; the broker's receive maximum may lower it.
    """

    host: str = "127.0.0.1"
    port: int = 1883
    username: str | None = None
    password: str | None = None
    tls: ssl.SSLContext | None = None
    keep_alive_s: int = 30
    window: int = 20

    def __repr__(self) -> str:
        return f"Endpoint({self.host}:{self.port}, tls={self.tls is not None})"


class Tally(msgspec.Struct):
    """What a fleet's connections have done, added up.

    Attributes:
        published: PUBLISH packets written, repeats and status messages included.
        acknowledged: PUBACK packets read.
        refused: PUBACK packets that said no.
        connects: Connections that the broker accepted.
        takeovers: Connections that another client with our client id ended.
        subscriptions_refused: Topic filters that the broker did not grant.
        unrouted: Messages that arrived for no device of ours.
    """

    published: int = 0
    acknowledged: int = 0
    refused: int = 0
    connects: int = 0
    takeovers: int = 0
    subscriptions_refused: int = 0
    unrouted: int = 0


class Refused(ConnectionError):  # noqa: N818  it stands beside ConnectionRefusedError
    """The broker answered CONNECT with a reason code that is no success."""

    def __init__(self, reason_code: int) -> None:
        super().__init__(f"the broker refused the connection with reason code {reason_code:#04x}")
        self.reason_code = reason_code


class Unanswered(ConnectionError):  # noqa: N818  it stands beside ConnectionRefusedError
    """The connection ended before the broker answered CONNECT: it may not speak this version of MQTT."""


class Session(asyncio.Protocol):
    """An MQTT connection that carries one speaker or many.

    Args:
        endpoint: The broker.
        client_id: Unique at the broker.
        protocol: 5, or 4 for MQTT 3.1.1.
        speakers: Whom it carries.
        filters: What it subscribes to.
        route: Topic → the speaker that a message is for, or None.
        tally: Where its work is counted.
        now_s: The monotonic clock.
        on_end: Called once with this session and the reason when an established connection is gone.

    Attributes:
        established: Done when the broker has accepted the connection; else it has the reason as its exception.
        ended: Done when the connection is gone.
        taken_over: Whether another client with our client id ended it.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        client_id: str,
        protocol: wire.ProtocolLevel,
        speakers: Sequence[Speaker],
        filters: Sequence[str],
        route: Callable[[str], Speaker | None],
        tally: Tally,
        now_s: Callable[[], float],
        on_end: Callable[[Session, str], None],
    ) -> None:
        loop = asyncio.get_running_loop()
        self.established: asyncio.Future[None] = loop.create_future()
        self.ended: asyncio.Future[None] = loop.create_future()
        self.taken_over = False
        self._endpoint = endpoint
        self._client_id = client_id
        self._protocol = protocol
        self._speakers = speakers
        self._filters = filters
        self._route = route
        self._tally = tally
        self._now_s = now_s
        self._on_end = on_end
        self._reader = wire.PacketReader(protocol)
        self._transport: asyncio.Transport | None = None
        self._up = False
        self._paused = False
        self._reason = "the connection was lost"
        self._window = endpoint.window
        self._keep_alive_s = float(endpoint.keep_alive_s)
        self._in_flight: dict[int, tuple[Speaker, int]] = {}
        self._packet_id = 0
        self._ready: deque[Speaker] = deque()
        self._is_ready: set[str] = set()
        self._read_s = self._written_s = now_s()

    @property
    def up(self) -> bool:
        """Return whether the broker has accepted the connection and it still stands."""
        return self._up

    @property
    def idle(self) -> bool:
        """Return whether nothing waits to be written or to be acknowledged by the broker."""
        return not self._ready and not self._in_flight

    # --- asyncio's side -------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._write(wire.encode(self._connect_packet()))

    def data_received(self, data: bytes) -> None:
        self._read_s = self._now_s()
        try:
            packets = self._reader.feed(data)
        except wire.MalformedPacketError as error:
            self.abort(f"the broker sent a malformed packet: {error}")
            return
        for packet in packets:
            self._handle(packet)
        self.pump()

    def connection_lost(self, exc: Exception | None) -> None:
        reason = f"{self._reason}: {exc}" if exc else self._reason
        was_up, self._up = self._up, False
        if not self.established.done():
            self.established.set_exception(Unanswered(reason))
        if not self.ended.done():
            self.ended.set_result(None)
        if was_up:
            for speaker in self._speakers:
                speaker.disconnected()
            self._on_end(self, reason)

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        self.pump()

    # --- the owner's side -----------------------------------------------------------------------------------------

    def wake(self, speaker: Speaker) -> None:
        """Take note that ``speaker`` has something to publish, and publish what fits."""
        if speaker.id not in self._is_ready:
            self._is_ready.add(speaker.id)
            self._ready.append(speaker)
        self.pump()

    def pump(self) -> None:
        """Write what is ready, each speaker in turn, as far as the window allows."""
        if not self._up or self._paused:
            return
        packets: list[bytes] = []
        while self._ready and len(self._in_flight) < self._window:
            speaker = self._ready.popleft()
            publication = speaker.next()
            if publication is None:
                self._is_ready.discard(speaker.id)
                continue
            self._ready.append(speaker)
            packets.append(self._publish(speaker, publication))
        if packets:
            self._tally.published += len(packets)
            self._write(b"".join(packets))

    def tick(self) -> None:
        """Keep the connection alive; give it up when the broker was silent for too long. Call it every second."""
        if not self._up or not self._keep_alive_s:
            return
        now_s = self._now_s()
        if now_s - self._read_s >= self._keep_alive_s:
            self.abort(f"the broker was silent for {self._keep_alive_s:g} s")
        elif now_s - min(self._read_s, self._written_s) >= self._keep_alive_s / 2:
            self._write(wire.PINGREQ)

    def close(self) -> None:
        """Say DISCONNECT, so that the broker keeps the will to itself, and close."""
        if self._transport is not None and not self._transport.is_closing():
            if self._up:
                self._write(wire.encode(wire.Disconnect(), self._protocol))
            self._transport.close()

    def abort(self, reason: str) -> None:
        """Close at once, without DISCONNECT."""
        self._reason = reason
        if self._transport is not None:
            self._transport.abort()

    # --- packets --------------------------------------------------------------------------------------------------

    def _connect_packet(self) -> wire.Connect:
        end = self._endpoint
        # One connection has one will: a shared connection has none, and its devices say goodbye only in person.
        will = self._speakers[0].will if len(self._speakers) == 1 else None
        return wire.Connect(
            self._client_id,
            keep_alive_s=end.keep_alive_s,
            will=wire.Will(will.topic.decode(), will.payload, retain=will.retain) if will else None,
            username=end.username,
            password=end.password.encode() if end.password is not None else None,
            protocol=self._protocol,
        )

    def _handle(self, packet: wire.Packet) -> None:
        match packet:
            case wire.PubAck():
                self._acknowledged(packet)
            case wire.Publish():
                self._received(packet)
            case wire.ConnAck():
                self._answered(packet)
            case wire.SubAck():
                self._tally.subscriptions_refused += sum(code >= FAILURE for code in packet.reason_codes)
            case wire.Disconnect():
                self.taken_over = packet.reason_code == TAKEN_OVER
                self._tally.takeovers += self.taken_over
                self.abort(f"the broker ended the connection with reason code {packet.reason_code:#04x}")

    def _answered(self, packet: wire.ConnAck) -> None:
        if packet.reason_code:
            if not self.established.done():
                self.established.set_exception(Refused(packet.reason_code))
            self.abort(f"refused with reason code {packet.reason_code:#04x}")
            return
        self._up = True
        self._tally.connects += 1
        properties = packet.properties
        if properties.receive_maximum is not None:
            self._window = min(self._window, properties.receive_maximum)
        if properties.server_keep_alive is not None:
            self._keep_alive_s = float(properties.server_keep_alive)
        self._subscribe()
        for speaker in self._speakers:
            speaker.connected()
            self._is_ready.add(speaker.id)
            self._ready.append(speaker)
        if not self.established.done():
            self.established.set_result(None)

    def _subscribe(self) -> None:
        if self._filters:
            subscriptions = tuple(wire.Subscription(topic_filter, qos=1) for topic_filter in self._filters)
            self._write(wire.encode(wire.Subscribe(self._free_packet_id(), subscriptions), self._protocol))

    def _publish(self, speaker: Speaker, publication: Publication) -> bytes:
        packet_id = 0
        if publication.qos:
            packet_id = self._free_packet_id()
            self._in_flight[packet_id] = (speaker, publication.token)
        return wire.encode_publish(
            publication.topic,
            publication.payload,
            qos=publication.qos,
            packet_id=packet_id,
            retain=publication.retain,
            protocol=self._protocol,
        )

    def _free_packet_id(self) -> int:
        while True:
            self._packet_id = self._packet_id % MAX_UINT16 + 1
            if self._packet_id not in self._in_flight:
                return self._packet_id

    def _acknowledged(self, packet: wire.PubAck) -> None:
        waiting = self._in_flight.pop(packet.packet_id, None)
        if waiting is None:
            return
        self._tally.acknowledged += 1
        # A refused message waits in its outbox like one that was lost behind the broker, and is sent again later.
        self._tally.refused += packet.reason_code >= FAILURE
        speaker, token = waiting
        speaker.accepted(token)

    def _received(self, packet: wire.Publish) -> None:
        speaker = self._route(packet.topic)
        if speaker is None:
            self._tally.unrouted += 1
        else:
            speaker.received(packet.topic, packet.payload)
            self.wake(speaker)
        if packet.qos:
            self._write(wire.encode_puback(packet.packet_id))

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._written_s = self._now_s()
            self._transport.write(data)

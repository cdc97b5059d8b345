"""The other ends of a connection: a raw client, and a broker that follows a script."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

from iotlab.mqtt import wire
from iotlab.mqtt.client import Client, ConnectionState, ConnectionStatus
from iotlab.mqtt.message import Message

PATIENCE_S = 8.0
PacketT = TypeVar("PacketT")


def eventually(holds: Callable[[], bool], what: str = "", timeout_s: float = PATIENCE_S) -> None:
    """Wait until ``holds()`` is true, and fail if that takes too long."""
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, f"did not happen in {timeout_s} s: {what or holds}"
        time.sleep(0.005)


class Inbox:
    """Collects what a client delivers, in order."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def __call__(self, message: Message) -> None:
        self.messages.append(message)

    def __len__(self) -> int:
        return len(self.messages)

    @property
    def payloads(self) -> list[bytes]:
        return [message.payload for message in self.messages]

    def wait(self, count: int) -> list[Message]:
        """Return the messages as soon as there are ``count``."""
        eventually(lambda: len(self.messages) >= count, f"{count} messages; there are {len(self.messages)}")
        return self.messages


class States:
    """Collects the statuses of a client."""

    def __init__(self) -> None:
        self.all: list[ConnectionStatus] = []

    def __call__(self, status: ConnectionStatus) -> None:
        self.all.append(status)

    def count(self, state: ConnectionState) -> int:
        """Return how often that state was entered."""
        return sum(status.state == state for status in self.all)


@contextmanager
def running(client: Client, *, connected: bool = True) -> Iterator[Client]:
    """Start a client, and stop it in the end."""
    client.start()
    try:
        if connected:
            eventually(lambda: client.status.state == "connected", f"connected; {client.status}")
        yield client
    finally:
        client.stop(2.0)


class Peer:
    """A connection that sends and reads packets one by one; it may be either end."""

    def __init__(self, connected: socket.socket, protocol: wire.ProtocolLevel = wire.MQTT_5) -> None:
        self.socket = connected
        self.socket.settimeout(PATIENCE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reader = wire.PacketReader(protocol)
        self._packets: list[wire.Packet] = []

    def send(self, *packets: wire.Packet) -> None:
        self.raw(b"".join(wire.encode(packet, self.reader.protocol) for packet in packets))

    def raw(self, data: bytes) -> None:
        self.socket.sendall(data)

    def read(self) -> wire.Packet:
        """Return the next packet. Raises EOFError at the end of the connection."""
        while not self._packets:
            data = self.socket.recv(65_536)
            if not data:
                raise EOFError
            self._packets += self.reader.feed(data)
        return self._packets.pop(0)

    def expect(self, kind: type[PacketT]) -> PacketT:
        """Return the next packet of that type; others are skipped."""
        while not isinstance(packet := self.read(), kind):
            pass
        return packet

    def close(self) -> None:
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


def connect(port: int, packet: wire.Connect) -> Peer:
    """Connect to a broker and wait for its CONNACK."""
    peer = Peer(socket.create_connection(("127.0.0.1", port), PATIENCE_S), packet.protocol)
    peer.send(packet)
    assert peer.expect(wire.ConnAck).reason_code == 0
    return peer


Script = Callable[[Peer, int], None]


class ScriptedBroker:
    """Listens on loopback and runs a script for each connection, with the connection's number (0, 1, …).

    What a script raises fails the test, except that the connection ended.
    """

    def __init__(self, script: Script, protocol: wire.ProtocolLevel = wire.MQTT_5) -> None:
        self._script = script
        self._protocol = protocol
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self.connections = 0
        self.errors: list[Exception] = []
        self._peers: list[Peer] = []
        self._threads: list[threading.Thread] = []
        self._acceptor = threading.Thread(target=self._accept)
        self._acceptor.start()

    def _accept(self) -> None:
        while True:
            try:
                accepted, _ = self._server.accept()
            except OSError:
                return
            peer = Peer(accepted, self._protocol)
            thread = threading.Thread(target=self._run, args=(peer, self.connections))
            self._peers.append(peer)
            self._threads.append(thread)
            self.connections += 1
            thread.start()

    def _run(self, peer: Peer, number: int) -> None:
        try:
            self._script(peer, number)
        except (OSError, EOFError):
            pass
        except Exception as error:  # noqa: BLE001  it is raised again in the test's own thread
            self.errors.append(error)
        finally:
            peer.close()

    def close(self) -> None:
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._acceptor.join(PATIENCE_S)
        for peer in self._peers:
            peer.close()
        for thread in self._threads:
            thread.join(PATIENCE_S)
        if self.errors:
            raise self.errors[0]


@contextmanager
def scripted(script: Script, protocol: wire.ProtocolLevel = wire.MQTT_5) -> Iterator[ScriptedBroker]:
    """Run a broker that follows ``script``."""
    broker = ScriptedBroker(script, protocol)
    try:
        yield broker
    finally:
        broker.close()


def welcome(peer: Peer, properties: wire.Properties = wire.NO_PROPERTIES) -> wire.Connect:
    """Read CONNECT and accept it."""
    packet = peer.expect(wire.Connect)
    peer.send(wire.ConnAck(properties=properties))
    return packet


def serve_until_closed(peer: Peer) -> None:
    """Answer SUBSCRIBE, PUBLISH and PINGREQ until the connection ends."""
    while True:
        match peer.read():
            case wire.Subscribe(packet_id=packet_id, subscriptions=subscriptions):
                peer.send(wire.SubAck(packet_id, tuple(one.qos for one in subscriptions)))
            case wire.Publish(qos=1, packet_id=packet_id):
                peer.send(wire.PubAck(packet_id))
            case wire.PingReq():
                peer.send(wire.PingResp())
            case _:
                pass

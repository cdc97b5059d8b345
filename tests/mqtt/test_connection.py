"""The loop of one connection, between a slow socket and a session that writes, too."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from iotlab.clock import SystemClock
from iotlab.mqtt import wire
from iotlab.mqtt.connection import Connection
from iotlab.mqtt.framing import FrameSocket
from iotlab.mqtt.message import Message
from iotlab.mqtt.options import Counters
from iotlab.mqtt.outbox import Outbox
from iotlab.mqtt.waker import Waker
from tests.mqtt.peers import eventually

SLOW_BYTES = 4096


class SessionStandIn:
    """Writes packets of its own as paho does: as far as the socket takes them."""

    def __init__(self, frames: FrameSocket) -> None:
        self.frames = frames
        self.waiting = b""

    def loop_read(self) -> int:
        return 0

    def loop_write(self) -> int:
        with contextlib.suppress(BlockingIOError):
            self.waiting = self.waiting[self.frames.send(self.waiting) :]
        return 0

    def want_write(self) -> bool:
        return bool(self.waiting)


def _nobody(_flags: int, _body: bytes) -> None:
    raise AssertionError("nothing is published to us")


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A connected pair whose sender takes only a few kilobytes at once."""
    ours, theirs = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SLOW_BYTES)
    ours.settimeout(0.0)
    yield ours, theirs
    ours.close()
    theirs.close()


def test_packets_of_the_session_and_ours_never_mix_and_all_leave_without_delay(
    ends: tuple[socket.socket, socket.socket],
) -> None:
    ours, theirs = ends
    frames, counters, waker = FrameSocket(ours), Counters(), Waker()
    session = SessionStandIn(frames)
    outbox = Outbox(10, 2**30, counters)
    outbox.open(1, wire.MQTT_5)
    connection = Connection(
        session,
        frames,
        outbox=outbox,
        waker=waker,
        clock=SystemClock(),
        counters=counters,
        on_publish=_nobody,
        keep_alive_s=60,
    )
    read: list[wire.Packet] = []

    def reads() -> None:
        reader = wire.PacketReader()
        while data := theirs.recv(8192):
            read.extend(reader.feed(data))

    thread = threading.Thread(target=reads)
    thread.start()
    chance = random.Random(5)
    acks = 0
    deadline = time.monotonic() + 5
    for _ in range(150):
        session.waiting += wire.encode_publish("session", bytes(chance.randrange(6000)))
        outbox.publish_now(wire.encode_publish("own", bytes(chance.randrange(6000))), wire.MQTT_5)
        acks += outbox.acknowledge([Message("t", b"", qos=1, mid=acks + 1, epoch=1)])
        waker.wake()
        assert connection.step()
    while connection.has_unsent() or session.waiting or outbox.ready:
        assert time.monotonic() < deadline
        assert connection.step()
    eventually(lambda: sum(isinstance(packet, wire.PubAck) for packet in read) == acks)
    connection.close()
    ours.shutdown(socket.SHUT_RDWR)
    thread.join()
    waker.close()
    topics = [packet.topic for packet in read if isinstance(packet, wire.Publish)]
    assert (topics.count("session"), topics.count("own")) == (150, 150)
    assert [packet.packet_id for packet in read if isinstance(packet, wire.PubAck)] == list(range(1, acks + 1))
    assert (counters.acks, counters.published, counters.publish_lost) == (acks, 150, 0)


def test_what_a_broken_connection_did_not_take_is_counted(ends: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = ends
    frames, counters, waker = FrameSocket(ours), Counters(), Waker()
    outbox = Outbox(10, 2**30, counters)
    outbox.open(1, wire.MQTT_5)
    connection = Connection(
        SessionStandIn(frames),
        frames,
        outbox=outbox,
        waker=waker,
        clock=SystemClock(),
        counters=counters,
        on_publish=_nobody,
        keep_alive_s=0,
    )
    outbox.publish_now(wire.encode_publish("t", bytes(1_000_000)), wire.MQTT_5)
    outbox.acknowledge([Message("t", b"", qos=1, mid=1, epoch=1)])
    assert connection.step()
    theirs.close()
    while connection.step():
        pass
    assert frames.failure is not None
    connection.close()
    waker.close()
    assert (counters.publish_lost, counters.acks_too_late, counters.acks, counters.published) == (1, 1, 0, 0)

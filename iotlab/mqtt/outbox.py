"""What other threads hand to the network thread: acknowledgements and messages to publish.

Acknowledgements and QoS 0 messages belong to one network connection and are kept as ready bytes, so that hundreds of
them leave in one system call. QoS 1 and 2 messages outlive connections and are kept until the broker has room.
"""

from __future__ import annotations

import struct
import threading
from collections import deque
from collections.abc import Iterable

import msgspec

from iotlab.mqtt.message import Message
from iotlab.mqtt.options import BadPacket, Counters
from iotlab.mqtt.packets import MQTT_5, NO_PROPERTIES, Properties, ProtocolLevel

_ANSWER = struct.Struct("!HH").pack
_PUBACK_HEADER = 0x4002
_PUBCOMP_HEADER = 0x7002


class Outgoing(msgspec.Struct, frozen=True):
    """One QoS 1 or 2 message on its way out. `size_bytes` is the size of its packet."""

    topic: str
    payload: bytes
    qos: int
    retain: bool
    size_bytes: int
    properties: Properties = NO_PROPERTIES


class Batch(msgspec.Struct):
    """Bytes for one connection, and what they are for the counters. `data` shrinks as it is written."""

    data: bytes
    acks: int = 0
    publishes: int = 0


class Outbox:
    """Takes from any thread, gives to the network thread.

    Args:
        limit: QoS 1 and 2 messages to keep.
        limit_bytes: The same in bytes; once more for the bytes of one connection.
        counters: Where refusals and losses are counted.
    """

    def __init__(self, limit: int, limit_bytes: int, counters: Counters) -> None:
        self._limit = limit
        self._limit_bytes = limit_bytes
        self._counters = counters
        self._lock = threading.Lock()
        self._epoch = 0
        self._protocol: ProtocolLevel = MQTT_5
        self._open = False
        self._ready: list[bytes] = []
        self._ready_bytes = 0
        self._ready_acks = 0
        self._ready_publishes = 0
        self._queue: deque[Outgoing] = deque()
        self._queue_bytes = 0

    @property
    def protocol(self) -> ProtocolLevel:
        """The level that the present connection speaks, or the last one spoke."""
        return self._protocol

    @property
    def ready(self) -> bool:
        """Whether bytes wait for the connection."""
        return bool(self._ready)

    @property
    def queued(self) -> int:
        """How many QoS 1 and 2 messages wait."""
        return len(self._queue)

    def open(self, epoch: int, protocol: ProtocolLevel) -> None:
        """Accept acknowledgements and QoS 0 messages for the connection of that number."""
        with self._lock:
            self._epoch, self._protocol, self._open = epoch, protocol, True

    def close(self) -> None:
        """Accept none any more, and count those that never left."""
        with self._lock:
            self._open = False
            lost = self._take_ready()
        self.lose(lost)

    def lose(self, batch: Batch | None) -> None:
        """Count what a connection took with it."""
        if batch is not None:
            with self._lock:
                self._counters.acks_too_late += batch.acks
                self._counters.publish_lost += batch.publishes

    def acknowledge(self, messages: Iterable[Message | BadPacket]) -> int:
        """Queue PUBACKs (PUBCOMPs at QoS 2) in the given order; return how many are not too late.

        QoS 0 messages need none and count as done.
        """
        done = acks = late = 0
        answers: list[bytes] = []
        with self._lock:
            epoch = self._epoch if self._open else -1
            for message in messages:
                if message.qos == 0:
                    done += 1
                elif message.epoch == epoch:
                    header = _PUBACK_HEADER if message.qos == 1 else _PUBCOMP_HEADER
                    answers.append(_ANSWER(header, message.mid))
                    acks += 1
                else:
                    late += 1
            if answers:
                self._ready.append(b"".join(answers))
                self._ready_acks += acks
            self._counters.acks_too_late += late
        return done + acks

    def publish_now(self, packet: bytes, protocol: ProtocolLevel) -> bool:
        """Queue a QoS 0 packet for the present connection; return False, and count it, when that is not possible.

        Args:
            protocol: What the packet was written for.
        """
        with self._lock:
            if not self._open or protocol != self._protocol:
                self._counters.publish_offline += 1
                return False
            if self._ready_bytes + len(packet) > self._limit_bytes:
                self._counters.publish_congested += 1
                return False
            self._ready.append(packet)
            self._ready_bytes += len(packet)
            self._ready_publishes += 1
            return True

    def publish_later(self, outgoing: Outgoing) -> bool:
        """Queue a QoS 1 or 2 message; return False, and count it, when the queue is full."""
        with self._lock:
            full = len(self._queue) >= self._limit or self._queue_bytes + outgoing.size_bytes > self._limit_bytes
            if full:
                self._counters.publish_refused += 1
                return False
            self._queue.append(outgoing)
            self._queue_bytes += outgoing.size_bytes
            return True

    def next_queued(self) -> Outgoing | None:
        """Take the oldest QoS 1 or 2 message, if there is one."""
        with self._lock:
            if not self._queue:
                return None
            outgoing = self._queue.popleft()
            self._queue_bytes -= outgoing.size_bytes
            return outgoing

    def put_back(self, outgoing: Outgoing) -> None:
        """Put a message to the front again, whatever the limits say: it was accepted already."""
        with self._lock:
            self._queue.appendleft(outgoing)
            self._queue_bytes += outgoing.size_bytes

    def abandon(self) -> None:
        """Give up all QoS 1 and 2 messages, and count them as lost."""
        with self._lock:
            self._counters.publish_lost += len(self._queue)
            self._queue.clear()
            self._queue_bytes = 0

    def take(self) -> Batch | None:
        """Take all bytes that are ready for the connection, if there are any."""
        if not self._ready:
            return None
        with self._lock:
            return self._take_ready()

    def _take_ready(self) -> Batch | None:
        if not self._ready:
            return None
        batch = Batch(b"".join(self._ready), self._ready_acks, self._ready_publishes)
        self._ready = []
        self._ready_bytes = self._ready_acks = self._ready_publishes = 0
        return batch

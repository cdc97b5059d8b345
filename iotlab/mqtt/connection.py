"""The loop of one network connection, from the open socket to its end."""

from __future__ import annotations

import selectors
import ssl
from collections.abc import Callable
from typing import Protocol

from iotlab.clock import Clock
from iotlab.mqtt.framing import FrameSocket
from iotlab.mqtt.liveness import Liveness
from iotlab.mqtt.options import Counters
from iotlab.mqtt.outbox import Batch, Outbox
from iotlab.mqtt.waker import Waker
from iotlab.mqtt.wire import PINGREQ

LONGEST_WAIT_S = 0.25
_PUBLISH = 0x30
_QOS_2 = 0x04
_WOULD_BLOCK = (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Engine(Protocol):
    """The part of paho's client that moves packets. Its results are 0 for success."""

    def loop_read(self) -> int: ...

    def loop_write(self) -> int: ...

    def want_write(self) -> bool: ...


class Connection:
    """One connection: waits, reads, writes, and watches whether the broker answers.

    Only the network thread uses it.

    Args:
        engine: Handles the packets of the session.
        frames: The connected socket.
        outbox, waker: Where other threads leave work, and how they say so.
        on_publish: Called with the flags and the body of each PUBLISH packet of QoS 0 and 1.
        keep_alive_s: What was agreed with the broker; 0 means that silence is no sign of death.
    """

    def __init__(
        self,
        engine: Engine,
        frames: FrameSocket,
        *,
        outbox: Outbox,
        waker: Waker,
        clock: Clock,
        counters: Counters,
        on_publish: Callable[[int, bytes], None],
        keep_alive_s: float,
    ) -> None:
        self._engine = engine
        self._frames = frames
        self._outbox = outbox
        self._waker = waker
        self._clock = clock
        self._counters = counters
        self._on_publish = on_publish
        self._liveness = Liveness(keep_alive_s, clock.monotonic_s())
        self._batch: Batch | None = None
        self._ping_due = False
        self._writing = False
        self.problem = ""
        self._selector = selectors.DefaultSelector()
        self._selector.register(frames, selectors.EVENT_READ)
        self._selector.register(waker, selectors.EVENT_READ)

    def set_keep_alive(self, keep_alive_s: float) -> None:
        """Use the keep alive that the broker has chosen in its CONNACK."""
        self._liveness.keep_alive_s = keep_alive_s

    def has_unsent(self) -> bool:
        """Return whether anything waits to be written."""
        return self._batch is not None or self._engine.want_write()

    def step(self) -> bool:
        """Write what is ready, wait a quarter of a second at most, read; return False when the connection is over.

        `problem` then says why, if paho doesn't.
        """
        if not self._write() or (self._wait() and not self._read()):
            return False
        return self._write() and self._check_liveness()

    def close(self) -> None:
        """Stop watching the socket, which stays open, and count what it never took."""
        self._selector.close()
        self._outbox.close()
        self._outbox.lose(self._batch)
        self._batch = None

    def _wait(self) -> bool:
        """Return whether there may be something to read."""
        writing = self.has_unsent()
        if writing != self._writing:
            self._writing = writing
            self._selector.modify(
                self._frames, selectors.EVENT_READ | selectors.EVENT_WRITE if writing else selectors.EVENT_READ
            )
        keep_alive_s = self._liveness.keep_alive_s
        wait_s = min(LONGEST_WAIT_S, keep_alive_s / 8) if keep_alive_s else LONGEST_WAIT_S
        readable = False
        for key, events in self._selector.select(wait_s):
            if key.fileobj is self._waker:
                self._waker.clear()
            elif events & selectors.EVENT_READ:
                readable = True
        return readable

    def _read(self) -> bool:
        if not self._frames.fill():
            if self._frames.ended or self._frames.failure is not None:
                self._engine.loop_read()
                return False
            return True
        self._liveness.received(self._clock.monotonic_s())
        for first, body in self._frames.frames():
            if first & 0xF0 == _PUBLISH and not first & _QOS_2:
                self._on_publish(first & 0x0F, body)
            elif not self._give_to_engine(first, body):
                return False
        return True

    def _give_to_engine(self, first: int, body: bytes) -> bool:
        self._frames.offer(first, body)
        # A closed socket has the number -1: paho closes it when the packet ends the connection.
        return not self._engine.loop_read() and self._frames.fileno() >= 0

    def _write(self) -> bool:
        """Write all that is ready. paho's packets and ours never mix: what was begun is finished first."""
        while True:
            if self._batch is None and self._engine.want_write():
                if self._engine.loop_write() or self._frames.fileno() < 0:
                    return False
                self._liveness.sent(self._clock.monotonic_s())
                if self._engine.want_write():
                    return True
            self._batch = self._batch or self._next_batch()
            if self._batch is None:
                return True
            if not self._write_batch(self._batch):
                return self._frames.failure is None

    def _next_batch(self) -> Batch | None:
        batch = self._outbox.take()
        if self._ping_due:
            self._ping_due = False
            batch = batch or Batch(b"")
            batch.data += PINGREQ
        return batch

    def _write_batch(self, batch: Batch) -> bool:
        """Return True when the batch is written to its end."""
        try:
            sent = self._frames.send(batch.data)
        except _WOULD_BLOCK:
            return False
        except OSError as error:
            self._frames.failure = error
            return False
        self._liveness.sent(self._clock.monotonic_s())
        if sent < len(batch.data):
            batch.data = batch.data[sent:]
            return False
        self._counters.acks += batch.acks
        self._counters.published += batch.publishes
        self._batch = None
        return True

    def _check_liveness(self) -> bool:
        now_s = self._clock.monotonic_s()
        due = self._liveness.due(now_s)
        if due == "ping":
            self._liveness.pinged(now_s)
            self._ping_due = True
            return self._write()
        if due == "dead":
            self._counters.half_open += 1
            self.problem = f"the broker has not answered for {self._liveness.keep_alive_s:g} s"
            return False
        return True

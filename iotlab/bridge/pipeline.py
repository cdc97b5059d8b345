"""Stops 1 to 3 of the journey: receive, decode, commit, and only then acknowledge."""

from __future__ import annotations

import logging
import queue
import random
import threading
from collections.abc import Callable, Iterable
from typing import Protocol

import msgspec

from iotlab.bridge.arrival import Arrival, Numbered
from iotlab.bridge.conventions import Resolver, conventions, numbered
from iotlab.bridge.figures import Figures
from iotlab.bridge.rows import trace_item
from iotlab.bridge.stores.base import Batch, BridgeStore, Committed
from iotlab.clock import Clock
from iotlab.domain.reading import readings_of
from iotlab.errors import DecodeError, ThrottledError, UnavailableError
from iotlab.mqtt.message import Message

_log = logging.getLogger(__name__)
_RETRY_FIRST_S = 0.05
_RETRY_CAP_S = 2.0
_STOP = object()


class Sender(Protocol):
    """What the pipeline needs of the MQTT client."""

    def ack_all(self, messages: Iterable[Message]) -> int:
        """Acknowledge messages to the broker."""
        ...

    def publish(self, topic: str, payload: bytes, *, qos: int = 0) -> object:
        """Publish to devices."""
        ...


class Pipeline:
    """Takes messages from the network thread and stores them in batches on a thread of its own.

    Args:
        store: Where to commit; the lab's tables exist.
        clock: For times of decoding and committing.
        sender: The MQTT client, for acknowledgements to the broker and to devices.
        batch_size: Most messages in one commit.
        on_state: Called with the reason whenever storing stops, and with "" when it goes on.
    """

    def __init__(
        self,
        store: BridgeStore,
        *,
        clock: Clock,
        sender: Sender,
        batch_size: int = 500,
        on_state: Callable[[str], None] = lambda _reason: None,
    ) -> None:
        self._table = store
        self._clock = clock
        self._sender = sender
        self._batch_size = batch_size
        self._on_state = on_state
        self._resolver = Resolver(conventions(self._ask), clock)
        self._queue: queue.SimpleQueue[Message | Arrival | object] = queue.SimpleQueue()
        self._redelivered: set[str] = set()
        self._epoch = -1
        self._stopping = threading.Event()
        self.figures = Figures(clock)
        self._thread = threading.Thread(target=self._run, name="pipeline", daemon=True)

    @property
    def backlog(self) -> int:
        """Messages that wait. At QoS 1 it is bounded by the client's receive maximum."""
        return self._queue.qsize()

    def start(self) -> None:
        """Begin to store."""
        self._thread.start()

    def stop(self, timeout_s: float = 10.0) -> None:
        """Store what has been received, then end. What could not be stored stays unacknowledged with the broker."""
        self._stopping.set()
        self._queue.put(_STOP)
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def receive_bad(self, packet: Message, error: DecodeError) -> None:
        """Take a packet that the client could not read as a message, for the dead letters."""
        self._queue.put(Arrival(packet, error=error, decoded_at_us=packet.received_at_us))

    def receive(self, message: Message) -> None:
        """Take a message; called on the network thread, returns at once."""
        self._queue.put(message)

    def _run(self) -> None:
        going = True
        while going:
            messages, going = self._next_batch()
            if messages:
                self._store([self._arrival(entry) for entry in messages])

    def _ask(self, topic: str, payload: bytes) -> None:
        self.figures.asked += 1
        self._sender.publish(topic, payload)

    def _arrival(self, entry: Message | Arrival) -> Arrival:
        return entry if isinstance(entry, Arrival) else self._decode(entry)

    def _next_batch(self) -> tuple[list[Message | Arrival], bool]:
        messages: list[Message | Arrival] = []
        got = self._queue.get()
        while isinstance(got, Message | Arrival):
            messages.append(got)
            if len(messages) == self._batch_size:
                return messages, True
            try:
                got = self._queue.get_nowait()
            except queue.Empty:
                return messages, True
        return messages, False

    def _decode(self, message: Message) -> Arrival:
        arrival = Arrival(message)
        try:
            arrival.decoded = self._resolver.decode(message)
        except DecodeError as error:
            arrival.error = error
            identity = numbered(message)
            arrival.numbered = None if identity is None else Numbered(*identity)
        except Exception as error:  # noqa: BLE001  a poison message must not stop the others: it becomes a dead letter
            _log.exception("decoding a message on %r failed", message.topic)
            arrival.error = DecodeError("bug", f"our decoder failed: {type(error).__name__}: {error}")
        arrival.decoded_at_us = self._clock.now_us()
        return arrival

    def _store(self, arrivals: list[Arrival]) -> None:
        epoch = arrivals[-1].message.epoch
        if epoch != self._epoch:
            # After a reconnect the broker sends again what is unacknowledged: matching starts anew.
            self._epoch = epoch
            self._redelivered.clear()
        committed = self._commit_until_done(self._table.batch(arrivals, self._redelivered))
        if committed is None:
            return
        # Acknowledge after the commit: a crash between the two repeats the message, and the ledger makes the
        # repeat harmless.
        self._sender.ack_all(arrival.message for arrival in arrivals)
        for (device, boot_id), seq in committed.stored.items():
            if seq >= 0:
                payload = msgspec.json.encode({"boot_id": boot_id, "seq": seq})
                self._sender.publish(f"lab/{device}/ack", payload)
        self.figures.committed(arrivals, committed.at_us)
        self._trace(arrivals, committed.at_us)

    def _commit_until_done(self, batch: Batch) -> Committed | None:
        """Commit a batch, trying again while the table is unavailable; None when told to stop meanwhile."""
        pause_s = _RETRY_FIRST_S
        while True:
            try:
                committed = batch.commit()
            except UnavailableError as error:
                self.figures.failed_commits += 1
                self.figures.throttled_commits += isinstance(error, ThrottledError)
                if self.figures.last_error != error.message:
                    _log.warning("nothing is acknowledged until the table can be written: %s", error)
                self.figures.last_error = error.message
                self._on_state(error.message)
                if self._stopping.wait(random.uniform(0, pause_s)):  # noqa: S311  jitter
                    return None
                pause_s = min(pause_s * 2, _RETRY_CAP_S)
            else:
                if self.figures.last_error:
                    self.figures.last_error = ""
                    self._on_state("")
                return committed

    def _trace(self, arrivals: list[Arrival], at_us: int) -> None:
        """Write the stops that are known only after the commit, for messages that carry an id."""
        rows = [
            trace_item(reading.message_id, "commit", at_us, f"one transaction of {len(arrivals)} messages")
            for arrival in arrivals
            if arrival.sequence
            for reading in readings_of(arrival.decoded)
            if reading.message_id is not None
        ]
        if rows:
            self._table.trace(rows)

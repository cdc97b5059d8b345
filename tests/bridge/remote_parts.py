"""Arrivals without a broker, and transports that fail in a known way."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from iotlab.bridge.arrival import Arrival
from iotlab.bridge.conventions import Resolver, conventions
from iotlab.clock import ManualClock
from iotlab.domain import schema
from iotlab.errors import DecodeError, UnavailableError
from iotlab.mqtt.message import Message
from iotlab.table.store import Store, Transport
from iotlab.table.values import plain

NOW_US = 1_763_958_000_000_000


def arrivals(*messages: tuple[str, dict[str, Any] | bytes], dup: bool = False, at_us: int = NOW_US) -> list[Arrival]:
    """Return (topic, payload) as they come from the decoders, each received a µs after the one before."""
    resolver = Resolver(conventions(), ManualClock())
    made: list[Arrival] = []
    for number, (topic, body) in enumerate(messages):
        payload = body if isinstance(body, bytes) else json.dumps(body).encode()
        message = Message(topic, payload, qos=1, dup=dup, received_at_us=at_us + number)
        arrival = Arrival(message, decoded_at_us=at_us + number + 1)
        try:
            arrival.decoded = resolver.decode(message)
        except DecodeError as error:
            arrival.error = error
        made.append(arrival)
    return made


def numbered(device: str, seqs: Sequence[int], boot_id: str = "b1", **more: Any) -> list[tuple[str, dict[str, Any]]]:
    """Return messages of a numbered device; each value is its number."""
    return [
        (f"lab/{device}/telemetry", {"boot_id": boot_id, "seq": seq, "values": {"t": seq}} | more) for seq in seqs
    ]


def stored_seqs(store: Store) -> Counter[tuple[str, int]]:
    """Count the history by device and number."""
    rows = (plain(row) for row in store.scan_all(schema.READINGS))
    return Counter((row["device"], row["seq"]) for row in rows if "seq" in row)


def states(store: Store) -> dict[str, dict[str, Any]]:
    """Return all devices' states by name."""
    return {row["device"]: row for row in map(plain, store.scan_all(schema.DEVICES))}


def ledgers(store: Store) -> dict[str, dict[str, Any]]:
    """Return all ledgers by device; each has one boot here."""
    return {row["device"]: row for row in map(plain, store.scan_all(schema.LEDGER))}


class Failing:
    """A transport that spoils some calls of one operation.

    Args:
        inner: Where calls go.
        operation: Which are spoiled.
        spoil: Gets the number of the call from 0 and a function that executes it; returns its answer or raises.
    """

    def __init__(
        self, inner: Transport, operation: str, spoil: Callable[[int, Callable[[], dict[str, Any]]], dict[str, Any]]
    ) -> None:
        self._inner = inner
        self._operation = operation
        self._spoil = spoil
        self.calls: list[dict[str, Any]] = []

    def call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        if operation != self._operation:
            return self._inner.call(operation, request)
        self.calls.append(request)
        return self._spoil(len(self.calls) - 1, lambda: self._inner.call(operation, request))


def without_answer(*numbers: int) -> Callable[[int, Callable[[], dict[str, Any]]], dict[str, Any]]:
    """Execute every call, and lose the answer of those with these numbers."""

    def spoil(number: int, execute: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        answer = execute()
        if number in numbers:
            raise UnavailableError("the answer did not come")
        return answer

    return spoil

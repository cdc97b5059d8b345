"""The event of one invocation, as JSON.

Source: Lambda Developer Guide, "Using AWS Lambda with Amazon DynamoDB" and "Implementing stateful DynamoDB stream
processing in Lambda".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from iotlab.clock import US_PER_S, to_datetime
from iotlab.triggers.invoke import MAX_PAYLOAD_BYTES
from iotlab.triggers.mapping.record import Entry

_ENVELOPE_BYTES = 4096


class Window(msgspec.Struct, frozen=True):
    """One tumbling window of one shard.

    Attributes:
        start_us, end_us: From and until when its records were created, µs since 1970.
        state: What the function gave back last, as JSON.
    """

    start_us: int
    end_us: int
    state: bytes = b"{}"


def window_of(created_us: int, length_s: int) -> Window:
    """Return the window, without a state, that a record belongs to. Windows begin at multiples of their length."""
    length_us = length_s * US_PER_S
    start_us = created_us - created_us % length_us
    return Window(start_us, start_us + length_us)


def encode_event(entries: Sequence[Entry]) -> bytes:
    """Return the event of a batch."""
    return b'{"Records":[' + b",".join(entry.body for entry in entries) + b"]}"


def encode_window_event(
    entries: Sequence[Entry], window: Window, shard: str, arn: str, *, is_final: bool, is_early: bool
) -> bytes:
    """Return the event of a batch within a tumbling window."""
    rest: dict[str, Any] = {
        "window": {"start": _iso(window.start_us), "end": _iso(window.end_us)},
        "state": msgspec.Raw(window.state),
        "shardId": shard,
        "eventSourceARN": arn,
        "isFinalInvokeForWindow": is_final,
        "isWindowTerminatedEarly": is_early,
    }
    return encode_event(entries)[:-1] + b"," + msgspec.json.encode(rest)[1:]


def fitting_count(entries: Sequence[Entry], batch_size: int, *, beside_bytes: int = 0) -> int:
    """Return how many records, from the first on, fit one invocation: at most ``batch_size`` and 6 MB.

    Args:
        entries: At least one. The first always fits: a record has at most two images of 400 KB.
        batch_size: The mapping's.
        beside_bytes: What else the event carries, such as a window's state.
    """
    left = MAX_PAYLOAD_BYTES - _ENVELOPE_BYTES - beside_bytes
    for count, entry in enumerate(entries[:batch_size]):
        left -= len(entry.body) + 1
        if left < 0:
            return max(count, 1)
    return min(len(entries), batch_size)


def _iso(us: int) -> str:
    return to_datetime(us).strftime("%Y-%m-%dT%H:%M:%SZ")

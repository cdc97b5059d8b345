"""Stop 7 of the journey: what background threads learn crosses to the window through one bounded, counted queue."""

from __future__ import annotations

import threading
from collections import Counter, deque
from typing import Protocol

import msgspec

from iotlab.gui.models.events import Event, RawMessage

MAX_EVENTS = 60_000
MAX_RAW_MESSAGES = 40_000
MAX_RAW_BYTES = 64_000_000


class EventQueue:
    """Events on their way to the window. Putting never blocks; what does not fit is counted by kind.

    Raw messages have limits of their own, so that a busy ``#`` never drives out alarms or devices.

    Args:
        max_events: Events other than raw messages.
        max_raw_messages, max_raw_bytes: Raw messages, by number and by payload.
    """

    def __init__(
        self,
        max_events: int = MAX_EVENTS,
        max_raw_messages: int = MAX_RAW_MESSAGES,
        max_raw_bytes: int = MAX_RAW_BYTES,
    ) -> None:
        self._limits = (max_events, max_raw_messages, max_raw_bytes)
        self._lock = threading.Lock()
        self._events: deque[Event] = deque()
        self._raw = 0
        self._raw_bytes = 0
        self._drops: Counter[str] = Counter()

    def put(self, event: Event) -> bool:
        """Add one event from any thread; return False when it was refused and counted."""
        max_events, max_raw, max_bytes = self._limits
        with self._lock:
            if isinstance(event, RawMessage):
                if self._raw >= max_raw or self._raw_bytes + len(event.payload) > max_bytes:
                    self._drops["raw_messages"] += 1
                    return False
                self._raw += 1
                self._raw_bytes += len(event.payload)
            elif len(self._events) - self._raw >= max_events:
                self._drops[_kind(event)] += 1
                return False
            self._events.append(event)
            return True

    def take(self, limit: int) -> list[Event]:
        """Return up to ``limit`` events, oldest first; never blocks."""
        with self._lock:
            taken = [self._events.popleft() for _ in range(min(limit, len(self._events)))]
            for event in taken:
                if isinstance(event, RawMessage):
                    self._raw -= 1
                    self._raw_bytes -= len(event.payload)
            return taken

    def drops(self) -> dict[str, int]:
        """Return what was refused since the start, by kind."""
        with self._lock:
            return dict(self._drops)

    def __len__(self) -> int:
        return len(self._events)


def _kind(event: Event) -> str:
    return {"DeviceImage": "device_changes", "AlarmImage": "alarm_changes"}.get(type(event).__name__, "other_events")


class Applied(msgspec.Struct, frozen=True, gc=False):
    """A traced message whose record the window has shown. `at_us` is µs since 1970."""

    message_id: str
    at_us: int


class Feed(Protocol):
    """What the window is fed by. No method blocks; answers come as events."""

    queue: EventQueue

    def start(self) -> None:
        """Begin to connect and to put events."""
        ...

    def stop(self, timeout_s: float = 5.0) -> None:
        """End all threads."""
        ...

    def poll(self) -> None:
        """Do what is due on the caller's thread, once a frame; most feeds have nothing to do here."""
        ...

    def request_history(self, device: str, channel: str) -> None:
        """Ask for a channel's past; it comes as `HistoryPart` events, newest part first."""
        ...

    def acknowledge(self, alarm: str, seen_version: int) -> None:
        """Acknowledge an alarm as the person saw it; the outcome comes as `AcknowledgeDone`."""
        ...

    def trace(self, applied: Applied) -> None:
        """Write the stop ``apply`` of a traced message into the table."""
        ...

    def resync(self) -> None:
        """Read the tables whole again, because events of theirs were refused."""
        ...

    def retry(self) -> None:
        """Try the lost connection now instead of at its next turn."""
        ...

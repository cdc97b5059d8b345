"""What the notifier counts and how long deliveries take."""

from __future__ import annotations

import threading

import msgspec

from iotlab.stats import Percentiles


class ChannelStats(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of one channel since the notifier was made.

    Attributes:
        name, service: The channel.
        waiting: Notifications that are not settled yet.
        sent, failed, unknown, skipped: Notifications settled so; skipped are those outside the channel's hours.
        held: Notifications that were held back at least once, by quiet hours or for a digest.
        messages: Messages sent: fewer than ``sent`` where several notifications went as one.
        attempts, retries: Attempts made, and those that are to be repeated.
        possible_repeats: Attempts made after one that may have arrived.
        last_error: Why the last failed attempt failed; without secrets.
    """

    name: str
    service: str
    waiting: int = 0
    sent: int = 0
    failed: int = 0
    unknown: int = 0
    skipped: int = 0
    held: int = 0
    messages: int = 0
    attempts: int = 0
    retries: int = 0
    possible_repeats: int = 0
    last_error: str = ""


class NotifierStats(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of one notifier since it was made.

    Attributes:
        channels: Of each channel.
        waiting: Notifications that are not settled yet, over all channels.
        orphans: Notifications for channels that are not configured (any more); they are failed.
        conflicts: Rows that were found changed while they were worked on, and were looked at again.
        malformed: Rows that could not be read, and were left alone.
        reopened: How often the outbox had to be scanned anew instead of followed.
        errors, last_error: Steps that failed because of the table, and were repeated.
        deliver_us: From a transition to its delivery, for those sent.
    """

    channels: tuple[ChannelStats, ...]
    waiting: int
    orphans: int
    conflicts: int
    malformed: int
    reopened: int
    errors: int
    last_error: str
    deliver_us: Percentiles


class Tally:
    """A few named counters. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[str, int] = {}
        self._errors: dict[str, str] = {}

    def add(self, name: str) -> None:
        """Count one."""
        with self._lock:
            self._counts[name] = self._counts.get(name, 0) + 1

    def fail(self, name: str, error: str) -> None:
        """Count one with its reason, which replaces the one before."""
        with self._lock:
            self._counts[name] = self._counts.get(name, 0) + 1
            self._errors[name] = error

    def count(self, name: str) -> int:
        """Return how many were counted."""
        with self._lock:
            return self._counts.get(name, 0)

    def error(self, name: str) -> str:
        """Return the last reason."""
        with self._lock:
            return self._errors.get(name, "")

"""Whether the broker still answers: when to send PINGREQ, and when to give a connection up.

paho gives up after twice the keep alive. A half-open connection must be noticed within 1.5 times of it.
"""

from __future__ import annotations

from typing import Literal

Due = Literal["nothing", "ping", "dead"]

PING_AFTER = 0.5
"""Of the keep alive: this long without a byte, either way, and a PINGREQ is sent."""

DEAD_AFTER = 0.625
"""Of the keep alive: this long without a byte after a PINGREQ, and the connection is dead. The loop's two waits, an
eighth of the keep alive each at most, make 1.375 of it."""


class Liveness:
    """Keeps the times of one connection, in seconds of a monotonic clock.

    Args:
        keep_alive_s: 0 switches everything off.
        now_s: The present.
    """

    def __init__(self, keep_alive_s: float, now_s: float) -> None:
        self.keep_alive_s = keep_alive_s
        self._received_s = now_s
        self._sent_s = now_s
        self._ping_s = now_s
        self._waiting = False

    def received(self, now_s: float) -> None:
        """Note that bytes came from the broker."""
        self._received_s = now_s
        self._waiting = False

    def sent(self, now_s: float) -> None:
        """Note that bytes went to the broker."""
        self._sent_s = now_s

    def pinged(self, now_s: float) -> None:
        """Note that a PINGREQ was queued."""
        self._ping_s = self._sent_s = now_s
        self._waiting = True

    def due(self, now_s: float) -> Due:
        """Return what is to be done now. Read what has come before asking."""
        if not self.keep_alive_s:
            return "nothing"
        if self._waiting:
            return "dead" if now_s - self._ping_s >= DEAD_AFTER * self.keep_alive_s else "nothing"
        silent_since_s = min(self._received_s, self._sent_s)
        return "ping" if now_s - silent_since_s >= PING_AFTER * self.keep_alive_s else "nothing"

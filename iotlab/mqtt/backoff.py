"""How long to wait before the next attempt to connect.

Exponential with full jitter: after a broker's restart its clients must not all come back in the same moment.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import msgspec

FIRST_RETRY_S = 0.5
"""The upper bound of the first pause."""

SHORT_CONNECTION_S = 10.0
"""A connection that lasts longer was a good one, and the pauses start anew."""

SUSPICIOUS_CLOSES = 3
"""So many short connections in a row, all closed by the broker without a word, look like a fight for a client id."""

TAKEOVER_CAP_S = 60.0


class Pause(msgspec.Struct, frozen=True):
    """What to do after a connection.

    Attributes:
        seconds: How long to wait.
        takeover: Another client has, or seems to have, taken over the client id.
    """

    seconds: float
    takeover: bool = False


class Backoff:
    """Chooses the pauses between attempts.

    Args:
        cap_s: The longest ordinary pause.
        takeover_s: The shortest pause after a takeover; the next ones double, up to a minute.
        uniform: Returns a random number between two bounds.
    """

    def __init__(
        self,
        cap_s: float = 30.0,
        takeover_s: float = 5.0,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._cap_s = cap_s
        self._takeover_s = takeover_s
        self._uniform = uniform
        self._attempts = 0
        self._takeovers = 0
        self._suspicious = 0
        self._last_s = 0.0

    def after(
        self, connected_for_s: float | None, *, taken_over: bool = False, closed_silently: bool = False
    ) -> Pause:
        """Return the pause after an attempt.

        Args:
            connected_for_s: How long the connection lasted after its CONNACK; None when it never came to that.
            taken_over: The broker said that another client has taken over the session.
            closed_silently: A broker that still runs closed it without giving a reason, as MQTT 3.1.1 does for a
                takeover, and mosquitto 2.0 always.
        """
        if connected_for_s is None:
            # In a fight for a client id every attempt succeeds: this broker is down, or refuses us.
            self._suspicious = 0
        else:
            self._note_connection(connected_for_s, closed_silently=closed_silently)
        takeover = taken_over or self._suspicious >= SUSPICIOUS_CLOSES
        self._last_s = self._takeover_pause_s() if takeover else self._ordinary_pause_s()
        return Pause(self._last_s, takeover)

    def _note_connection(self, connected_for_s: float, *, closed_silently: bool) -> None:
        # Two clients that both back off still kick each other: a connection as long as the pauses proves nothing.
        if connected_for_s >= max(SHORT_CONNECTION_S, 2 * self._last_s):
            self._attempts = self._takeovers = self._suspicious = 0
        elif closed_silently:
            self._suspicious += 1
        else:
            self._suspicious = 0

    def _ordinary_pause_s(self) -> float:
        bound_s = min(self._cap_s, FIRST_RETRY_S * 2.0 ** min(self._attempts, 16))
        self._attempts += 1
        return self._uniform(0.0, bound_s)

    def _takeover_pause_s(self) -> float:
        bound_s = min(TAKEOVER_CAP_S, self._takeover_s * 2.0 ** min(self._takeovers, 16))
        self._takeovers += 1
        # Not full jitter: a pause near zero would start the fight again at once.
        return self._uniform(bound_s, 1.5 * bound_s)

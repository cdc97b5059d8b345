"""MQTT 5 or 3.1.1: what to ask the broker for next."""

from __future__ import annotations

from typing import Literal

from iotlab.mqtt.attempt import Attempt
from iotlab.mqtt.packets import MQTT_5, MQTT_311, ProtocolLevel

Wanted = Literal["auto", "5", "3.1.1"]

SILENCE_S = 2.0
"""A broker that has never spoken MQTT 5 to us must answer its CONNECT in this time: amqtt never answers it."""

PERSISTENT = 3
"""So many connections closed instead of answered make 3.1.1 worth a try; one may be a broker that just ends."""


class ProtocolChoice:
    """Asks for MQTT 5 until the broker shows that it does not know it, and then stays with 3.1.1.

    Args:
        wanted: ``auto``, or the one protocol to use.
    """

    def __init__(self, wanted: Wanted) -> None:
        self._auto = wanted == "auto"
        self._worked = False
        self._failures = 0
        self.level: ProtocolLevel = MQTT_311 if wanted == "3.1.1" else MQTT_5

    def answer_limit_s(self, connect_timeout_s: float) -> float:
        """Return how long to wait for the CONNACK."""
        hurried = self._auto and self.level == MQTT_5 and not self._worked
        return min(connect_timeout_s, SILENCE_S) if hurried else connect_timeout_s

    def accepted(self) -> None:
        """Note that the broker has accepted a connection of the present level."""
        self._failures = 0
        self._worked = self._worked or self.level == MQTT_5

    def ended(self, attempt: Attempt) -> bool:
        """Draw the consequences of an attempt; return whether to make the next one at once, with the other level."""
        if not self._auto or attempt.connected_s is not None:
            return False
        if self.level == MQTT_311:
            if attempt.silent or attempt.unanswered() or attempt.unsupported():
                self.level = MQTT_5
            return False
        self._failures += attempt.silent or attempt.unanswered()
        decided = attempt.unsupported() or (attempt.silent and not self._worked)
        if decided or self._failures >= PERSISTENT:
            self._failures = 0
            self.level = MQTT_311
        return decided

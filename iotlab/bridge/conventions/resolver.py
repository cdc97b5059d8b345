"""Stop 2 of the journey: which convention reads a message, remembered for each topic."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from iotlab.bridge.conventions.base import Convention, Route
from iotlab.bridge.conventions.json_payload import check_size
from iotlab.bridge.conventions.names import check_topic
from iotlab.bridge.conventions.sentinels import without_sentinels
from iotlab.clock import Clock
from iotlab.domain.reading import Decoded
from iotlab.errors import DecodeError
from iotlab.mqtt.message import Message

MAX_TOPICS = 10_000
"""Topics whose routes are remembered. Beyond it the oldest is forgotten, which costs time and nothing else."""


class Resolver:
    """Decodes messages with the first convention that claims them. To be used by one thread.

    Args:
        conventions: Asked in this order.
        clock: Gives the time of receipt of messages that don't bear one.
        max_topics: How many topics are remembered.
    """

    def __init__(self, conventions: Sequence[Convention], clock: Clock, *, max_topics: int = MAX_TOPICS) -> None:
        self._conventions = tuple(conventions)
        self._clock = clock
        self._max_topics = max_topics
        self._routes: dict[str, tuple[Route, ...]] = {}

    def decode(self, message: Message) -> Decoded | None:
        """Return what the message means, or None when no convention claims it.

        Raises:
            DecodeError: a convention claims it and can't read it, or no topic name may be as this one is.
        """
        routes = self._routes.get(message.topic)
        if routes is None:
            routes = self._find(message.topic)
        if not routes:
            return None
        if not all(route.is_guess for route in routes):
            check_size(message.payload)
        if not message.received_at_us:
            message = msgspec.structs.replace(message, received_at_us=self._clock.now_us())
        for route in routes:
            try:
                decoded = route.decode(message)
            finally:
                if route.teaches is not None:
                    self._forget(route.teaches())
            if decoded is not None:
                return without_sentinels(decoded)
        return None

    def sender(self, topic: str) -> tuple[str, str] | None:
        """Return the convention and the device's id as far as the topic alone tells them, for a dead letter."""
        try:
            routes = self._routes.get(topic) or self._find(topic)
        except DecodeError:
            return None
        known = (route for route in routes if not route.is_guess)
        return next(((route.convention, route.device) for route in known if route.device is not None), None)

    def _forget(self, topics: Iterable[str]) -> None:
        for topic in topics:
            self._routes.pop(topic, None)

    def _find(self, topic: str) -> tuple[Route, ...]:
        check_topic(topic)
        claims = (convention.claim(topic) for convention in self._conventions)
        routes = tuple(route for route in claims if route is not None)
        if len(self._routes) >= self._max_topics:
            del self._routes[next(iter(self._routes))]
        self._routes[topic] = routes
        return routes

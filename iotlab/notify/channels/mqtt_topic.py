"""Notifications as MQTT messages on one topic, for panels, sirens and home automation.

The channel has a connection of its own and one message in flight, so that the broker's PUBACK says of exactly that
message that the broker has it. (Not that anybody has read it: docs/delivery.md, promise 2.)
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import msgspec

from iotlab.clock import Clock
from iotlab.errors import ConfigError, Place
from iotlab.mqtt.client import Client
from iotlab.mqtt.options import ClientOptions
from iotlab.mqtt.topic import topic_name_problem
from iotlab.notify.channels.channel import SENT, Attempt, Outcome, Repeats
from iotlab.notify.channels.webhook import document

TIMEOUT_S = 8.0
_POLL_S = 0.005


class MqttChannel:
    """Publishes at QoS 1, a webhook's JSON document with an id. The key is in it, and in the user property ``key``.

    Args:
        name: The channel's own name.
        topic: The topic name.
        options: How to connect; the client id must be the channel's own.
        clock: For the client.

    Raises:
        ConfigError: the topic can't be published to.
    """

    repeats: Repeats = "keyed"

    def __init__(self, name: str, topic: str, options: ClientOptions, *, clock: Clock) -> None:
        problem = topic_name_problem(topic)
        if problem:
            raise ConfigError(Place(f"notification channel {name}", "topic"), problem, expected="such as home/alarms")
        self.name = name
        self._topic = topic
        self._options = options
        self._clock = clock
        self._client: Client | None = None
        self._given = 0
        self._closing = threading.Event()

    @property
    def service(self) -> str:
        """The topic and the broker."""
        return f"MQTT topic {self._topic} at {self._options.host}:{self._options.port}"

    def send(self, attempt: Attempt) -> Outcome:
        """Publish it. Connection and PUBACK are each waited for 8 seconds."""
        client = self._started()
        if not self._within(lambda: client.status.state == "connected"):
            return Outcome("retry", f"the broker can't be reached: {client.status.reason or 'no answer'}")
        failed = client.counters.publish_failed
        properties = [("key", attempt.key)] + ([("possible_repeat", "yes")] if attempt.possible_repeat else [])
        # The id comes back with the message should a bridge store it: rules judge nothing that tells of an alarm.
        payload = msgspec.json.encode({"id": f"alarm:{attempt.key}"} | document(attempt))
        if not client.publish(
            self._topic, payload, qos=1, user_properties=properties, content_type="application/json"
        ):
            return Outcome("retry", "the queue to the broker is full")
        self._given += 1
        if not self._within(lambda: client.counters.published + client.counters.publish_failed >= self._given):
            return Outcome("unknown", "the broker has not acknowledged it")
        return Outcome("retry", "the broker refuses it") if client.counters.publish_failed > failed else SENT

    def close(self) -> None:
        """Disconnect."""
        self._closing.set()
        if self._client is not None:
            self._client.stop()
            self._client = None

    def _started(self) -> Client:
        if self._client is None:
            self._closing.clear()
            self._given = 0
            self._client = Client(self._options, clock=self._clock)
            self._client.start()
        return self._client

    def _within(self, done: Callable[[], bool]) -> bool:
        until_s = time.monotonic() + TIMEOUT_S
        while not done():
            if time.monotonic() > until_s or self._closing.wait(_POLL_S):
                return done()
        return True

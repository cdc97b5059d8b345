"""The lab's functions and what feeds them, as `triggers.toml` in the data directory declares them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from iotlab.clock import Clock
from iotlab.config.secret import secret_from_text
from iotlab.errors import ConfigError, Place, UnavailableError
from iotlab.mqtt.topic import check_topic_name
from iotlab.table.store import Store
from iotlab.triggers.host.declared import FILE_NAME, load_functions
from iotlab.triggers.host.host import HandlerHost
from iotlab.triggers.host.stats import HandlerStats
from iotlab.triggers.mapping.file import load_mappings
from iotlab.triggers.mapping.mappings import Mappings
from iotlab.triggers.mapping.settings import MappingSettings
from iotlab.triggers.mapping.stats import MappingStats

MQTT = "mqtt:"
"""How a destination for what is given up begins; a topic name follows."""


class Sender(Protocol):
    """An MQTT client, as this module uses it."""

    def publish(self, topic: str, payload: bytes, *, qos: int) -> bool:
        """Publish, or return False when the queue is full."""
        ...


class TopicSink:
    """Publishes what is given up to a topic, with QoS 1."""

    def __init__(self, topic: str, sender: Sender) -> None:
        self._topic = topic
        self._sender = sender

    def send(self, mapping: str, document: bytes) -> None:
        """Publish one document. Raises UnavailableError when the client's queue is full."""
        if not self._sender.publish(self._topic, document, qos=1):
            raise UnavailableError(f"{mapping}: the queue to the broker is full", hint="The dead letter is kept.")


class Functions:
    """Handlers and mappings of a lab. Without declarations it does nothing and costs nothing.

    Args:
        directory: The data directory; `triggers.toml` is read at once.
        clock: Given to all parts.

    Raises:
        ConfigError: a declaration is wrong. Nothing has been started then.
    """

    def __init__(self, directory: Path, *, clock: Clock) -> None:
        file = directory / FILE_NAME
        self._directory, self._clock = directory, clock
        self._functions = load_functions(file)
        self._declared = load_mappings(file) if file.exists() else []
        names = [function.name for function in self._functions]
        for settings in self._declared:
            _check(settings, names, file)
        self._host: HandlerHost | None = None
        self._mappings: Mappings | None = None

    def start(self, store: Store, sender: Sender) -> Callable[[], None]:
        """Start handlers and mappings, and return what is to be called when the table has changed."""
        if not self._functions:
            return lambda: None
        self._host = HandlerHost(
            self._functions,
            directory=self._directory,
            clock=self._clock,
            reveal=lambda reference: reveal(reference, self._directory),
        )
        wanted = {settings.on_failure for settings in self._declared if settings.on_failure}
        sinks = {name: TopicSink(name.removeprefix(MQTT), sender) for name in wanted}
        self._mappings = Mappings(store, self._declared, self._host.handler, clock=self._clock, sinks=sinks)
        self._host.start()
        self._mappings.start()
        return self._mappings.wake

    def stop(self) -> None:
        """Stop feeding, then end the handlers' processes."""
        if self._mappings is not None:
            self._mappings.stop()
        if self._host is not None:
            self._host.stop()

    @property
    def handlers(self) -> list[HandlerStats]:
        """The figures of all handlers."""
        return self._host.stats if self._host is not None else []

    @property
    def mappings(self) -> list[MappingStats]:
        """The figures of all mappings."""
        return self._mappings.stats() if self._mappings is not None else []


def reveal(reference: str, folder: Path) -> str:
    """Return the secret of a reference; ``folder`` is where a relative path starts.

    Raises:
        ConfigError: this is no reference, or there is no such secret.
        UnavailableError: the system's keyring can't be reached now.
    """
    secret = secret_from_text(reference, folder)
    if secret is None:
        raise ConfigError(Place("secrets"), "this is no reference", expected="env:NAME, keyring:… or file:…")
    return secret.reveal()


def _check(settings: MappingSettings, handlers: list[str], file: Path) -> None:
    place = Place(str(file), f"mapping {settings.name}")
    if settings.handler not in handlers:
        known = f"one of {', '.join(handlers)}" if handlers else "a [[handler]] table with this name"
        raise ConfigError(place, f"there is no handler {settings.handler!r}", expected=known)
    if not settings.on_failure:
        return
    expected = "mqtt: and a topic, such as mqtt:lab/given-up"
    if not settings.on_failure.startswith(MQTT):
        raise ConfigError(place, f"on_failure {settings.on_failure!r} is no destination", expected=expected)
    try:
        check_topic_name(settings.on_failure.removeprefix(MQTT))
    except ValueError as error:
        raise ConfigError(place, f"on_failure: {error}", expected=expected) from error

"""What a convention is: something that knows, from a topic alone, whether and how it reads the messages there.

Routing by topic is apart from reading the payload, so that the work on the topic is done once for each topic and
then remembered (see `iotlab.bridge.conventions.resolver`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from iotlab.domain.reading import Decoded, Ignored
from iotlab.errors import DecodeError
from iotlab.mqtt.message import Message

Decode = Callable[[Message], Decoded | None]
"""Read one message of a known topic. None: by its payload it is not of this convention after all.

Raises:
    DecodeError: it is of this convention, and nobody can read it.
"""


@dataclass(frozen=True, slots=True)
class Route:
    """How the messages of one topic are read.

    Attributes:
        convention: The name of the convention.
        device: The id of the device that the topic belongs to; None where only the payload says it.
        decode: Reads one message of that topic. It keeps no state.
    """

    convention: str
    device: str | None
    decode: Decode


class Convention(Protocol):
    """One way in which devices write topics and payloads. Add one as a file with its test, and to `CONVENTIONS`."""

    @property
    def name(self) -> str:
        """The convention's name, as it is kept with each device, such as ``tasmota``."""
        ...

    def claim(self, topic: str) -> Route | None:
        """Return how messages of this topic are read, or None when the topic is not of this convention.

        The answer must depend on the topic alone: it is remembered.

        Raises:
            DecodeError: the topic is of this convention, but its device's id is refused (see `names`).
        """
        ...


def ignoring(convention: str, reason: str, device: str | None = None) -> Route:
    """Return the route of a topic that holds nothing to store, such as commands to a device."""
    ignored = Ignored(convention, reason)
    return Route(convention, device, lambda _message: ignored)


def cleared(message: Message, convention: str, *, state_topic: bool) -> Ignored | None:
    """Return what an empty payload means, or None when the payload is not empty.

    Args:
        message: The message.
        convention: The name of the convention that asks.
        state_topic: Whether devices retain their messages on this topic. An empty payload clears a retained
            message, and those who are subscribed already receive the clearing without the retain flag
            (MQTT 5, section 3.3.1.3).

    Raises:
        DecodeError: ``empty``: there is no payload where there had to be one.
    """
    if message.payload:
        return None
    if message.retain or state_topic:
        return Ignored(convention, "retained_clear")
    raise DecodeError("empty", "the message has no bytes; it must hold a value")

"""What a convention is: something that knows, from a topic alone, whether and how it reads the messages there.

Routing by topic is apart from reading the payload, so that the work on the topic is done once for each topic and
then remembered (see `iotlab.bridge.conventions.resolver`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol

from iotlab.domain.reading import Decoded, Ignored
from iotlab.errors import DecodeError
from iotlab.mqtt.message import Message

Decode = Callable[[Message], Decoded | None]
"""Read one message of a known topic. None: by its payload it is not of this convention after all.

Raises:
    DecodeError: it is of this convention, and nobody can read it.
"""


Ask = Callable[[str, bytes], None]
"""Publish a topic and payload to a device at QoS 0, as a convention must to learn what it missed. Returns at once."""


def ask_nobody(_topic: str, _payload: bytes) -> None:
    """Publish nothing: for whoever only reads."""


class Rank(IntEnum):
    """Who is asked first: the surer a convention can be that a message is its own, the lower its rank.

    PROFILE: the owner has said how this topic is read. CONTENT: the message itself names its format. PREFIX: the
    topic begins with the convention's own root. DISCOVERY: the device has published how this topic is read; asked
    after PREFIX, whose reading has everything that the device sends, where a discovered one has what was announced.
    SHAPE: the topic looks like the convention's. FLOOR_OBJECT, FLOOR_SCALAR: it can be read, no more is known.
    """

    PROFILE = 0
    CONTENT = 10
    PREFIX = 20
    DISCOVERY = 30
    SHAPE = 40
    FLOOR_OBJECT = 80
    FLOOR_SCALAR = 90

    @property
    def confidence(self) -> str:
        """How sure a reading of this rank is, as it is shown: ``certain``, ``likely`` or ``guess``."""
        if self < Rank.SHAPE:
            return "certain"
        return "likely" if self < Rank.FLOOR_OBJECT else "guess"


@dataclass(frozen=True, slots=True)
class Route:
    """How the messages of one topic are read.

    Attributes:
        convention: The name of the convention.
        device: The id of the device that the topic belongs to; None where only the payload says it.
        decode: Reads one message of that topic.
        teaches: After a message was read, the topics whose claims it has changed; None where none ever does.
        is_guess: Nobody knows whose topic it is: what can't be read there is unclaimed, and not refused.
    """

    convention: str
    device: str | None
    decode: Decode
    teaches: Callable[[], Collection[str]] | None = None
    is_guess: bool = False


class Convention(Protocol):
    """One way in which devices write topics and payloads.

    An object of it belongs to one bridge and is used by one thread. It may remember what devices have said of
    themselves, within a limit that it states.
    """

    @property
    def name(self) -> str:
        """The convention's name, as it is kept with each device, such as ``tasmota``."""
        ...

    def claim(self, topic: str) -> Route | None:
        """Return how messages of this topic are read, or None when the topic is not of this convention.

        The answer must depend on the topic, and on nothing else but what a route `teaches`: it is remembered.

        Raises:
            DecodeError: the topic is of this convention, but its device's id is refused (see `names`).
        """
        ...


@dataclass(frozen=True, slots=True)
class Entry:
    """How a module of this package enters its convention: as its ``CONVENTION``.

    Attributes:
        name: The convention's name.
        rank: When it is asked.
        make: Makes one, given how to publish to devices.
        before: Names of conventions of the same rank that must be asked after it.
    """

    name: str
    rank: Rank
    make: Callable[[Ask], Convention]
    before: frozenset[str] = frozenset()


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

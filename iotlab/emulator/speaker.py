"""What a connection carries: anything that has something to publish."""

from __future__ import annotations

from typing import Protocol

import msgspec


class Publication(msgspec.Struct, frozen=True, gc=False):
    """One message to publish.

    Attributes:
        topic: The topic name, encoded.
        payload: The application message.
        qos: 0 or 1.
        retain: Whether the broker keeps it for later subscribers.
        token: What the speaker needs to recognise its acknowledgement; -1 when it needs none.
    """

    topic: bytes
    payload: bytes
    qos: int = 1
    retain: bool = False
    token: int = -1


class Speaker(Protocol):
    """A device, as its connection sees it."""

    @property
    def id(self) -> str:
        """Return the device's id."""
        ...

    @property
    def will(self) -> Publication:
        """Return what the broker publishes when the connection is lost."""
        ...

    @property
    def filters(self) -> tuple[str, ...]:
        """Return the topic filters that the device listens to."""
        ...

    def connected(self) -> None:
        """A new connection is up: say who we are, then begin with the oldest that is not acknowledged."""
        ...

    def disconnected(self) -> None:
        """The connection is gone."""
        ...

    def leave(self) -> None:
        """Say goodbye as the last message."""
        ...

    def next(self) -> Publication | None:
        """Return what to publish now, or None."""
        ...

    def accepted(self, token: int) -> None:
        """The broker acknowledged the publication with that token."""
        ...

    def received(self, topic: str, payload: bytes) -> None:
        """A message arrived on one of the filters."""
        ...

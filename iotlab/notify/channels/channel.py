"""What the notifier needs of a channel."""

from __future__ import annotations

from typing import Literal, Protocol, runtime_checkable

import msgspec

from iotlab.domain.notification import Notification

Repeats = Literal["impossible", "keyed", "visible"]


class Outcome(msgspec.Struct, frozen=True):
    """What came of one attempt.

    Attributes:
        status: ``sent``: the other side has taken it. ``retry``: it has not, and may take it later. ``refused``: it
            has not and will not. ``unknown``: nobody can tell whether it has.
        error: Why, for a person; without secrets. Empty when sent.
    """

    status: Literal["sent", "retry", "refused", "unknown"]
    error: str = ""


SENT = Outcome("sent")


class Attempt(msgspec.Struct, frozen=True):
    """One attempt to deliver one message.

    Attributes:
        notification: What it is about; of several, the gravest.
        body: Its text for this attempt.
        possible_repeat: True when an earlier attempt may have arrived.
        title: Its title; empty is the notification's own.
        group: The stable key of a message about several notifications; empty for one about one.
        members: All notifications that it is about; empty stands for the one above.
    """

    notification: Notification
    body: str
    possible_repeat: bool = False
    title: str = ""
    group: str = ""
    members: tuple[Notification, ...] = ()

    @property
    def key(self) -> str:
        """The message's stable key, by which a receiver recognises a repeat."""
        return self.group or self.notification.transition_key

    @property
    def shown_title(self) -> str:
        """The title to show."""
        return self.title or self.notification.title

    @property
    def about(self) -> tuple[Notification, ...]:
        """All notifications that it is about, oldest first."""
        return self.members or (self.notification,)


class Channel(Protocol):
    """One place that notifications go to. Its `send` is called from one thread at a time."""

    @property
    def name(self) -> str:
        """The channel's own name."""
        ...

    @property
    def service(self) -> str:
        """What it is, for a person; without secrets."""
        ...

    @property
    def repeats(self) -> Repeats:
        """What a second attempt after one that may have arrived does.

        ``impossible``: it is recognised here. ``keyed``: the receiver is given the key by which it can recognise it.
        ``visible``: people may see it twice, so it says that it may be a repeat.
        """
        ...

    def send(self, attempt: Attempt) -> Outcome:
        """Try once, within seconds, and say what came of it."""
        ...


@runtime_checkable
class Closable(Protocol):
    """A channel that keeps a connection."""

    def close(self) -> None:
        """End the connection."""
        ...

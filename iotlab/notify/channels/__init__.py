"""The places that notifications go to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from iotlab.domain.alarm import SEVERITIES, Severity
from iotlab.domain.notification import Route
from iotlab.notify.channels.channel import Channel
from iotlab.notify.channels.desktop import DesktopChannel
from iotlab.notify.channels.inbox import InboxChannel
from iotlab.table.store import Store

ChannelKind = Literal["inbox", "desktop", "apprise"]


class ChannelConfig(msgspec.Struct, frozen=True):
    """One channel as configured.

    Attributes:
        name: Its own name, unique.
        kind: ``inbox``, ``desktop`` or ``apprise``.
        url: For ``apprise``: the service's URL, already resolved. Not shown by ``repr``, for it holds tokens.
        severities: The alarms that it is told of.
    """

    name: str
    kind: ChannelKind
    url: str = ""
    severities: tuple[Severity, ...] = SEVERITIES

    def __repr__(self) -> str:
        return f"ChannelConfig(name={self.name!r}, kind={self.kind!r}, severities={self.severities!r})"

    @property
    def route(self) -> Route:
        """What the evaluator needs to know of it."""
        return Route(self.name, self.severities)


def open_channels(configs: Iterable[ChannelConfig], store: Store) -> list[Channel]:
    """Return the channels, ready to send.

    Raises:
        ConfigError: the URL of one can't be used; the message does not show it.
    """
    return [_open(config, store) for config in configs]


def _open(config: ChannelConfig, store: Store) -> Channel:
    match config.kind:
        case "inbox":
            return InboxChannel(config.name, store)
        case "desktop":
            return DesktopChannel(config.name)
        case "apprise":
            # Apprise takes a third of a second to import, and most labs begin without it.
            from iotlab.notify.channels.apprise_url import AppriseChannel  # noqa: PLC0415

            return AppriseChannel(config.name, config.url)

"""The channel that a command names."""

from __future__ import annotations

from typing import Annotated

import typer

from iotlab.config import Channel, Settings
from iotlab.errors import ConfigError, Place
from iotlab.table.text.words import nearest

ChannelName = Annotated[str, typer.Argument(metavar="CHANNEL", help="A channel's name: iotlab notify channels.")]


def find_channel(settings: Settings, name: str) -> Channel:
    """Return a channel of the settings. Raises ConfigError, with the nearest name, when there is none."""
    channels = {channel.name: channel for channel in settings.notify.channels}
    if name not in channels:
        known = f"one of {', '.join(channels)}"
        raise ConfigError(
            Place("CHANNEL"), f"there is no channel {name!r}", expected=known, nearest=nearest(name, channels)
        )
    return channels[name]

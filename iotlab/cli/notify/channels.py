"""`iotlab notify channels`."""

from __future__ import annotations

from typing import Any

from iotlab.cli.options import with_settings
from iotlab.cli.table.output import Layout, OutputFlag, Wide, chosen, print_items
from iotlab.config import Channel, Settings
from iotlab.domain.alarm import SEVERITIES
from iotlab.table.values import item

_COLUMNS = ("name", "kind", "told", "when", "unacknowledged")


@with_settings("data", "notify")
def command(settings: Settings, *, output: OutputFlag = None, wide: Wide = False) -> None:
    """List the channels, with what each is told of and when. No secret is read or shown.

    Example:

        iotlab notify channels
    """
    rows = (item(_row(channel)) for channel in settings.notify.channels)
    print_items(rows, Layout(chosen(output), _COLUMNS, wide))


def _row(channel: Channel) -> dict[str, Any]:
    return {
        "name": channel.name,
        "kind": channel.kind,
        "told": _told(channel),
        "when": _when(channel),
        "unacknowledged": _unacknowledged(channel),
    }


def _told(channel: Channel) -> str:
    parts = [] if channel.severities == SEVERITIES else [", ".join(channel.severities)]
    for label, chosen_ones in (
        ("devices", channel.devices),
        ("types", channel.device_types),
        ("rooms", channel.rooms),
    ):
        if chosen_ones:
            parts.append(f"{label} {', '.join(chosen_ones)}")
    return "; ".join(parts) or "everything"


def _when(channel: Channel) -> str:
    parts = [
        f"hours {channel.hours}" if channel.hours else "",
        f"quiet {channel.quiet}" if channel.quiet else "",
        f"digest at {channel.digest_at}" if channel.digest_at else "",
        f"grouped over {channel.group_s:g} s" if channel.group_s else "",
    ]
    return "; ".join(filter(None, parts)) or "at once"


def _unacknowledged(channel: Channel) -> str | None:
    parts = [
        f"told after {channel.after_s:g} s" if channel.after_s else "",
        f"repeated every {channel.repeat_s:g} s" if channel.repeat_s else "",
    ]
    return "; ".join(filter(None, parts)) or None

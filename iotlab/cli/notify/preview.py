"""`iotlab notify preview`."""

from __future__ import annotations

from typing import Annotated

import typer

from iotlab.cli.notify.choosing import ChannelName, find_channel
from iotlab.cli.notify.test import sample
from iotlab.cli.options import with_settings
from iotlab.cli.table.cells import visible
from iotlab.cli.table.opening import open_store
from iotlab.cli.table.where import Where
from iotlab.clock import SystemClock
from iotlab.config import Settings
from iotlab.domain.notification import Notification
from iotlab.domain.schema import OUTBOX
from iotlab.errors import AlarmError
from iotlab.notify.channels import template
from iotlab.notify.outbox import row_of
from iotlab.notify.words import Words, say


@with_settings("data", "notify")
def command(
    settings: Settings,
    *,
    channel: ChannelName,
    title: Annotated[
        str, typer.Option("--title", metavar="TEMPLATE", help="Instead of the channel's.", show_default=False)
    ] = "",
    body: Annotated[
        str, typer.Option("--body", metavar="TEMPLATE", help="Instead of the channel's.", show_default=False)
    ] = "",
    alarm: Annotated[
        str,
        typer.Option("--alarm", metavar="KEY", help="With this alarm's last notification. Default: a made-up one."),
    ] = "",
) -> None:
    """Show what a channel's message would say. Nothing is sent.

    A template that is wrong is refused with its line, its column and the reason.

    Examples:

        iotlab notify preview phone

        iotlab notify preview phone --body "{name} in {room|the house}: {value}, limit {threshold}" --alarm leak/tap
    """
    known = find_channel(settings, channel)
    words = Words(
        template(title or known.title or "{title}", f"notification channel {channel}", "title"),
        template(body or known.body or "{message}", f"notification channel {channel}", "body"),
    )
    clock = SystemClock()
    about = _last(settings, alarm) if alarm else sample(channel, clock)
    said = say(words, [about], about.created_us)
    print(visible(said.title))
    print()
    for line in said.body.split("\n"):
        print(visible(line))


def _last(settings: Settings, alarm: str) -> Notification:
    with open_store(Where(settings.data.dir)) as opened:
        found = [row_of(wire).notification for wire in opened.store.scan_all(OUTBOX) if wire["alarm"]["S"] == alarm]
    if not found:
        raise AlarmError(
            f"nobody was ever notified of the alarm {alarm!r}", hint="Leave --alarm out for a made-up one."
        )
    return max(found, key=lambda each: each.version)

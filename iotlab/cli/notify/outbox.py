"""`iotlab notify outbox`."""

from __future__ import annotations

from typing import Annotated

import typer

from iotlab.cli.table.opening import open_store
from iotlab.cli.table.output import Layout, OutputFlag, Wide, chosen, print_items
from iotlab.cli.table.where import Where, with_where
from iotlab.clock import iso
from iotlab.domain.notification import OutboxStatus
from iotlab.domain.schema import OUTBOX
from iotlab.errors import ConfigError, Place
from iotlab.notify.outbox import Row, row_of
from iotlab.table.values import Item, item

_COLUMNS = ("at", "status", "channel", "title", "attempts", "next", "error", "possible_repeat", "held", "key")
_STATUSES: tuple[str, ...] = OutboxStatus.__args__  # type: ignore[attr-defined]  # what a Literal lists


@with_where
def command(
    where: Where,
    *,
    status: Annotated[
        str, typer.Option("--status", metavar="WORD", help=f"One of {', '.join(_STATUSES)}.", show_default=False)
    ] = "",
    channel: Annotated[
        str, typer.Option("--channel", metavar="NAME", help="One channel's.", show_default=False)
    ] = "",
    limit: Annotated[int, typer.Option("--limit", "-n", min=0, help="So many of the newest; 0 for all.")] = 50,
    output: OutputFlag = None,
    wide: Wide = False,
) -> None:
    """List notifications, the newest first: outcome, attempts, and why one waits or has failed.

    Examples:

        iotlab notify outbox

        iotlab notify outbox --status failed --channel phone
    """
    if status and status not in _STATUSES:
        raise ConfigError(Place("--status"), f"{status!r} is no status", expected=", ".join(_STATUSES))
    with open_store(where) as opened:
        found = [(row_of(wire), wire) for wire in opened.store.scan_all(OUTBOX)]
    wanted = [
        (row, wire) for row, wire in found if status in {"", row.status} and channel in {"", row.notification.channel}
    ]
    wanted.sort(key=lambda each: each[0].notification.created_us, reverse=True)
    rows = (_shown(row, wire) for row, wire in wanted[: limit or None])
    print_items(rows, Layout(chosen(output), _COLUMNS, wide))


def _shown(row: Row, wire: Item) -> Item:
    notification = row.notification
    return item(
        {
            "at": iso(notification.created_us),
            "status": row.status,
            "channel": notification.channel,
            "title": notification.title,
            "attempts": row.attempts,
            "next": iso(row.next_us) if row.is_waiting else None,
            "done": iso(row.done_us) if row.done_us is not None else None,
            "error": wire.get("error", {}).get("S") or None,
            "possible_repeat": row.possible_repeat or None,
            "group": row.group or None,
            "held": row.held or None,
            "key": notification.key,
        }
    )

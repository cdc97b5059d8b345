"""`iotlab triggers invocations`."""

from __future__ import annotations

from collections import deque
from typing import Annotated

import typer

from iotlab.cli.durations import duration_s
from iotlab.cli.table.opening import open_store
from iotlab.cli.table.output import Layout, OutputFlag, Wide, chosen, print_items
from iotlab.cli.table.where import Where, with_where
from iotlab.clock import US_PER_S, SystemClock, iso
from iotlab.table.values import Item, item
from iotlab.triggers.mapping.invocation import Invocation, list_invocations

COLUMNS = ("at", "outcome", "records", "ms", "attempt", "version", "error", "first", "request_id")


@with_where
def command(
    where: Where,
    *,
    mapping: Annotated[str, typer.Argument(metavar="MAPPING", help="The mapping's name.")],
    since_s: Annotated[
        float, typer.Option("--since", metavar="DURATION", parser=duration_s, help="How far back; at most 48h.")
    ] = 3600.0,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="Show so many of the newest.")] = 100,
    output: OutputFlag = None,
    wide: Wide = False,
) -> None:
    """List what a mapping invoked, oldest first, with outcome, duration and attempt. It outlives a restart.

    Examples:

        iotlab triggers invocations leaks

        iotlab triggers invocations leaks --since 24h --output jsonl
    """
    start_us = SystemClock().now_us() - round(since_s * US_PER_S)
    with open_store(where) as opened:
        newest = deque(list_invocations(opened.store, mapping, start_us), maxlen=limit)
    print_items(map(_row, newest), Layout(chosen(output), COLUMNS, wide))


def _row(one: Invocation) -> Item:
    return item(
        {
            "at": iso(one.at_us),
            "outcome": one.outcome,
            "records": one.records,
            "ms": round(one.duration_ms, 1),
            "attempt": one.attempt,
            "version": one.version or None,
            "error": one.error or None,
            "first": one.first or None,
            "last": one.last or None,
            "request_id": one.request_id or None,
            "response": one.response or None,
            "log": one.log or None,
        }
    )

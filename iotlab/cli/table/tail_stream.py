"""`iotlab table tail-stream`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import islice
from typing import Annotated

import typer
from rich.console import Console

from iotlab.cli.durations import duration_s
from iotlab.cli.table.changes import change_json, print_change
from iotlab.cli.table.opening import find_table, open_store
from iotlab.cli.table.output import note
from iotlab.cli.table.times import time_us
from iotlab.cli.table.where import Where, with_where
from iotlab.errors import ConfigError, Place
from iotlab.table.follower import TRIM_HORIZON, Follower, StreamEndedError
from iotlab.table.store import StreamRecord

LATEST = "LATEST"
_POLL_S = 0.5
_MOST_SORTED = 10_000


@with_where
def command(
    where: Where,
    *,
    table: Annotated[str, typer.Argument(metavar="TABLE", help="The table's name. It needs a stream.")],
    since: Annotated[
        str,
        typer.Option("--from", metavar="WHEN", help="TRIM_HORIZON (all there is), LATEST, or a time."),
    ] = LATEST,
    limit: Annotated[int, typer.Option("--limit", "-n", min=0, help="End after so many records; 0 never.")] = 0,
    for_s: Annotated[
        float | None,
        typer.Option("--for", metavar="DURATION", parser=duration_s, help="End after this time.", show_default=False),
    ] = None,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="A line of JSON for each record.")] = False,
) -> None:
    """Follow the changes of a table as they happen: time, event, key, and what was before and after. Ctrl-C ends it.

    A data directory that nothing serves has nobody who changes it: its stream is printed to the end.

    Examples:

        iotlab table tail-stream devices

        iotlab table tail-stream alarms --from TRIM_HORIZON --limit 20

        iotlab table tail-stream devices --from 2026-11-25T06:00:00Z --jsonl | jq .new.room
    """
    after_us = _time_us(since)
    with open_store(where) as opened:
        found = find_table(opened, table)
        if found.stream_arn is None:
            raise ConfigError(Place("TABLE"), f"{table} has no stream", expected="one that has: iotlab table ls")
        follower = Follower(opened.store, table)
        if since == LATEST:
            follower.open_latest()
        else:
            follower.open_after(TRIM_HORIZON)
        if opened.engine is not None and since == LATEST:
            note("Nothing serves this directory, so nothing will come. All there is: --from TRIM_HORIZON")
        console = Console()
        records = _records(follower, for_s, live=opened.engine is None)
        wanted = (record for record in records if record.created_at_us >= after_us)
        for record in islice(wanted, limit or None):
            if jsonl:
                print(change_json(record, found.keys.names), flush=True)
            else:
                print_change(console, record)


def _records(follower: Follower, for_s: float | None, *, live: bool) -> Iterator[StreamRecord]:
    """Yield records as they come, until the time is over, the stream is disabled, or nobody can write to it."""
    end_s = None if for_s is None else time.monotonic() + for_s
    while True:
        try:
            records = _new(follower)
        except StreamEndedError:
            return
        yield from records
        is_over = end_s is not None and time.monotonic() >= end_s
        if is_over or (not records and not live):
            return
        if not records:
            time.sleep(_POLL_S)


def _new(follower: Follower) -> list[StreamRecord]:
    """Return what all shards have that is new, by time; of a long past, as much as is sorted at a time."""
    found: list[StreamRecord] = []
    while len(found) < _MOST_SORTED and (page := follower.read()):
        found += page
    return sorted(found, key=lambda record: record.created_at_us)


def _time_us(since: str) -> int:
    """Return the time from which records are wanted; 0 for all. Raises ConfigError."""
    if since in {LATEST, TRIM_HORIZON}:
        return 0
    return time_us(since, "--from", instead=f"{TRIM_HORIZON}, {LATEST}")

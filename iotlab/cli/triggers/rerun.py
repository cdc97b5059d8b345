"""`iotlab triggers rerun`."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import typer

from iotlab.cli.durations import duration_s
from iotlab.cli.table.opening import open_store
from iotlab.cli.table.output import Layout, OutputFlag, Wide, chosen, note, print_items
from iotlab.cli.table.progress import steps
from iotlab.cli.table.where import Where, with_where
from iotlab.cli.triggers.declared import find_declared, triggers_file
from iotlab.clock import US_PER_S, SystemClock, iso
from iotlab.errors import ConfigError, Place
from iotlab.lab.rerun import Rerunning, rerun_handler
from iotlab.table.values import Item, item
from iotlab.triggers.host.declared import load_functions
from iotlab.triggers.host.versions import FOLDER, Versions
from iotlab.triggers.mapping.file import load_mappings
from iotlab.triggers.mapping.invocation import Invocation
from iotlab.triggers.mapping.rerun import Compared

COLUMNS = ("at", "verdict", "records", "then", "now", "writes")
_MAX_SINCE_S = 86_400.0


@with_where
def command(
    where: Where,
    *,
    mapping: Annotated[str, typer.Argument(metavar="MAPPING", help="The mapping's name.")],
    since_s: Annotated[
        float, typer.Option("--since", metavar="DURATION", parser=duration_s, help="How far back, at most 24h.")
    ] = 3600.0,
    version: Annotated[
        str,
        typer.Option("--version", metavar="HASH", help="A version that served; else the code as it is now."),
    ] = "",
    everything: Annotated[bool, typer.Option("--all", help="Show also the batches that are equal.")] = False,
    output: OutputFlag = None,
    wide: Wide = False,
) -> None:
    """Run a handler again over the batches that its mapping was given, without consequences, and compare.

    Nothing is stored and nothing leaves this machine: the handler has no network, and tables that it asks for are
    copies of those of the beginning. What it writes to them is shown. `--output json` has responses and logs.

    Examples:

        iotlab triggers rerun leaks --since 2h

        iotlab triggers rerun leaks --since 24h --version 3f9a0c
    """
    if since_s > _MAX_SINCE_S:
        raise ConfigError(Place("--since"), "a stream keeps 24 hours", expected="at most 24h")
    file = triggers_file(where.directory)
    settings = find_declared(load_mappings(file) if file.exists() else [], mapping, file, "mapping")
    function = find_declared(load_functions(file), settings.handler, file, "handler")
    if version:
        kept = Versions(where.directory / FOLDER / function.name, SystemClock()).find(version)
        function = msgspec.structs.replace(function, path=kept.folder)
    end_us = SystemClock().now_us()
    with open_store(where) as opened, steps("Running again") as tell:
        done = rerun_handler(
            opened.store,
            settings,
            function,
            end_us - round(since_s * US_PER_S),
            end_us,
            directory=where.directory,
            on_batch=tell,
        )
    shown = [one for one in done.found.batches if everything or one.verdict != "equal"]
    print_items(map(_row, shown), Layout(chosen(output), COLUMNS, wide))
    _summarise(done)


def _row(one: Compared) -> Item:
    batch = one.batch
    return item(
        {
            "at": iso(batch.at_us) if one.then is not None else None,
            "verdict": one.verdict,
            "records": batch.records,
            "then": _said(one.then, one.attempts_then),
            "now": _said(one.now, one.attempts_now),
            "writes": [_write(write.operation, write.request, write.error) for write in one.writes] or None,
            "first": batch.first or None,
            "last": batch.last or None,
            "log_then": None if one.then is None else one.then.log or None,
            "log_now": None if one.now is None else one.now.log or None,
        }
    )


def _said(one: Invocation | None, attempts: int) -> str | None:
    """Return what an invocation came to, in a line; None when there was none."""
    if one is None:
        return None
    times = f", attempt {attempts}" if attempts > 1 else ""
    return f"{one.outcome}{times}: {one.error or one.response or '(a response that is too large to keep)'}"


def _write(operation: str, request: dict[str, Any], error: str) -> dict[str, Any]:
    return {"operation": operation, "request": msgspec.json.encode(request).decode()} | (
        {"error": error} if error else {}
    )


def _summarise(done: Rerunning) -> None:
    found = done.found
    counts = ", ".join(f"{count} {verdict}" for verdict, count in found.counts.items())
    then = ", ".join(found.versions_then) or "nothing"
    versions = f"version {found.version_now or 'none'} beside {then}"
    note(f"{found.records:,} records since {iso(found.start_us)}, {versions}: {counts}")
    note(f"records given up: {found.given_up_then} then, {found.given_up_now} now")
    if found.gone:
        note(f"{found.gone} invocations of then can't be repeated: the stream no longer has their records")
    for sentence in done.notes:
        note(sentence)

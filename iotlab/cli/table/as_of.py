"""`iotlab table as-of`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from iotlab.cli.table.opening import find_table, open_store
from iotlab.cli.table.output import Layout, OutputFlag, Wide, chosen, print_items
from iotlab.cli.table.times import time_us
from iotlab.cli.table.where import Where, with_where
from iotlab.errors import ConfigError, Place
from iotlab.table.rewind import digest, rewind, rewind_to

SEQUENCE_DIGITS = 21


@with_where
def command(
    where: Where,
    *,
    table: Annotated[str, typer.Argument(metavar="TABLE", help="The table's name. Its stream needs old images.")],
    when: Annotated[
        str, typer.Argument(metavar="WHEN", help="A time, or the sequence number of a change, which is included.")
    ],
    only_digest: Annotated[
        bool, typer.Option("--digest", help="Print only the SHA-256 of the items, in their canonical form and order.")
    ] = False,
    output: OutputFlag = None,
    wide: Wide = False,
) -> None:
    """Print a table as it was, as far back as its stream reaches (24 hours). Nothing is changed.

    Examples:

        iotlab table as-of devices 2026-11-25T06:00:00Z

        iotlab table as-of alarms 000000000000000000412 --output jsonl

        iotlab table as-of devices 2026-11-25T06:00Z --digest
    """
    with open_store(where) as opened:
        found = find_table(opened, table)
        if found.stream_arn is None:
            raise ConfigError(Place("TABLE"), f"{table} has no stream", expected="one that has: iotlab table ls")
        if when.isascii() and when.isdigit() and len(when) >= SEQUENCE_DIGITS:
            items = rewind(opened.store, table, when)
        else:
            at_us = time_us(when, "WHEN", instead="a sequence number of 21 digits or more,")
            items = rewind_to(opened.store, table, at_us)
    if only_digest:
        sys.stdout.write(f"{digest(items)}\n")
        return
    print_items(items, Layout(chosen(output), found.keys.names, wide=wide))

"""`iotlab alarms journal`."""

from __future__ import annotations

from itertools import islice
from typing import Annotated

import typer

from iotlab.cli.alarms.printing import JOURNAL_COLUMNS, journal_row, transitions
from iotlab.cli.table.opening import open_store
from iotlab.cli.table.output import Layout, OutputFlag, Wide, chosen, print_items
from iotlab.cli.table.where import Where, with_where
from iotlab.domain.schema import JOURNAL


@with_where
def command(
    where: Where,
    *,
    key: Annotated[
        str, typer.Argument(metavar="ALARM", help="One alarm's key; all alarms when it is left out.")
    ] = "",
    limit: Annotated[int, typer.Option("--limit", "-n", min=0, help="So many of the newest; 0 for all.")] = 50,
    output: OutputFlag = None,
    wide: Wide = False,
) -> None:
    """Print transitions, the newest first: when, what, by whom.

    Examples:

        iotlab alarms journal leak/tap

        iotlab alarms journal --limit 0 --output csv
    """
    with open_store(where) as opened:
        if key:
            rows = list(islice(transitions(opened.store, key), limit or None))
        else:
            newest = sorted(opened.store.scan_all(JOURNAL), key=lambda row: int(row["at_us"]["N"]), reverse=True)
            rows = newest[: limit or None]
    print_items(map(journal_row, rows), Layout(chosen(output), JOURNAL_COLUMNS, wide))

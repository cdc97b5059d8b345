"""`iotlab triggers dlq`."""

from __future__ import annotations

from itertools import islice
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from iotlab.cli.table.opening import open_store
from iotlab.cli.table.where import Where, with_where
from iotlab.clock import iso
from iotlab.triggers.mapping.dead_letters import DeadLetter, list_dead_letters


@with_where
def command(
    where: Where,
    *,
    mapping: Annotated[str, typer.Argument(metavar="MAPPING", help="The mapping's name.")],
    limit: Annotated[int, typer.Option("--limit", "-n", min=0, help="Show so many, oldest first; 0 all.")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="Print them whole, as JSON.")] = False,
) -> None:
    """List the records that a mapping gave up, with what the function said last.

    Examples:

        iotlab triggers dlq leaks

        iotlab triggers dlq leaks --json
    """
    with open_store(where) as opened:
        letters = list(islice(list_dead_letters(opened.store, mapping), limit or None))
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(letters), indent=2).decode())
    elif letters:
        _show(letters)
        print(f"{len(letters)} shown. Once more through the handler: iotlab triggers replay {mapping}")
    else:
        print(f"{mapping} has given up no records.")


def _show(letters: list[DeadLetter]) -> None:
    table = Table.grid(padding=(0, 3))
    table.add_row(*(Text(name, style="bold") for name in ("given up", "why", "attempts", "said", "sequence number")))
    for letter in letters:
        table.add_row(
            Text(iso(letter.given_up_us)),
            Text(letter.condition),
            Text(str(letter.attempts)),
            Text(f"{letter.error_type}: {letter.error_message}"),
            Text(letter.sequence_number),
        )
    Console(highlight=False).print(table)

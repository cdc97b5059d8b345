"""`iotlab table put`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from iotlab.cli.table.opening import find_table, open_store, readable, reading
from iotlab.cli.table.output import note
from iotlab.cli.table.where import Where, with_where
from iotlab.errors import ConfigError, Place
from iotlab.table.text.expressions import Placeholding, condition
from iotlab.table.text.items import read_item

_MOST_BYTES = 8 * 1024 * 1024
"""More than any item takes in any of the forms."""

IfFlag = Annotated[
    str,
    typer.Option(
        "--if", metavar="CONDITION", help="Only if this holds for the item that is there.", show_default=False
    ),
]


@with_where
def command(
    where: Where,
    *,
    table: Annotated[str, typer.Argument(metavar="TABLE", help="The table's name.")],
    item: Annotated[str, typer.Argument(metavar="ITEM", help="JSON, @FILE, or - for standard input.")],
    if_: IfFlag = "",
    new: Annotated[bool, typer.Option("--new", help="Refuse when there is an item with this key.")] = False,
) -> None:
    """Store one item, replacing one with the same key.

    The item is plain JSON or DynamoDB JSON; which of them is seen from it. In plain JSON binary is
    {"$B": "<base64>"}, and sets are {"$SS": [...]}, {"$NS": [...]} and {"$BS": [...]}. Numbers keep all their digits.

    Examples:

        iotlab table put devices '{"device": "kitchen", "room": "kitchen"}'

        iotlab table put devices @kitchen.json --new

        iotlab table get devices kitchen | iotlab table put devices - --if "seq < 100"
    """
    if new and if_:
        raise ConfigError(Place("--new"), "given together with --if", expected="one of them")
    with reading("ITEM"):
        wanted = read_item(_text(item))
    placeholding = Placeholding()
    with open_store(where) as opened:
        found = find_table(opened, table)
        with reading("--if"):
            only = f"missing(`{found.keys.names[0]}`)" if new else if_
            expression = condition(only, placeholding) if only else None
        with readable(placeholding):
            opened.store.put_item(
                table, wanted, condition=expression, names=placeholding.names, values=placeholding.values
            )
        note(f"Stored in {table} at {opened.name}.")


def _text(item: str) -> str:
    """Return the item's JSON. Raises ValueError when it can't be read or is too long."""
    if item != "-" and not item.startswith("@"):
        return item
    try:
        if item == "-":
            content = sys.stdin.buffer.read(_MOST_BYTES + 1)
        else:
            with Path(item[1:]).open("rb") as file:
                content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise ValueError(str(error)) from error
    if len(content) > _MOST_BYTES:
        raise ValueError(f"longer than {_MOST_BYTES} bytes; many items are for iotlab table import")
    return content.decode("utf-8-sig")

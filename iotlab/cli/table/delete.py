"""`iotlab table delete`."""

from __future__ import annotations

from typing import Annotated

import typer

from iotlab.cli.table.get import KEY_HELP, NoItemError
from iotlab.cli.table.opening import find_table, open_store, readable, reading
from iotlab.cli.table.output import Layout, OutputFlag, chosen, print_item
from iotlab.cli.table.put import IfFlag
from iotlab.cli.table.where import Where, with_where
from iotlab.table.text.expressions import Placeholding, condition
from iotlab.table.text.words import key as key_of


@with_where
def command(
    where: Where,
    *,
    table: Annotated[str, typer.Argument(metavar="TABLE", help="The table's name.")],
    key: Annotated[list[str], typer.Argument(metavar="KEY…", help=KEY_HELP)],
    if_: IfFlag = "",
    output: OutputFlag = None,
) -> None:
    """Delete one item and print what it was. Exit code 1 when there was none.

    Examples:

        iotlab table delete devices device=kitchen

        iotlab table delete devices kitchen --if "missing(room)"
    """
    placeholding = Placeholding()
    with open_store(where) as opened:
        found = find_table(opened, table)
        with reading("KEY"):
            wanted = key_of(key, found.keys)
        with reading("--if"):
            expression = condition(if_, placeholding) if if_ else None
        with readable(placeholding):
            before = opened.store.delete_item(
                table, wanted, condition=expression, names=placeholding.names, values=placeholding.values
            )
    if before is None:
        raise NoItemError(f"{table} had no item with this key: {' '.join(key)}")
    print_item(before, Layout(chosen(output), found.keys.names))

"""`iotlab table get`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from iotlab.cli.table.opening import find_table, open_store, readable, reading
from iotlab.cli.table.output import Columns, Layout, OutputFlag, chosen, print_item
from iotlab.cli.table.paging import Selection
from iotlab.cli.table.where import Where, with_where
from iotlab.errors import TableError
from iotlab.table.text.expressions import Placeholding
from iotlab.table.text.words import key as key_of

KEY_HELP = "The key: device=kitchen at=2026-11-25, the values alone, or a JSON object."


class NoItemError(TableError):
    """There is no item with the key."""


@with_where
def command(
    where: Where,
    *,
    table: Annotated[str, typer.Argument(metavar="TABLE", help="The table's name.")],
    key: Annotated[list[str], typer.Argument(metavar="KEY…", help=KEY_HELP)],
    columns: Columns = "",
    output: OutputFlag = None,
) -> None:
    """Print one item. Exit code 1 when there is none.

    Examples:

        iotlab table get devices device=kitchen

        iotlab table get readings kitchen 2026-11-25T06:00:00 --columns at,values.temperature

        iotlab table get devices '{"device": "kitchen"}' --output ddb-json
    """
    with open_store(where) as opened:
        found = find_table(opened, table)
        with reading("KEY"):
            wanted = key_of(key, found.keys)
        placeholding, selection = Placeholding(), Selection(columns=columns)
        request: dict[str, Any] = {"TableName": table, "Key": wanted, "ConsistentRead": True}
        request |= selection.request(placeholding) | placeholding.request()
        with readable(placeholding):
            item = opened.store.call("GetItem", request).get("Item")
    if item is None:
        raise NoItemError(f"{table} has no item with this key: {' '.join(key)}")
    print_item(item, Layout(chosen(output), found.keys.names))

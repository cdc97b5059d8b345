"""`iotlab table scan`."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from iotlab.cli.table.opening import find_table, open_store, readable
from iotlab.cli.table.output import Columns, OutputFlag, Wide, chosen
from iotlab.cli.table.paging import Selection, limit_for, pages, show
from iotlab.cli.table.progress import counted
from iotlab.cli.table.where import Where, with_where
from iotlab.table.text.expressions import Placeholding

WhereFlag = Annotated[
    str,
    typer.Option(
        "--where",
        "--filter",
        metavar="CONDITION",
        help="Only items for which this holds: \"temperature > 21 and room = 'kitchen'\".",
        show_default=False,
    ),
]
Limit = Annotated[
    int | None,
    typer.Option(
        "--limit",
        "-n",
        min=0,
        help="Items to print; 0 for all. Default: 100 in a table, else all.",
        show_default=False,
    ),
]


@with_where
def command(
    where: Where,
    *,
    table: Annotated[str, typer.Argument(metavar="TABLE", help="The table's name.")],
    only: WhereFlag = "",
    columns: Columns = "",
    limit: Limit = None,
    index: Annotated[str, typer.Option("--index", help="Scan this index.", show_default=False)] = "",
    output: OutputFlag = None,
    wide: Wide = False,
) -> None:
    """Print all items of a table, or those for which a condition holds.

    Examples:

        iotlab table scan devices

        iotlab table scan devices --where "room = 'kitchen' and exists(units)" --columns device,room

        iotlab table scan readings --output jsonl | jq .device
    """
    selection = Selection(only, columns, limit)
    placeholding = Placeholding()
    with open_store(where) as opened:
        found = find_table(opened, table)
        request: dict[str, Any] = {"TableName": table, **selection.request(placeholding), **placeholding.request()}
        request |= {"IndexName": index} if index else {"ConsistentRead": True}
        wanted = limit_for(selection, chosen(output))
        items = pages(opened.store, "Scan", request, wanted=wanted)
        with readable(placeholding), counted(items, f"scan {table}", found.item_count) as shown:
            show(shown, found, selection, output, wide=wide)

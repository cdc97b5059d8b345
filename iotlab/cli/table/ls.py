"""`iotlab table ls`."""

from __future__ import annotations

from typing import Any

import msgspec

from iotlab.cli.table.opening import Opened, list_tables, open_store
from iotlab.cli.table.output import Output, OutputFlag, chosen
from iotlab.cli.table.where import Where, with_where
from iotlab.errors import ConfigError, Place
from iotlab.table.described import describe


@with_where
def command(
    where: Where,
    *,
    output: OutputFlag = None,
) -> None:
    """List the tables, with their keys, items and streams.

    Examples:

        iotlab table ls

        iotlab table ls --output json

        iotlab table ls --dynamodb --region eu-central-1
    """
    form = chosen(output)
    if form not in {Output.TABLE, Output.JSON, Output.JSONL}:
        raise ConfigError(Place("--output"), f"{form} is for items", expected="table, json or jsonl")
    with open_store(where) as opened:
        rows = _rows(opened)
        name = opened.name
    if form is Output.TABLE:
        _print_table(rows, name)
    elif form is Output.JSON:
        print(msgspec.json.format(msgspec.json.encode(rows), indent=2).decode())
    else:
        for row in rows:
            print(msgspec.json.encode(row).decode())


def _rows(opened: Opened) -> list[dict[str, Any]]:
    rows = []
    for name in list_tables(opened.store):
        table = describe(opened.store, name)
        rows.append(
            {
                "table": name,
                "key": [f"{part.name} {part.kind}" for part in table.keys.attributes],
                "items": table.item_count,
                "indexes": list(table.indexes),
                "stream": table.document.get("StreamSpecification", {}).get("StreamViewType"),
            }
        )
    return rows


def _print_table(rows: list[dict[str, Any]], name: str) -> None:
    from rich import box  # noqa: PLC0415  only for people
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table("table", "key", "items", "indexes", "stream", box=box.SIMPLE_HEAD, pad_edge=False)
    table.columns[2].justify = "right"
    # A narrow terminal wraps the keys: a name that is cut can't be copied.
    table.columns[0].no_wrap = True
    for row in rows:
        cells = (row["table"], ", ".join(row["key"]), f"{row['items']:,}", ", ".join(row["indexes"]), row["stream"])
        table.add_row(*(Text(str(cell or "-")) for cell in cells))
    console = Console()
    console.print(table)
    console.print(Text(f"{len(rows)} tables at {name}", style="dim"))

"""`iotlab table export`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from iotlab.cli.table.opening import Opened, find_table, open_store
from iotlab.cli.table.output import note
from iotlab.cli.table.paging import pages
from iotlab.cli.table.progress import counted
from iotlab.cli.table.where import Where, with_where
from iotlab.errors import ConfigError, Place
from iotlab.table.described import Described
from iotlab.table.transfer.digest import Digest
from iotlab.table.transfer.formats import Format, format_of
from iotlab.table.transfer.writing import whole_file, write_items
from iotlab.table.values import Item

FormatFlag = Annotated[
    Format | None, typer.Option("--format", help="Default: what the file's name says.", show_default=False)
]


@with_where
def command(
    where: Where,
    *,
    table: Annotated[str, typer.Argument(metavar="TABLE", help="The table's name.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write, or - for standard output.")],
    form: FormatFlag = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file if it is there.")] = False,
) -> None:
    """Write a whole table to a file: .jsonl, .json (DynamoDB's own lines, as its export to S3) or .csv, and any .gz.

    The file appears when it is whole; Ctrl-C leaves nothing. The digest in the last line is equal for equal tables.
    Items that others change meanwhile are in the file as they were when they were read.

    Examples:

        iotlab table export readings readings.jsonl.gz

        iotlab table export devices devices.csv --overwrite

        iotlab table export devices - --format csv
    """
    on_stdout = str(file) == "-"
    chosen = form or (Format.JSONL if on_stdout else format_of(file))
    if not on_stdout and file.exists() and not overwrite:
        raise ConfigError(Place(str(file)), "the file is there already", expected="--overwrite to replace it")
    digest = Digest()
    with open_store(where) as opened:
        found = find_table(opened, table)
        with counted(_items(opened, found, digest), f"export {table}", found.item_count) as items:
            if on_stdout:
                write_items(items, sys.stdout.buffer, chosen, found.keys.names)
            else:
                with whole_file(file) as stream:
                    write_items(items, stream, chosen, found.keys.names)
    name = "standard output" if on_stdout else file
    note(f"{digest.count:,} items of {table} are in {name}, digest {digest}")


def _items(opened: Opened, found: Described, digest: Digest) -> Iterator[Item]:
    for item in pages(opened.store, "Scan", {"TableName": found.name, "ConsistentRead": True}):
        digest.add(item)
        yield item

"""Items on standard output: a table for people, or one of the formats for programs."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Annotated, BinaryIO

import msgspec
import typer

from iotlab.table.text.items import write_item
from iotlab.table.transfer.formats import Format
from iotlab.table.transfer.writing import write_items
from iotlab.table.values import Item

TABLE_ROWS = 100
"""Items that a table shows without --limit."""


class Output(StrEnum):
    """How items are printed."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"
    DDB_JSON = "ddb-json"


_PANEL = "Output"
OutputFlag = Annotated[
    Output | None,
    typer.Option("--output", "-o", help="Default: table on a terminal, else json.", rich_help_panel=_PANEL),
]
Wide = Annotated[
    bool, typer.Option("--wide", help="Cut nothing short, whatever the terminal's width.", rich_help_panel=_PANEL)
]
Columns = Annotated[
    str,
    typer.Option(
        "--columns",
        metavar="A,B…",
        help="Only these attributes; parts of one as values.temperature.",
        rich_help_panel=_PANEL,
        show_default=False,
    ),
]


class Layout(msgspec.Struct, frozen=True):
    """How to print.

    Attributes:
        output: The form.
        first: Attributes to begin with: the key's, or those of --columns.
        wide: True to cut nothing short.
    """

    output: Output
    first: Sequence[str] = ()
    wide: bool = False


def chosen(output: Output | None) -> Output:
    """Return the form that was asked for, or the one for where standard output goes."""
    if output is not None:
        return output
    return Output.TABLE if sys.stdout.isatty() else Output.JSON


def print_items(items: Iterable[Item], layout: Layout) -> int:
    """Print items; return how many."""
    stream = sys.stdout.buffer
    match layout.output:
        case Output.TABLE:
            return _print_table(list(items), layout)
        case Output.JSON:
            return _print_json(iter(items), layout, stream)
        case _:
            return write_items(items, stream, Format(layout.output.value), layout.first)


def print_item(item: Item, layout: Layout) -> None:
    """Print one item: a table with a line for each attribute, or the item alone in one of the formats."""
    if layout.output is Output.JSON:
        print(msgspec.json.format(write_item(item, first=layout.first), indent=2).decode())
    elif layout.output is Output.TABLE:
        from rich.console import Console  # noqa: PLC0415  only for people

        from iotlab.cli.table.cells import attributes_table  # noqa: PLC0415

        Console().print(attributes_table(item, layout.first))
    else:
        print_items([item], layout)


def note(text: str) -> None:
    """Say something to the person beside the output."""
    print(text, file=sys.stderr)


def _print_json(items: Iterator[Item], layout: Layout, stream: BinaryIO) -> int:
    count = 0
    for item in items:
        line = write_item(item, first=layout.first)
        stream.write((b",\n  " if count else b"[\n  ") + line)
        count += 1
    stream.write(b"\n]\n" if count else b"[]\n")
    return count


def _print_table(items: list[Item], layout: Layout) -> int:
    from iotlab.cli.table.cells import print_grid  # noqa: PLC0415  rich, only for people

    if items:
        print_grid(items, layout.first, wide=layout.wide)
    return len(items)

"""`iotlab table import`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from iotlab.cli.table.export import FormatFlag
from iotlab.cli.table.opening import Opened, find_table, open_store
from iotlab.cli.table.output import note
from iotlab.cli.table.progress import bar
from iotlab.cli.table.where import Where, with_where
from iotlab.errors import ConfigError, Place
from iotlab.table.described import Described
from iotlab.table.text.items import TYPES
from iotlab.table.transfer.csv_cells import JSON
from iotlab.table.transfer.formats import Format, format_of
from iotlab.table.transfer.load import Written, load_into_engine
from iotlab.table.transfer.reading import Source, read_records
from iotlab.table.transfer.send import Sender
from iotlab.table.transfer.staging import Progress, Staging, stage

_COLUMN_TYPES = (*TYPES, JSON)


@with_where
def command(
    where: Where,
    *,
    table: Annotated[str, typer.Argument(metavar="TABLE", help="The table's name. It must be there.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to read, or - for standard input.")],
    form: FormatFlag = None,
    delimiter: Annotated[str, typer.Option(help="What separates the cells of a CSV; \\t for tabs.")] = ",",
    types: Annotated[
        list[str],
        typer.Option("--type", metavar="COLUMN=TYPE", help="A CSV column's type: temperature=N.", show_default=False),
    ] = [],  # noqa: B006  typer never changes it
    atomic: Annotated[
        bool, typer.Option("--atomic", help="Over an endpoint: put back what was there when not all can be written.")
    ] = False,
    check: Annotated[bool, typer.Option("--check", help="Only check the file; write nothing.")] = False,
) -> None:
    """Write a file's items into a table: all of them or none.

    Every row is checked before the first is written: its form, its types, its key, and that no two rows have one key.
    Into a data directory's file all is one transaction. Over an endpoint (a running lab, AWS) there is no transaction
    of that size: an import that is cut off says how much it wrote, and the same import again completes it; with
    --atomic it reads what was there first, and puts it back.

    Examples:

        iotlab table import readings readings.jsonl.gz

        iotlab table import devices devices.csv --type temperature=N --delimiter ';' --check

        iotlab table export devices - --data ./old | iotlab table import devices - --format jsonl --data ./new
    """
    chosen = form or (Format.JSONL if str(file) == "-" else format_of(file))
    source = Source(str(file), chosen, delimiter.replace("\\t", "\t"), _types(types))
    if len(source.delimiter) != 1:
        raise ConfigError(Place("--delimiter"), f"{delimiter!r} is not one character")
    with open_store(where) as opened, closing(Staging()) as staging:
        found = find_table(opened, table)
        with _opened(file) as stream, bar(f"check {file}") as tell:
            stage(read_records(stream, source, found.keys), str(file), found, staging, tell)
        if check:
            note(f"{staging.count:,} items of {file} fit {table}. Nothing was written.")
            return
        with bar(f"import {table}", staging.count) as tell:
            written = _write(opened, found, staging, atomic=atomic, tell=tell)
    note(f"{written.count:,} items are in {table} at {opened.name}{_details(written)}.")


def _write(opened: Opened, found: Described, staging: Staging, *, atomic: bool, tell: Progress) -> Written:
    if opened.engine is not None:
        return load_into_engine(opened.engine, found.name, staging.rows(), progress=tell)
    return Sender(opened.store, found.name, found.keys).send(staging, atomic=atomic, progress=tell)


def _details(written: Written) -> str:
    if written.sent:
        return ""
    return f": {written.new:,} new, {written.replaced:,} replaced, {written.unchanged:,} as they were"


def _types(words: list[str]) -> dict[str, str]:
    types = {}
    for word in words:
        name, equals, kind = word.rpartition("=")
        if not equals or kind not in _COLUMN_TYPES:
            raise ConfigError(Place("--type"), f"{word!r} is no type", expected=f"COLUMN={'|'.join(_COLUMN_TYPES)}")
        types[name] = kind
    return types


@contextmanager
def _opened(file: Path) -> Iterator[BinaryIO]:
    if str(file) == "-":
        yield sys.stdin.buffer
        return
    try:
        stream = file.open("rb")
    except OSError as error:
        raise ConfigError(Place(str(file)), f"the file can't be read: {error.strerror}") from error
    with stream:
        yield stream

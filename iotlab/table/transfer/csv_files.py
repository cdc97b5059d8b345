"""CSV files: RFC 4180, UTF-8, one heading line."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import BinaryIO

import msgspec

from iotlab.errors import ConfigError, Place
from iotlab.table.keys import KeySchema
from iotlab.table.text.words import nearest
from iotlab.table.transfer.csv_cells import (
    Column,
    cell,
    cell_kind,
    column_kind,
    heading,
    read_cell,
    read_heading,
)
from iotlab.table.transfer.lines import LINE_BYTES
from iotlab.table.transfer.problems import BadFileError, Problem
from iotlab.table.values import AttributeValue, Item

_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_decode_item = msgspec.json.Decoder(dict[str, AttributeValue]).decode


class Record(msgspec.Struct, frozen=True):
    """One row of a file: its item, or what is wrong with it."""

    line: int
    item: Item
    problems: list[Problem] = []


def write_csv(items: Iterable[Item], stream: BinaryIO, first: Sequence[str]) -> int:
    """Write items as CSV; return how many.

    The columns are known when the last item is: until then the items wait in a temporary file.

    Args:
        items: In wire form.
        stream: Where to.
        first: The attributes to begin with: the key's.
    """
    with tempfile.TemporaryFile() as spool:
        kinds: dict[str, set[str]] = {name: set() for name in first}
        for item in items:
            for name, attribute in item.items():
                kinds.setdefault(name, set()).add(cell_kind(attribute))
            spool.write(msgspec.json.encode(item) + b"\n")
        spool.seek(0)
        names = [*first, *sorted(set(kinds) - set(first))]
        columns = [Column(name, column_kind(kinds[name] or {"S"})) for name in names]
        return _write_rows(columns, map(_decode_item, spool), stream)


def _write_rows(columns: list[Column], items: Iterable[Item], stream: BinaryIO) -> int:
    nul = next((column.name for column in columns if "\0" in column.name), None)
    if nul is not None:
        raise ConfigError(Place("--format"), f"CSV can't hold the attribute name {nul!r}", expected="jsonl")
    text = io.TextIOWrapper(stream, "utf-8", newline="", write_through=True)
    writer = csv.writer(text)
    writer.writerow([heading(column) for column in columns])
    count = 0
    for item in items:
        writer.writerow([cell(item[column.name], column.kind) if column.name in item else "" for column in columns])
        count += 1
    text.flush()
    text.detach()
    return count


def read_csv(
    lines: Iterator[str], file: str, keys: KeySchema, *, delimiter: str = ",", types: Mapping[str, str] | None = None
) -> Iterator[Record]:
    """Yield a record for each row.

    Args:
        lines: From `iotlab.table.transfer.lines.text_lines`.
        file: The file's name, for errors.
        keys: The table's key: its attributes must be among the columns, and give theirs their types.
        delimiter: What separates cells.
        types: Column name → type, for columns whose heading does not say it.

    Raises:
        BadFileError: the heading is missing or wrong, or a quote is never closed.
    """
    # Python's own limit is one for the whole process, and below the size that an item may have.
    csv.field_size_limit(LINE_BYTES)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    at = 1
    try:
        columns = _columns(next(reader, []), file, keys, delimiter, types or {})
        at = reader.line_num + 1
        for row in reader:
            if row:
                yield _record(at, row, columns)
            at = reader.line_num + 1
    except csv.Error as error:
        raise BadFileError(file, [Problem(at, f"not CSV: {error}")]) from error


def _columns(cells: list[str], file: str, keys: KeySchema, delimiter: str, types: Mapping[str, str]) -> list[Column]:
    key_types = {attribute.name: attribute.kind for attribute in keys.attributes}
    columns = [
        Column(column.name, column.kind or types.get(column.name) or key_types.get(column.name, "S"))
        for column in map(read_heading, cells)
    ]
    problems = list(_heading_problems(cells, columns, keys, delimiter, types))
    if problems:
        raise BadFileError(file, [Problem(1, text) for text in problems])
    return columns


def _heading_problems(
    cells: list[str], columns: list[Column], keys: KeySchema, delimiter: str, types: Mapping[str, str]
) -> Iterator[str]:
    names = [column.name for column in columns]
    if not cells:
        yield "the file has no heading line with the attributes' names"
        return
    others = [other for other in _DELIMITERS if other != delimiter and other in cells[0]]
    if len(cells) == 1 and others:
        yield f"the columns are separated by {_DELIMITERS[others[0]]}: --delimiter {others[0]!r}"
        return
    if "" in cells:
        yield f"column {cells.index('') + 1} has no name"
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"the column {name!r} is there {names.count(name)} times"
    for name in keys.names:
        if name not in names:
            meant = nearest(name, names)
            yield f"there is no column {name!r}, a key attribute" + (
                f"; did you mean it by {meant!r}?" if meant else "; is the heading line missing?"
            )
    for name in types:
        if name not in names:
            yield f"there is no column {name!r} to give a type" + _meant(name, names)


def _meant(name: str, names: Iterable[str]) -> str:
    meant = nearest(name, names)
    return f"; did you mean {meant!r}?" if meant else ""


def _record(line: int, row: list[str], columns: list[Column]) -> Record:
    if len(row) != len(columns):
        text = f"the row has {len(row)} cells, and the heading {len(columns)}"
        return Record(line, {}, [Problem(line, text)])
    item: Item = {}
    problems: list[Problem] = []
    for column, text in zip(columns, row, strict=True):
        try:
            value = read_cell(text, column.kind)
        except ValueError as error:
            problems.append(Problem(line, str(error), column.name))
        else:
            if value is not None:
                item[column.name] = value
    return Record(line, item, problems)

"""A file's rows, whatever its format: each an item, or what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import BinaryIO

import msgspec

from iotlab.table.keys import KeySchema
from iotlab.table.text.items import read_item
from iotlab.table.transfer.csv_files import Record, read_csv
from iotlab.table.transfer.formats import Format
from iotlab.table.transfer.lines import text_lines
from iotlab.table.transfer.problems import Problem


class Source(msgspec.Struct, frozen=True):
    """A file to import.

    Attributes:
        name: For errors.
        format: How it is written.
        delimiter: What separates the cells of a CSV.
        types: Column name → type, for CSV columns whose heading does not say it.
    """

    name: str
    format: Format
    delimiter: str = ","
    types: Mapping[str, str] = {}


def read_records(stream: BinaryIO, source: Source, keys: KeySchema) -> Iterator[Record]:
    """Yield the file's rows. Raises BadFileError where it can't be read on."""
    lines = text_lines(stream, source.name)
    if source.format is Format.CSV:
        return read_csv(lines, source.name, keys, delimiter=source.delimiter, types=source.types)
    return _read_json_lines(lines)


def _read_json_lines(lines: Iterator[str]) -> Iterator[Record]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield Record(number, read_item(line))
        except ValueError as error:
            yield Record(number, {}, [Problem(number, str(error))])

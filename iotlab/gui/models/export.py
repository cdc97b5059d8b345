"""Rows as CSV and as tab-separated text, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

Cell = str | int | float | bool | None

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def neutral(cell: Cell) -> Cell:
    """Return a cell that no spreadsheet takes for a formula: text that looks like one gets a leading apostrophe.

    Numbers stay numbers. Source: OWASP, CSV Injection.
    """
    if not isinstance(cell, str):
        return cell
    return "'" + cell if cell.lstrip(" ").startswith(_FORMULA_STARTS) else cell


def csv_text(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """Return RFC 4180 text with CRLF line ends; every cell is made `neutral`."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow([neutral(name) for name in header])
    writer.writerows([neutral(cell) for cell in row] for row in rows)
    return buffer.getvalue()


def tab_text(rows: Iterable[Sequence[Cell]]) -> str:
    """Return rows for the clipboard, one a line, cells apart by tabs; every cell is made `neutral`."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter="\t", lineterminator="\n")
    writer.writerows([neutral(cell) for cell in row] for row in rows)
    return buffer.getvalue().rstrip("\n")

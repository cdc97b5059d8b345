"""Attribute values as a person reads them. What a device wrote can't move the cursor or colour the screen."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from iotlab.table.text.items import to_plain
from iotlab.table.values import AttributeValue, Item

_WIDEST_CELL = 40
_GAP = 2
_RULE = 1


def visible(text: str) -> str:
    """Return a text with every character that does not print, such as a terminal's escape codes, as its escape."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def cell_text(attribute: AttributeValue | None) -> str:
    """Return a value on one line; an empty text for an attribute that is not there."""
    if attribute is None:
        return ""
    ((kind, value),) = attribute.items()
    match kind:
        case "S" | "N":
            return visible(value)
        case "B":
            return f"base64 {value}"
        case _:
            return visible(msgspec.json.encode(to_plain(attribute)).decode())


def attributes_table(item: Item, first: Sequence[str]) -> Table:
    """Return one item as a table with a line for each attribute."""
    table = Table("attribute", "type", "value", box=box.SIMPLE_HEAD, pad_edge=False)
    for name in _names([item], first):
        # Text objects, never markup: a value may hold anything.
        table.add_row(Text(visible(name)), next(iter(item[name])), Text(cell_text(item[name]), overflow="fold"))
    return table


def print_grid(items: Sequence[Item], first: Sequence[str], *, wide: bool) -> None:
    """Print items as a table with a column for each attribute, as many as the terminal has room for.

    What is cut bears a mark, and a line below says how to see it.
    """
    names = _names(items, first)
    cells = {name: [cell_text(item.get(name)) for item in items] for name in names}
    widths = {name: max(map(cell_len, [visible(name), *cells[name]])) for name in names}
    console = Console(width=sum(widths.values()) + (_GAP + _RULE) * len(names) + 2) if wide else Console()
    kept = names if wide else _fitting(names, widths, console.width)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, _GAP, 0, 0), collapse_padding=True)
    for name in kept:
        is_number = all("N" in item[name] for item in items if name in item)
        table.add_column(
            Text(visible(name)),
            no_wrap=True,
            overflow="ellipsis",
            max_width=None if wide else _WIDEST_CELL,
            justify="right" if is_number else "left",
        )
    for row in zip(*(cells[name] for name in kept), strict=True):
        table.add_row(*map(Text, row))
    console.print(table)
    _say_what_is_cut(console, names[len(kept) :], cut=not wide and any(widths[name] > _WIDEST_CELL for name in kept))


def _names(items: Sequence[Item], first: Sequence[str]) -> list[str]:
    present = {name for item in items for name in item}
    front = [name for name in first if name in present]
    return [*front, *sorted(present - set(front))]


def _fitting(names: list[str], widths: dict[str, int], room: int) -> list[str]:
    used = 0
    for count, name in enumerate(names):
        used += min(widths[name], _WIDEST_CELL) + _GAP + _RULE
        if used > room and count > 0:
            return names[:count]
    return names


def _say_what_is_cut(console: Console, hidden: list[str], *, cut: bool) -> None:
    parts = ["values that end in … are cut"] if cut else []
    if hidden:
        parts.insert(0, f"{len(hidden)} more columns: {', '.join(map(visible, hidden))}")
    if parts:
        console.print(Text(f"{'; '.join(parts)} (--wide shows all, --columns A,B chooses)", style="dim"))

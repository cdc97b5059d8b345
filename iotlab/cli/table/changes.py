"""One stream record as a person or a program reads it: what was before, and what is after."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from rich.console import Console
from rich.text import Text

from iotlab.cli.table.cells import cell_text, visible
from iotlab.clock import iso
from iotlab.table.store import StreamRecord
from iotlab.table.text.items import in_order, to_plain
from iotlab.table.values import AttributeValue, Item

_STYLES = {"INSERT": "green", "MODIFY": "yellow", "REMOVE": "red"}


class Difference(msgspec.Struct, frozen=True):
    """One attribute, or one part of a map, that is not as it was. None: not there."""

    path: str
    old: AttributeValue | None
    new: AttributeValue | None


def differences(old: Item, new: Item, within: str = "") -> Iterator[Difference]:
    """Yield what differs, looking into maps that are on both sides."""
    for name in sorted({*old, *new}):
        before, after = old.get(name), new.get(name)
        if before == after:
            continue
        path = f"{within}{name}"
        if before is not None and after is not None and "M" in before and "M" in after:
            yield from differences(before["M"], after["M"], f"{path}.")
        else:
            yield Difference(path, before, after)


def print_change(console: Console, record: StreamRecord) -> None:
    """Print a record on one line: time (UTC), event, key, differences."""
    key = " ".join(f"{visible(name)}={cell_text(value)}" for name, value in record.keys.items())
    line = Text.assemble(
        (iso(record.created_at_us), "dim"), "  ", (record.event_name, _STYLES[record.event_name]), "  ", (key, "bold")
    )
    for number, difference in enumerate(_differences(record)):
        line.append("  " if number == 0 else ", ")
        line.append(_words(difference))
    console.print(line, soft_wrap=True, highlight=False)


def change_json(record: StreamRecord, first: Sequence[str]) -> str:
    """Return a record as one line of plain JSON; ``old`` and ``new`` are null where the stream has no image."""
    return msgspec.json.encode(
        {
            "at": iso(record.created_at_us),
            "event": record.event_name,
            "key": _plain(record.keys, first),
            "old": _plain(record.old_image, first),
            "new": _plain(record.new_image, first),
            "sequence_number": record.sequence_number,
        }
    ).decode()


def _differences(record: StreamRecord) -> Iterator[Difference]:
    old, new = record.old_image or {}, record.new_image or {}
    for difference in differences(old, new):
        # The key is there already, and never changes.
        if difference.path not in record.keys:
            yield difference


def _words(difference: Difference) -> str:
    path, old, new = visible(difference.path), cell_text(difference.old), cell_text(difference.new)
    if difference.old is None:
        return f"+{path} {new}"
    if difference.new is None:
        return f"-{path} {old}"
    return f"{path} {old} → {new}"


def _plain(item: Item | None, first: Sequence[str]) -> dict[str, Any] | None:
    if item is None:
        return None
    return {name: to_plain(attribute) for name, attribute in in_order(item, first).items()}

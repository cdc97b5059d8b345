"""`iotlab table query`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Annotated, Any

import msgspec
import typer

from iotlab.cli.table.opening import find_table, open_store, readable, reading
from iotlab.cli.table.output import Columns, OutputFlag, Wide, chosen
from iotlab.cli.table.paging import Selection, limit_for, pages, show
from iotlab.cli.table.scan import Limit, WhereFlag
from iotlab.cli.table.where import Where, with_where
from iotlab.errors import ConfigError, Place
from iotlab.table.described import Described
from iotlab.table.keys import KeySchema
from iotlab.table.text.expressions import Placeholding
from iotlab.table.text.words import condition, key_condition, nearest
from iotlab.table.values import Item


class Bounds(msgspec.Struct, frozen=True):
    """The sort key's range as flags give it: no shell needs quotes for them."""

    since: str = ""
    until: str = ""
    prefix: str = ""

    def words(self, keys: KeySchema) -> list[str]:
        """Return the same as words of a condition. Raises ValueError when there is no sort key."""
        given = {">=": self.since, "<=": self.until, "^=": self.prefix}
        if any(given.values()) and not keys.sort:
            raise ValueError("the key has no sort key for --since, --until and --prefix")
        return [f"{keys.sort[0].name}{operator}{value}" for operator, value in given.items() if value]


@with_where
def command(
    where: Where,
    *,
    table: Annotated[str, typer.Argument(metavar="TABLE", help="The table's name.")],
    key: Annotated[
        list[str],
        typer.Argument(
            metavar="CONDITION…",
            help="device=kitchen, and on the sort key one of = < <= > >= and ^= (begins with): 'at>=2026-11-25'.",
        ),
    ],
    since: Annotated[str, typer.Option(help="Sort key at least this.", show_default=False)] = "",
    until: Annotated[str, typer.Option(help="Sort key at most this.", show_default=False)] = "",
    prefix: Annotated[str, typer.Option(help="Sort key that begins with this.", show_default=False)] = "",
    last: Annotated[int, typer.Option(min=0, help="Only the last so many items.", show_default=False)] = 0,
    reverse: Annotated[bool, typer.Option("--reverse", help="Last item first.")] = False,
    only: WhereFlag = "",
    columns: Columns = "",
    limit: Limit = None,
    index: Annotated[str, typer.Option("--index", help="Query this index.", show_default=False)] = "",
    output: OutputFlag = None,
    wide: Wide = False,
) -> None:
    """Print items of one partition, in the order of the sort key.

    A shell takes < and > for its own: put such conditions in quotes, or use --since and --until.

    Examples:

        iotlab table query readings device=kitchen --last 20 --reverse

        iotlab table query readings device=kitchen 'at>=2026-11-25' --where "values.temperature > 21"

        iotlab table query readings device=kitchen --prefix 2026-11-25T06 --columns at,values --output csv
    """
    selection = Selection(only, columns, last or limit)
    placeholding = Placeholding()
    with open_store(where) as opened:
        found = find_table(opened, table)
        keys = _keys(found, index)
        with reading("CONDITION"):
            words = [condition(word, keys) for word in [*key, *Bounds(since, until, prefix).words(keys)]]
            expression = key_condition(words, keys, placeholding)
        request: dict[str, Any] = {"TableName": table, "KeyConditionExpression": expression}
        request |= selection.request(placeholding) | placeholding.request()
        request |= {"IndexName": index} if index in found.indexes else {"ConsistentRead": True}
        request["ScanIndexForward"] = not (last or reverse)
        wanted = limit_for(selection, chosen(output))
        items = pages(opened.store, "Query", request, wanted=wanted)
        with readable(placeholding):
            show(_last(items, last, reverse=reverse), found, selection, output, wide=wide)


def _last(items: Iterator[Item], last: int, *, reverse: bool) -> Iterator[Item]:
    """Return the newest items, oldest of them first unless they are wanted in reverse."""
    if not last:
        return items
    newest = list(islice(items, last))
    return iter(newest if reverse else reversed(newest))


def _keys(found: Described, index: str) -> KeySchema:
    if not index:
        return found.keys
    if index not in found.indexes:
        known = ", ".join(found.indexes) or "none: the table has no index"
        raise ConfigError(
            Place("--index"), f"no index {index!r}", expected=known, nearest=nearest(index, found.indexes)
        )
    return found.indexes[index]

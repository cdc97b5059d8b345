"""Pages of Query and Scan as one run of items."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import msgspec

from iotlab.cli.table.opening import reading
from iotlab.cli.table.output import TABLE_ROWS, Columns, Layout, Output, chosen, note, print_items
from iotlab.table.described import Described
from iotlab.table.store import Store
from iotlab.table.text.expressions import Placeholding, condition, projection
from iotlab.table.values import Item

__all__ = ["Columns", "Selection", "pages", "show"]


class Selection(msgspec.Struct, frozen=True):
    """What of the found items is wanted.

    Attributes:
        where: A filter with literals; empty for all.
        columns: Paths, separated by commas; empty for all.
        limit: Items to print; 0 for all, None for all or for as many as a table shows.
    """

    where: str = ""
    columns: str = ""
    limit: int | None = None

    @property
    def paths(self) -> list[str]:
        """The columns one by one."""
        return [path.strip() for path in self.columns.split(",") if path.strip()]

    def request(self, placeholding: Placeholding) -> dict[str, Any]:
        """Return the filter and the projection as parameters of a request. Raises ConfigError."""
        asked: dict[str, Any] = {}
        if self.where:
            with reading("--where"):
                asked["FilterExpression"] = condition(self.where, placeholding)
        if self.paths:
            with reading("--columns"):
                asked["ProjectionExpression"] = projection(self.paths, placeholding)
        return asked


def pages(store: Store, operation: str, request: dict[str, Any], *, wanted: int = 0) -> Iterator[Item]:
    """Yield the items of all pages.

    Args:
        store: Where.
        operation: ``Query`` or ``Scan``.
        request: Its parameters.
        wanted: About how many items will be taken, so that no page is much longer; 0 for all.
    """
    if wanted and "FilterExpression" not in request:
        request = request | {"Limit": wanted}
    while True:
        page = store.call(operation, request)
        yield from page["Items"]
        if "LastEvaluatedKey" not in page:
            return
        request = request | {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def show(items: Iterator[Item], table: Described, selection: Selection, output: Output | None, *, wide: bool) -> None:
    """Print items up to the limit, and say when there are more."""
    form = chosen(output)
    limit = limit_for(selection, form)
    first = [path.split(".")[0].split("[")[0].strip("`") for path in selection.paths] or table.keys.names
    print_items(islice(items, limit or None), Layout(form, list(dict.fromkeys(first)), wide))
    if limit and next(items, None) is not None:
        note(f"The first {limit} items; there are more: --limit 0 for all.")


def limit_for(selection: Selection, form: Output) -> int:
    """Return how many items are printed; 0 for all."""
    if selection.limit is not None:
        return selection.limit
    return TABLE_ROWS if form is Output.TABLE else 0

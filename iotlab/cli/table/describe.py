"""`iotlab table describe`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
import typer

from iotlab.cli.table.opening import find_table, open_store
from iotlab.cli.table.output import Output, OutputFlag, chosen
from iotlab.cli.table.where import Where, with_where
from iotlab.errors import ConfigError, Place
from iotlab.table.described import Described
from iotlab.table.keys import KeySchema


@with_where
def command(
    where: Where,
    *,
    table: Annotated[str, typer.Argument(metavar="TABLE", help="The table's name.")],
    output: OutputFlag = None,
) -> None:
    """Describe one table: keys, indexes, stream, size. JSON is DynamoDB's own TableDescription.

    Examples:

        iotlab table describe readings

        iotlab table describe readings --output json
    """
    form = chosen(output)
    if form not in {Output.TABLE, Output.JSON, Output.JSONL}:
        raise ConfigError(Place("--output"), f"{form} is for items", expected="table, json or jsonl")
    with open_store(where) as opened:
        found = find_table(opened, table)
    if form is Output.TABLE:
        _print_table(found)
    else:
        body = msgspec.json.encode(found.document, enc_hook=_plain_time)
        print((msgspec.json.format(body, indent=2) if form is Output.JSON else body).decode())


def _plain_time(value: Any) -> Any:
    """Return a time as DynamoDB's JSON has it; the SDK makes objects of them."""
    return value.timestamp() if isinstance(value, datetime) else str(value)


def _print_table(found: Described) -> None:
    from rich import box  # noqa: PLC0415  only for people
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=box.SIMPLE, show_header=False, pad_edge=False)
    for name, value in _lines(found):
        table.add_row(Text(name, style="bold"), Text(value))
    Console().print(table)


def _lines(found: Described) -> Iterator[tuple[str, str]]:
    document = found.document
    yield "table", found.name
    yield "status", str(document.get("TableStatus", ""))
    yield "key", _key(found.keys)
    for name, keys in found.indexes.items():
        yield "index", f"{name}: {_key(keys)}"
    yield "items", f"{found.item_count:,}"
    if "TableSizeBytes" in document:
        yield "size", f"{document['TableSizeBytes']:,} bytes"
    if found.stream_arn:
        yield "stream", str(document.get("StreamSpecification", {}).get("StreamViewType", "disabled"))
        yield "stream ARN", found.stream_arn
    created = document.get("CreationDateTime")
    if created is not None:
        at = created if isinstance(created, datetime) else datetime.fromtimestamp(created, UTC)
        yield "created", at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    yield "ARN", str(document.get("TableArn", ""))


def _key(keys: KeySchema) -> str:
    partition = ", ".join(f"{part.name} ({part.kind})" for part in keys.partition)
    sort = ", ".join(f"{part.name} ({part.kind})" for part in keys.sort)
    return f"partition {partition}" + (f", sort {sort}" if sort else "")

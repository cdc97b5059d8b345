"""`iotlab triggers list`."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from iotlab.cli.options import with_settings
from iotlab.cli.triggers.declared import triggers_file
from iotlab.config import Settings
from iotlab.triggers.host.containment import containment
from iotlab.triggers.host.declared import load_functions
from iotlab.triggers.host.function import Function
from iotlab.triggers.mapping.file import load_mappings
from iotlab.triggers.mapping.settings import MappingSettings


@with_settings("data")
def command(
    settings: Settings,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print them as JSON.")] = False,
) -> None:
    """List the handlers and what feeds them, as `triggers.toml` in the data directory declares them.

    Examples:

        iotlab triggers list --data ./lab

        iotlab triggers list --json
    """
    file = triggers_file(settings.data.dir)
    functions = load_functions(file)
    tables = _tables(load_mappings(file)) if functions else {}
    rows = [_row(function, tables.get(function.name, [])) for function in functions]
    if as_json:
        print(msgspec.json.format(msgspec.json.encode(rows), indent=2).decode())
        return
    if not rows:
        print(f"No handlers: {file} declares none. Declare one: iotlab triggers add NAME FILE --table TABLE")
        return
    _show(rows)


def _tables(mappings: list[MappingSettings]) -> dict[str, list[str]]:
    """Return the tables that feed each handler."""
    fed: dict[str, list[str]] = {}
    for mapping in mappings:
        fed.setdefault(mapping.handler, []).append(
            mapping.table if mapping.enabled else f"{mapping.table} (disabled)"
        )
    return fed


def _row(function: Function, tables: list[str]) -> dict[str, Any]:
    return {
        "name": function.name,
        "tables": tables,
        "code": str(function.path),
        "handler": function.handler,
        "runtime": function.runtime,
        "timeout_s": function.limits.timeout_s,
        "memory_mb": function.limits.memory_mb,
        "network": function.network,
    }


def _show(rows: list[dict[str, Any]]) -> None:
    table = Table.grid(padding=(0, 3))
    table.add_row(*(Text(name, style="bold") for name in ("name", "fed by", "code", "timeout", "memory", "network")))
    for row in rows:
        table.add_row(
            Text(row["name"]),
            Text(", ".join(row["tables"]) or "nothing"),
            Text(f"{row['code']} ({row['handler']})"),
            Text(f"{row['timeout_s']:g} s"),
            Text(f"{row['memory_mb']} MB"),
            Text("yes" if row["network"] else "no"),
        )
    console = Console(highlight=False)
    console.print(table)
    for sentence in containment().not_contained:
        console.print(Text(f"Not contained here: {sentence}"))

"""`iotlab triggers add`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from iotlab.cli.options import with_settings
from iotlab.cli.triggers.declared import triggers_file
from iotlab.config import Settings
from iotlab.triggers.host.declared import parse_functions
from iotlab.triggers.mapping.file import parse_mappings


@with_settings("data")
def command(
    settings: Settings,
    *,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The handler's name.")],
    code: Annotated[Path, typer.Argument(metavar="FILE", help="Its file, or the folder of its package.")],
    table: Annotated[str, typer.Option(metavar="TABLE", help="The table whose changes feed it.")] = "",
    handler: Annotated[
        str, typer.Option(metavar="MODULE.FUNCTION", help="Default: `handler` in the file.", show_default=False)
    ] = "",
    timeout_s: Annotated[float, typer.Option("--timeout", metavar="SECONDS", help="How long it may run.")] = 3.0,
    memory_mb: Annotated[int, typer.Option("--memory", metavar="MB", help="How much memory it may use.")] = 128,
    network: Annotated[bool, typer.Option("--network", help="Let it use the network.")] = False,
    filter_: Annotated[
        str, typer.Option("--filter", metavar="JSON", help="A pattern that a record must match.", show_default=False)
    ] = "",
) -> None:
    """Declare a handler, and the table that feeds it, in `triggers.toml` of the data directory.

    The file stays yours: edit it for the other settings, which docs/handlers.md names.

    Examples:

        iotlab triggers add leaks examples/handlers/leak_detector.py --table devices

        iotlab triggers add orders ./orders --handler app.lambda_handler --table stock --network
    """
    fields: dict[str, object] = {"name": name, "code": str(code.resolve()), "timeout_s": timeout_s}
    fields |= {"memory_mb": memory_mb} | ({"handler": handler} if handler else {})
    fields |= {"network": True} if network else {}
    text = _table("handler", fields)
    if table:
        mapping: dict[str, object] = {"name": name, "table": table, "handler": name}
        text += "\n" + _table("mapping", mapping | ({"filters": [filter_]} if filter_ else {}))
    file = triggers_file(settings.data.dir)
    before = file.read_text(encoding="utf-8") if file.exists() else ""
    after = before + ("\n" if before else "") + text
    # Nothing is written that could not be read again.
    parse_functions(after, file)
    parse_mappings(after, str(file))
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(file.name + ".new")
    temporary.write_text(after, encoding="utf-8")
    temporary.replace(file)
    print(f"{name} is declared in {file}. A running lab takes it over within seconds.")


def _table(kind: str, fields: dict[str, object]) -> str:
    # A JSON text, number, boolean or list of texts is one of TOML as well, but for escaped surrogates.
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in fields.items()]
    return "\n".join([f"[[{kind}]]", *lines, ""])

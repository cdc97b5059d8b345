"""`iotlab triggers replay`."""

from __future__ import annotations

import tempfile
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from iotlab.cli.table.opening import open_store
from iotlab.cli.table.where import Where, with_where
from iotlab.cli.triggers.declared import hosting, triggers_file
from iotlab.errors import ConfigError, Place
from iotlab.triggers.host.declared import load_functions
from iotlab.triggers.host.function import Function
from iotlab.triggers.mapping.dead_letters import list_dead_letters
from iotlab.triggers.mapping.replay import replay
from iotlab.triggers.mapping.settings import MappingSettings

EXIT_FAILED_AGAIN = 1


@with_where
def command(
    where: Where,
    *,
    mapping: Annotated[str, typer.Argument(metavar="MAPPING", help="The mapping's name.")],
    handler: Annotated[
        str, typer.Option(metavar="NAME", help="Its handler. Default: that of the same name.", show_default=False)
    ] = "",
    limit: Annotated[int, typer.Option("--limit", "-n", min=0, help="Replay so many, oldest first; 0 all.")] = 0,
) -> None:
    """Hand given-up records to their handler once more, after it was mended. Those it handles are deleted.

    The handler runs beside a running lab, with the code as it is now. The exit code is 1 when a record failed again.

    Examples:

        iotlab triggers replay leaks

        iotlab triggers replay leaks --limit 1
    """
    function = _function(where.directory, handler or mapping)
    settings = MappingSettings(name=mapping, table="", handler=function.name)
    with (
        open_store(where) as opened,
        tempfile.TemporaryDirectory() as folder,
        hosting(function, Path(folder)) as host,
    ):
        letters = list(islice(list_dead_letters(opened.store, mapping), limit or None))
        report = replay(opened.store, settings, host.handler(function.name), letters)
    print(f"{report.handled} handled, {report.failed} failed again, {report.skipped} of a window's end left alone.")
    for sentence in report.errors:
        print(f"  {sentence}")
    if report.failed:
        raise typer.Exit(EXIT_FAILED_AGAIN)


def _function(directory: Path, name: str) -> Function:
    file = triggers_file(directory)
    functions = {function.name: function for function in load_functions(file)}
    if name not in functions:
        known = f"one of {', '.join(functions)}" if functions else "a handler; none is declared"
        raise ConfigError(Place(str(file)), f"there is no handler {name!r}", expected=known)
    return functions[name]

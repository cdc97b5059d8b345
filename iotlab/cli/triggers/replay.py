"""`iotlab triggers replay`."""

from __future__ import annotations

import tempfile
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer

from iotlab.cli.table.opening import open_store
from iotlab.cli.table.where import Where, with_where
from iotlab.cli.triggers.declared import find_declared, hosting, triggers_file
from iotlab.triggers.host.declared import load_functions
from iotlab.triggers.mapping.dead_letters import list_dead_letters
from iotlab.triggers.mapping.file import load_mappings
from iotlab.triggers.mapping.replay import replay

EXIT_FAILED_AGAIN = 1


@with_where
def command(
    where: Where,
    *,
    mapping: Annotated[str, typer.Argument(metavar="MAPPING", help="The mapping's name.")],
    limit: Annotated[int, typer.Option("--limit", "-n", min=0, help="Replay so many, oldest first; 0 all.")] = 0,
) -> None:
    """Hand given-up records to their handler once more, after it was mended. Those it handles are deleted.

    The handler runs beside a running lab, with the code as it is now. The exit code is 1 when a record failed again.

    Examples:

        iotlab triggers replay leaks

        iotlab triggers replay leaks --limit 1
    """
    file = triggers_file(where.directory)
    settings = find_declared(load_mappings(file) if file.exists() else [], mapping, file, "mapping")
    function = find_declared(load_functions(file), settings.handler, file, "handler")
    with (
        open_store(where) as opened,
        tempfile.TemporaryDirectory() as folder,
        hosting(function, Path(folder), where.directory) as host,
    ):
        letters = list(islice(list_dead_letters(opened.store, mapping), limit or None))
        report = replay(opened.store, settings, host.handler(function.name), letters)
    print(f"{report.handled} handled, {report.failed} failed again, {report.skipped} of a window's end left alone.")
    for sentence in report.errors:
        print(f"  {sentence}")
    if report.failed:
        raise typer.Exit(EXIT_FAILED_AGAIN)

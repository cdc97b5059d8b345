"""`iotlab rules check`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from iotlab.cli.options import with_settings
from iotlab.cli.rules.finding import find_rules
from iotlab.config import Settings


@with_settings("data")
def command(
    settings: Settings,
    *,
    file: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="The file of rules. Default: the lab's.", show_default=False),
    ] = None,
) -> None:
    """Say what is wrong with a file of rules: file, line, key, what was expected, and the nearest word.

    It ends with 2 when something is wrong, and 0 else. A running lab does the same by itself when its file changes.

    Examples:

        iotlab rules check

        iotlab rules check my-rules.toml
    """
    path, rules = find_rules(settings.data.dir, file)
    print(f"{path}: {len(rules)} rules, nothing wrong")

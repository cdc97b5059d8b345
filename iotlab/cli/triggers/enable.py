"""`iotlab triggers enable`."""

from __future__ import annotations

from typing import Annotated

import typer

from iotlab.cli.table.where import Where, with_where
from iotlab.cli.triggers.switching import switch


@with_where
def command(
    where: Where,
    *,
    mapping: Annotated[str, typer.Argument(metavar="MAPPING", help="The mapping's name.")],
) -> None:
    """Let a mapping run again. It goes on where it stopped.

    A running lab does it within seconds. An edit of `enabled` in `triggers.toml` after it counts more.

    Examples:

        iotlab triggers enable leaks
    """
    switch(where, mapping, enabled=True)
    print(f"{mapping} is enabled and goes on where it stopped.")

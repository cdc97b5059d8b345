"""`iotlab triggers disable`."""

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
    """Have a mapping invoke nothing until it is enabled. It keeps its position.

    A running lab does it within seconds. An edit of `enabled` in `triggers.toml` after it counts more.

    Examples:

        iotlab triggers disable leaks
    """
    switch(where, mapping, enabled=False)
    print(f"{mapping} is disabled and keeps its position.")

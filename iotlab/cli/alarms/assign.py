"""`iotlab alarms assign`."""

from __future__ import annotations

from typing import Annotated

import typer

from iotlab.cli.alarms.acting import By, Key, act
from iotlab.cli.table.where import Where, with_where


@with_where
def command(
    where: Where,
    *,
    key: Key,
    to: Annotated[str, typer.Argument(metavar="NAME", help="Who is to see to it; nobody when it is left out.")] = "",
    by: By = "",
) -> None:
    """Say who is to see to an alarm. A new episode begins with nobody.

    Example:

        iotlab alarms assign leak/tap ben
    """
    act(where, by, [key], lambda person, alarm: person.assign(alarm, to))

"""`iotlab alarms comment`."""

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
    text: Annotated[str, typer.Argument(metavar="TEXT", help="The comment, at most 1000 characters.")],
    by: By = "",
) -> None:
    """Write a comment into an alarm's journal. Nobody is notified of it.

    Example:

        iotlab alarms comment leak/tap "The plumber comes at ten"
    """
    act(where, by, [key], lambda person, alarm: person.comment(alarm, text))

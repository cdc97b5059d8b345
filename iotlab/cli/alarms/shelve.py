"""`iotlab alarms shelve`."""

from __future__ import annotations

from typing import Annotated

import typer

from iotlab.cli.alarms.acting import By, Keys, act
from iotlab.cli.durations import duration_s
from iotlab.cli.table.where import Where, with_where


@with_where
def command(
    where: Where,
    *,
    keys: Keys,
    for_s: Annotated[
        float, typer.Option("--for", metavar="DURATION", parser=duration_s, help="How long, at most 31d.")
    ],
    by: By = "",
) -> None:
    """Hide alarms for a time: they are judged and journalled as ever, and nobody is notified.

    It ends by itself, also when the lab was restarted meanwhile. An alarm that is open then is notified.

    Example:

        iotlab alarms shelve leak/tap --for 2h
    """
    act(where, by, keys, lambda person, key: person.shelve(key, for_s))

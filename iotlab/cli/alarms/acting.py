"""What the verbs that act on alarms share."""

from __future__ import annotations

import getpass
from collections.abc import Callable, Sequence
from typing import Annotated

import typer

from iotlab.cli.table.opening import open_store
from iotlab.cli.table.where import Where
from iotlab.domain.alarm import Transition
from iotlab.lab.pace import lab_clock
from iotlab.triggers.acts import Person

Key = Annotated[str, typer.Argument(metavar="ALARM", help="The alarm's key, RULE/DEVICE.")]
Keys = Annotated[list[str], typer.Argument(metavar="ALARM…", help="The alarms' keys, RULE/DEVICE.")]
By = Annotated[
    str, typer.Option("--by", metavar="NAME", help="Who does it. Default: your user name.", show_default=False)
]


def act(where: Where, by: str, keys: Sequence[str], step: Callable[[Person, str], Transition]) -> None:
    """Do one thing to each alarm and say so. Raises AlarmError at the first that does not allow it."""
    with open_store(where) as opened:
        person = Person(opened.store, by or getpass.getuser(), lab_clock(where.directory))
        for key in keys:
            done = step(person, key)
            note = f" {done.note}" if done.note and done.what != "commented" else ""
            print(f"{done.alarm}: {done.what}{note}, now {done.to} (version {done.version})")

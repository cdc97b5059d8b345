"""`iotlab alarms unack`."""

from __future__ import annotations

from iotlab.cli.alarms.acting import By, Keys, act
from iotlab.cli.table.where import Where, with_where


@with_where
def command(where: Where, *, keys: Keys, by: By = "") -> None:
    """Take acknowledgements back: the alarms wait for one again, with their reminders.

    Example:

        iotlab alarms unack leak/tap
    """
    act(where, by, keys, lambda person, key: person.unacknowledge(key))

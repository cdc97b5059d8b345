"""`iotlab alarms clear`."""

from __future__ import annotations

from iotlab.cli.alarms.acting import By, Keys, act
from iotlab.cli.table.where import Where, with_where


@with_where
def command(where: Where, *, keys: Keys, by: By = "") -> None:
    """End an alarm's episode by hand. The next reading that is beyond the threshold begins another one.

    Example:

        iotlab alarms clear leak/tap
    """
    act(where, by, keys, lambda person, key: person.clear(key))

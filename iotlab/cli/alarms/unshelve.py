"""`iotlab alarms unshelve`."""

from __future__ import annotations

from iotlab.cli.alarms.acting import By, Keys, act
from iotlab.cli.table.where import Where, with_where


@with_where
def command(where: Where, *, keys: Keys, by: By = "") -> None:
    """End a shelving before its time.

    Example:

        iotlab alarms unshelve leak/tap
    """
    act(where, by, keys, lambda person, key: person.unshelve(key))

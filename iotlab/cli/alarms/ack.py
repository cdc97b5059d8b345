"""`iotlab alarms ack`."""

from __future__ import annotations

from iotlab.cli.alarms.acting import By, Keys, act
from iotlab.cli.table.where import Where, with_where


@with_where
def command(where: Where, *, keys: Keys, by: By = "") -> None:
    """Acknowledge alarms: somebody knows. Their channels are told, and reminders end.

    Example:

        iotlab alarms ack leak/tap
    """
    act(where, by, keys, lambda person, key: person.acknowledge(key))

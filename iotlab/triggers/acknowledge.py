"""Acknowledging an alarm as one call; `iotlab.triggers.acts.Person` has everything that a person may do."""

from __future__ import annotations

from iotlab.clock import Clock
from iotlab.domain.alarm import Transition
from iotlab.table.store import Store
from iotlab.triggers.acts import Person


def acknowledge(store: Store, alarm: str, *, by: str, clock: Clock, seen_version: int | None = None) -> Transition:
    """Acknowledge a raised alarm, write the journal and notify its channels, all in one transaction.

    Args:
        store: The lab's table, embedded or remote.
        alarm: The alarm's key, ``<rule>/<device>``.
        by: The person's name, as shown to others.
        clock: Where the time of the transition comes from.
        seen_version: The version that the person saw; None acknowledges whatever stands now.

    Raises:
        AlarmError: there is no such alarm, it is not raised, or it changed since the person saw it.
        UnavailableError: the table can't be reached; whether it happened is unknown, and asking again is safe.
    """
    return Person(store, by, clock).acknowledge(alarm, seen_version=seen_version)

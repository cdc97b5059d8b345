"""What a person does to an alarm, from the window, the command line or anywhere else that reaches the table."""

from __future__ import annotations

from iotlab.clock import Clock
from iotlab.domain.alarm import Transition
from iotlab.errors import AlarmError
from iotlab.table.errors import TransactionCanceledException
from iotlab.table.store import Store
from iotlab.triggers.alarms import Alarm, acknowledged
from iotlab.triggers.writes import read_alarm, transition, transition_writes


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
    before = read_alarm(store, alarm)
    if before is None:
        raise AlarmError(
            f"there is no alarm {alarm!r}", hint="Its key is <rule>/<device>, as the alarm list shows it."
        )
    now_us = clock.now_us()
    after = acknowledged(before, by, now_us)
    if seen_version is not None and seen_version != before.version:
        raise _changed(before)
    try:
        store.transact_write(transition_writes(before, after, now_us, by=by))
    except TransactionCanceledException as error:
        raise _changed(read_alarm(store, alarm) or before) from error
    return transition(after, now_us, by=by)


def _changed(now: Alarm) -> AlarmError:
    return AlarmError(
        f"{now.title} changed meanwhile: it is {now.state} (version {now.version})",
        hint="Look at the alarm as it is now and decide again.",
    )

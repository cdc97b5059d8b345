"""An alarm's transition as one transaction: the alarm's item, its journal row, and one outbox row a channel.

The alarm's item is written on condition of its version, so that a transition happens once, whoever else tries;
the notification is stored in the same transaction, so that it is neither lost nor made twice.
"""

from __future__ import annotations

import msgspec

from iotlab.domain.alarm import Happening, Transition
from iotlab.domain.notification import Notification
from iotlab.domain.schema import ALARMS, JOURNAL, OUTBOX, TRACES
from iotlab.table.store import Put, Store, Write
from iotlab.table.values import Item, item, plain, to_wire
from iotlab.triggers.alarms import Alarm, is_silent
from iotlab.triggers.happenings import starts_flapping, what_happened
from iotlab.triggers.telling import body_of, note_of, title_of

ALARM_STOP = "alarm/"
"""How the stop of a transition in the trace of a message begins."""

RULE = "rule"
TIMER = "timer"

_NEVER_TOLD: frozenset[Happening] = frozenset({"pending", "commented", "assigned", "deescalated"})


def transition(before: Alarm | None, after: Alarm, at_us: int, *, by: str = RULE) -> Transition:
    """Return what happened, for the journal."""
    what = what_happened(before, after)
    return Transition(
        alarm=after.alarm,
        version=after.version,
        to=after.state,
        at_us=at_us,
        rule=after.rule,
        device=after.device,
        channel=after.channel,
        severity=after.severity,
        value=after.value if by == RULE else "",
        message=after.message,
        by=by,
        what=what,
        note=note_of(before, after, what),
    )


def transition_writes(before: Alarm | None, after: Alarm, at_us: int, *, by: str = RULE) -> list[Write]:
    """Return the writes of one change of one alarm: with a journal row and notifications unless it is silent."""
    writes: list[Write] = [_alarm_put(before, after)]
    if is_silent(before, after):
        return writes
    happened = transition(before, after, at_us, by=by)
    what = "flapping" if starts_flapping(before, after) else happened.what
    told = _channels(before, after, what)
    writes.append(_journal_put(happened, told, flapping=after.is_flapping))
    writes.extend(_outbox_put(after, channel, happened, what) for channel in told)
    if after.message_id:
        writes.append(_stop_put(after.message_id, happened))
    return writes


def quiet_writes(before: Alarm | None, after: Alarm) -> list[Write]:
    """Return the writes of a change that nobody needs to hear of, such as a timer that begins."""
    return [_alarm_put(before, after)]


def read_alarm(store: Store, key: str) -> Alarm | None:
    """Return the alarm as stored, or None when there is none."""
    found = store.get_item(ALARMS, {"alarm": {"S": key}})
    return None if found is None else alarm_of(found)


def alarm_of(wire: Item) -> Alarm:
    """Return an item of the table ``alarms`` as an alarm. Raises msgspec.ValidationError."""
    return msgspec.convert(plain(wire), Alarm)


def _channels(before: Alarm | None, after: Alarm, what: Happening) -> tuple[str, ...]:
    """Return the channels that are told of it: the alarm's, unless it is kept quiet."""
    if what in _NEVER_TOLD:
        return ()
    if what == "shelved":
        return after.notify if after.is_open else ()
    if after.is_shelved or (what == "unshelved" and not after.is_open):
        return ()
    if what == "reminded":
        known = before.told if before is not None else {}
        return tuple(channel for channel, at_us in after.told.items() if known.get(channel) != at_us)
    # While it flaps, only its beginning and what is worse than before is told.
    if after.is_flapping and what not in {"flapping", "escalated"}:
        return ()
    return after.notify


def _alarm_put(before: Alarm | None, after: Alarm) -> Put:
    wire = item(msgspec.structs.asdict(after))
    if before is None:
        return Put(ALARMS, wire, "attribute_not_exists(#a)", {"#a": "alarm"})
    return Put(ALARMS, wire, "#v = :v", {"#v": "version"}, {":v": to_wire(before.version)})


def _journal_put(happened: Transition, told: tuple[str, ...], *, flapping: bool) -> Put:
    row = {
        "alarm": happened.alarm,
        "version": happened.version,
        "to": happened.to,
        "what": happened.what,
        "at_us": happened.at_us,
        "by": happened.by,
        "severity": happened.severity,
        "value": happened.value,
        "message": happened.message,
        "note": happened.note or None,
        "flapping": flapping or None,
        "told": told or None,
    }
    return Put(JOURNAL, item(row), "attribute_not_exists(#a)", {"#a": "alarm"})


def _stop_put(message_id: str, happened: Transition) -> Put:
    """Return the stop that leads from the alarm's last cause to this transition."""
    row = {
        "id": message_id,
        "stop": f"{ALARM_STOP}{happened.version:010d}/{happened.alarm}",
        "at_us": happened.at_us,
        "detail": f"{happened.alarm}: {happened.what} by {happened.by}",
        "alarm": happened.alarm,
        "version": happened.version,
    }
    return Put(TRACES, item(row))


def _outbox_put(after: Alarm, channel: str, happened: Transition, what: Happening) -> Put:
    notification = Notification(
        alarm=after.alarm,
        version=after.version,
        channel=channel,
        to=after.state,
        severity=after.severity,
        title=title_of(after, what),
        body=body_of(after, happened, what),
        created_us=happened.at_us,
        message_id=after.message_id,
        what=what,
        facts=_facts(after, happened),
    )
    return Put(OUTBOX, item(notification.outbox_row()), "attribute_not_exists(#k)", {"#k": "key"})


def _facts(after: Alarm, happened: Transition) -> dict[str, str]:
    known = {
        "name": after.name or after.device,
        "headline": after.title,
        "value": after.value,
        "threshold": after.threshold,
        "room": after.room,
        "type": after.device_type,
        "channel": after.channel,
        "by": "" if happened.by in {RULE, TIMER} else happened.by,
        "assignee": after.assignee,
        # It names the waiting period that a button on a phone may end.
        "waiting": str(after.waiting_us) if after.waiting_us is not None else "",
    }
    return {name: text for name, text in known.items() if text}

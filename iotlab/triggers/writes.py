"""An alarm's transition as one transaction: the alarm's item, its journal row, and one outbox row a channel.

The alarm's item is written on condition of its version, so that a transition happens once, whoever else tries;
the notification is stored in the same transaction, so that it is neither lost nor made twice.
"""

from __future__ import annotations

import msgspec

from iotlab.domain.alarm import Transition
from iotlab.domain.notification import Notification
from iotlab.domain.schema import ALARMS, JOURNAL, OUTBOX
from iotlab.table.store import Put, Store, Write
from iotlab.table.values import Item, item, plain, to_wire
from iotlab.triggers.alarms import Alarm, is_silent
from iotlab.triggers.sentence import shown_duration

RULE = "rule"


def transition(after: Alarm, at_us: int, *, by: str = RULE) -> Transition:
    """Return what happened, for the journal."""
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
    )


def transition_writes(before: Alarm | None, after: Alarm, at_us: int, *, by: str = RULE) -> list[Write]:
    """Return the writes of one change of one alarm: with a journal row and notifications unless it is silent."""
    writes: list[Write] = [_alarm_put(before, after)]
    if is_silent(before, after):
        return writes
    happened = transition(after, at_us, by=by)
    writes.append(_journal_put(happened))
    if after.state != "pending":
        writes.extend(_outbox_put(after, channel, happened) for channel in after.notify)
    return writes


def read_alarm(store: Store, key: str) -> Alarm | None:
    """Return the alarm as stored, or None when there is none."""
    found = store.get_item(ALARMS, {"alarm": {"S": key}})
    return None if found is None else alarm_of(found)


def alarm_of(wire: Item) -> Alarm:
    """Return an item of the table ``alarms`` as an alarm. Raises msgspec.ValidationError."""
    return msgspec.convert(plain(wire), Alarm)


def _alarm_put(before: Alarm | None, after: Alarm) -> Put:
    wire = item(msgspec.structs.asdict(after))
    if before is None:
        return Put(ALARMS, wire, "attribute_not_exists(#a)", {"#a": "alarm"})
    return Put(ALARMS, wire, "#v = :v", {"#v": "version"}, {":v": to_wire(before.version)})


def _journal_put(happened: Transition) -> Put:
    row = {
        "alarm": happened.alarm,
        "version": happened.version,
        "to": happened.to,
        "at_us": happened.at_us,
        "by": happened.by,
        "value": happened.value,
        "message": happened.message,
    }
    return Put(JOURNAL, item(row), "attribute_not_exists(#a)", {"#a": "alarm"})


def _outbox_put(after: Alarm, channel: str, happened: Transition) -> Put:
    notification = Notification(
        alarm=after.alarm,
        version=after.version,
        channel=channel,
        to=after.state,
        severity=after.severity,
        title=_title(after),
        body=_body(after, happened),
        created_us=happened.at_us,
        message_id=after.message_id,
    )
    return Put(OUTBOX, item(notification.outbox_row()), "attribute_not_exists(#k)", {"#k": "key"})


def _title(after: Alarm) -> str:
    match after.state:
        case "acknowledged":
            return f"Acknowledged: {after.title}"
        case "cleared":
            return f"Cleared: {after.title}"
        case _:
            return f"{after.severity.capitalize()}: {after.title}"


def _body(after: Alarm, happened: Transition) -> str:
    if after.state == "acknowledged":
        return f"Acknowledged by {happened.by}. {after.message}"
    if after.state != "cleared":
        return after.message
    lasted = f" after {shown_duration(happened.at_us - after.raised_us)}" if after.raised_us is not None else ""
    now = f"{after.channel} is {after.value}" if after.value else "Its rule was removed"
    return f"{now}; cleared{lasted}. It was: {after.message}"

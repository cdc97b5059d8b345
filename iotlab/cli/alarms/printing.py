"""Alarms and transitions as rows for people and for programs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from iotlab.clock import iso
from iotlab.domain.schema import JOURNAL
from iotlab.table.store import Page, Store
from iotlab.table.values import Item, item, plain
from iotlab.triggers.alarms import Alarm

ALARM_COLUMNS = ("alarm", "state", "severity", "since", "message", "assignee", "shelved_until", "flapping")
JOURNAL_COLUMNS = ("at", "alarm", "what", "by", "note", "to", "value", "version", "message")


def alarm_row(alarm: Alarm) -> Item:
    """Return what the list shows of an alarm."""
    return item(
        {
            "alarm": alarm.alarm,
            "state": alarm.state,
            "severity": alarm.severity,
            "since": iso(alarm.raised_us or alarm.since_us),
            "message": alarm.message,
            "assignee": alarm.assignee,
            "shelved_until": _time(alarm.shelved_until_us),
            "flapping": f"{alarm.flaps} changes" if alarm.is_flapping else None,
            "version": alarm.version,
        }
    )


def journal_row(row: Item) -> Item:
    """Return what the journal shows of a transition."""
    known: dict[str, Any] = plain(row)
    return item(
        {
            "at": iso(known["at_us"]),
            "alarm": known["alarm"],
            "version": known["version"],
            "what": known.get("what", known["to"]),
            "to": known["to"],
            "by": known["by"],
            "note": known.get("note"),
            "flapping": known.get("flapping"),
            "value": known.get("value") or None,
            "message": known.get("message") or None,
            "told": known.get("told"),
        }
    )


def transitions(store: Store, alarm: str) -> Iterator[Item]:
    """Yield an alarm's journal rows, the newest first."""
    page = _page(store, alarm, None)
    yield from page.items
    while page.last_key is not None:
        page = _page(store, alarm, page.last_key)
        yield from page.items


def _page(store: Store, alarm: str, start: Item | None) -> Page:
    return store.query(
        JOURNAL, "#a = :a", names={"#a": "alarm"}, values={":a": {"S": alarm}}, forward=False, start_key=start
    )


def _time(us: int | None) -> str | None:
    return None if us is None else iso(us)

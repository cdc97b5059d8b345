"""The whole way of one message, as data: its stops, the handlers and alarms that it led to, and who was told.

Plain objects, for a command, a window or a script; everything is read from the lab's tables by the message's id.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from iotlab.domain.notification import Notification
from iotlab.domain.schema import INVOCATIONS, JOURNAL, OUTBOX, STOPS, TRACES, TRIGGER_DEAD_LETTERS
from iotlab.table.store import Store
from iotlab.table.values import Item, item, plain
from iotlab.triggers.mapping.invocation import Invocation, invocation_of
from iotlab.triggers.mapping.journal import HANDLER_STOP
from iotlab.triggers.writes import ALARM_STOP


class Hop(msgspec.Struct, frozen=True):
    """One of the seven stops. ``at_us`` is µs since 1970."""

    stop: str
    at_us: int
    detail: str = ""


class HandlerHop(msgspec.Struct, frozen=True):
    """What a mapping did with the message's record.

    Attributes:
        mapping: Its name.
        sequence_number: The record's.
        invocations: All that had the record, oldest first; empty when they are older than two days.
        dead_letter: Why the record was given up; empty when it was not, or was replayed since.
    """

    mapping: str
    sequence_number: str
    invocations: tuple[Invocation, ...]
    dead_letter: str = ""

    @property
    def outcome(self) -> str:
        """What came of the record in the end, as the last invocation says."""
        return self.invocations[-1].outcome if self.invocations else "unknown"


class NotificationHop(msgspec.Struct, frozen=True):
    """One notification of a transition: what became of it, at which attempt, and when that was known."""

    channel: str
    status: str
    attempts: int
    created_us: int
    done_us: int | None
    error: str
    possible_repeat: bool


class AlarmHop(msgspec.Struct, frozen=True):
    """One transition of an alarm of which the message was the last cause, with its notifications."""

    alarm: str
    version: int
    at_us: int
    what: str
    to: str
    by: str
    severity: str
    message: str
    notifications: tuple[NotificationHop, ...]


class MessageTrace(msgspec.Struct, frozen=True):
    """The way of one message.

    Attributes:
        message_id: Its id.
        hops: Those of the seven stops that it has reached, in their order.
        handlers: By mapping, in the order of their first invocation.
        alarms: By time.
    """

    message_id: str
    hops: tuple[Hop, ...]
    handlers: tuple[HandlerHop, ...]
    alarms: tuple[AlarmHop, ...]

    @property
    def first_us(self) -> int:
        """When the first hop was, µs since 1970."""
        return min(hop.at_us for hop in self.hops)

    def at(self, stop: str) -> Hop | None:
        """Return one of the seven stops, or None when the message has not reached it."""
        return next((hop for hop in self.hops if hop.stop == stop), None)

    @property
    def is_whole(self) -> bool:
        """Whether it has reached all seven stops."""
        return len(self.hops) == len(STOPS)


def read_trace(store: Store, message_id: str) -> MessageTrace | None:
    """Return what the lab knows of a message now; None when it knows nothing of it.

    Raises:
        UnavailableError, TableError: the table can't be read now.
    """
    rows = _rows(store, message_id)
    hops = sorted(
        (Hop(row["stop"], int(row["at_us"]), row.get("detail", "")) for row in rows if row["stop"] in STOPS),
        key=lambda hop: STOPS.index(hop.stop),
    )
    if not hops:
        return None
    handlers = [row for row in rows if row["stop"].startswith(HANDLER_STOP)]
    transitions = [row for row in rows if row["stop"].startswith(ALARM_STOP)]
    return MessageTrace(message_id, tuple(hops), _handlers(store, handlers), _alarms(store, transitions))


def _rows(store: Store, message_id: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    start: Item | None = None
    while True:
        page = store.query(TRACES, "id = :id", values={":id": {"S": message_id}}, start_key=start)
        rows += map(plain, page.items)
        start = page.last_key
        if start is None:
            return rows


def _handlers(store: Store, rows: Sequence[dict[str, Any]]) -> tuple[HandlerHop, ...]:
    rows = sorted(rows, key=lambda row: str(row["at"]))
    keys = [item({"mapping": row["mapping"], "at": row["at"]}) for row in rows]
    invocations: dict[str, list[Invocation]] = {}
    for found in _get(store, INVOCATIONS, keys):
        invocations.setdefault(found["mapping"]["S"], []).append(invocation_of(found))
    records = {str(row["mapping"]): str(row["sequence_number"]) for row in rows}
    letters = [item({"mapping": mapping, "at": number.zfill(40)}) for mapping, number in records.items()]
    given_up = {row["mapping"]["S"]: _reason(plain(row)) for row in _get(store, TRIGGER_DEAD_LETTERS, letters)}
    return tuple(
        HandlerHop(
            mapping,
            number,
            tuple(sorted(invocations.get(mapping, []), key=lambda one: one.at)),
            given_up.get(mapping, ""),
        )
        for mapping, number in records.items()
    )


def _reason(letter: dict[str, Any]) -> str:
    said = f"{letter['error_type']}: {letter['error_message']}" if letter["error_type"] else ""
    return f"{letter['condition']}{'; ' if said else ''}{said}"


def _alarms(store: Store, rows: Sequence[dict[str, Any]]) -> tuple[AlarmHop, ...]:
    keys = [item({"alarm": row["alarm"], "version": row["version"]}) for row in rows]
    journal = sorted(map(plain, _get(store, JOURNAL, keys)), key=lambda row: (row["at_us"], row["version"]))
    notifications = _notifications(store, journal)
    return tuple(
        AlarmHop(
            alarm=row["alarm"],
            version=int(row["version"]),
            at_us=int(row["at_us"]),
            what=row["what"],
            to=row["to"],
            by=row["by"],
            severity=row["severity"],
            message=row["message"],
            notifications=tuple(notifications.get((row["alarm"], int(row["version"])), ())),
        )
        for row in journal
    )


def _notifications(store: Store, journal: Sequence[dict[str, Any]]) -> dict[tuple[str, int], list[NotificationHop]]:
    keys = [
        item({"key": Notification.key_of(row["alarm"], int(row["version"]), channel)})
        for row in journal
        for channel in row.get("told") or ()
    ]
    found: dict[tuple[str, int], list[NotificationHop]] = {}
    for row in sorted(map(plain, _get(store, OUTBOX, keys)), key=lambda row: str(row["channel"])):
        hop = NotificationHop(
            row["channel"],
            row["status"],
            int(row["attempts"]),
            int(row["created_us"]),
            None if row.get("done_us") is None else int(row["done_us"]),
            row.get("error") or "",
            bool(row.get("possible_repeat")),
        )
        found.setdefault((row["alarm"], int(row["version"])), []).append(hop)
    return found


def _get(store: Store, table: str, keys: Sequence[Item]) -> list[Item]:
    return store.batch_get({table: keys}).get(table, []) if keys else []

"""The outbox: notifications stored before they are sent, and what came of each.

States of a row: pending → sending → sent, failed, or back to pending for the next attempt. ``unknown`` is one whose
attempt may have arrived: with ``done_us`` for good, without it until the next attempt. ``skipped`` is one that its
channel was not to be told of, by its hours.

Rows that are sent as one message are claimed and settled in one transaction each. Their message's key is stored with
the claim, so that after a crash the same rows are sent again under the same key, and not others.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import msgspec

from iotlab.clock import Clock
from iotlab.domain.notification import Notification, OutboxStatus
from iotlab.domain.schema import OUTBOX, TRACES
from iotlab.errors import UnavailableError
from iotlab.notify.notifier_stats import Tally
from iotlab.table.errors import (
    ConditionalCheckFailedException,
    ExpiredIteratorException,
    TransactionCanceledException,
    TrimmedDataAccessException,
)
from iotlab.table.follower import Follower
from iotlab.table.store import Store, StreamRecord, Update, Write
from iotlab.table.values import AttributeValue, Item, plain, to_wire

LOG = logging.getLogger(__name__)

PAGE_RECORDS = 1000
_OPEN_STATES = frozenset({"pending", "sending", "unknown"})


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the outbox.

    Attributes:
        notification: What to say, and on which channel.
        status: See above.
        attempts: How often it was tried; each attempt is counted before it is made.
        next_us: When the next attempt is due.
        done_us: When it was settled for good; None while it is not.
        possible_repeat: Whether an attempt was made after one that may have arrived.
        group: The key of the message that it is sent in with others; empty when it is sent alone.
        group_size: How many rows that message is about.
        held: Why its channel waits with it, such as ``quiet hours until 07:00``.
    """

    notification: Notification
    status: OutboxStatus
    attempts: int
    next_us: int
    done_us: int | None = None
    possible_repeat: bool = False
    group: str = ""
    group_size: int = 0
    held: str = ""

    @property
    def is_waiting(self) -> bool:
        """Whether the notifier still has to do something about it."""
        return self.status in _OPEN_STATES and self.done_us is None

    @property
    def may_have_arrived(self) -> bool:
        """Whether an attempt was begun of which nobody knows what came."""
        return self.status in {"sending", "unknown"}


class Settlement(msgspec.Struct, frozen=True):
    """What is to be recorded of one attempt.

    Attributes:
        row: The row as claimed for the attempt.
        status: The new status.
        at_us: When the attempt ended.
        error: Why it failed.
        next_us: When to try again; None when it is settled for good.
    """

    row: Row
    status: Literal["pending", "sent", "failed", "unknown", "skipped"]
    at_us: int
    error: str = ""
    next_us: int | None = None


class Outbox:
    """The table ``outbox`` as the notifier uses it.

    Args:
        store: The lab's table.
        clock: For the times that are written.
        tally: Counts rows that can't be read.
    """

    def __init__(self, store: Store, clock: Clock, tally: Tally) -> None:
        self._store = store
        self._clock = clock
        self._tally = tally
        self._records = Follower(store, OUTBOX)
        self._is_open = False

    def open(self) -> Iterator[Row]:
        """Take the end of the stream as the position, then yield every row that waits, in no particular order.

        Raises:
            UnavailableError, TableError: the table can't be read now.
        """
        # The position comes before the scan: a row between the two is seen twice rather than never.
        self._records.open_latest()
        self._is_open = True
        for wire in self._store.scan_all(OUTBOX):
            row = self._readable(wire)
            if row is not None and row.is_waiting:
                yield row

    def added(self) -> list[Row] | None:
        """Return the rows that are new, or opened again by somebody; None when the outbox must be opened anew.

        Raises:
            UnavailableError, TableError: the table can't be read now.
        """
        if not self._is_open:
            return None
        try:
            records = self._records.read(PAGE_RECORDS)
        except (ExpiredIteratorException, TrimmedDataAccessException):
            self._is_open = False
            return None
        except UnavailableError:
            # The stream may have ended: only a new scan then says what waits.
            self._is_open = False
            raise
        return [row for record in records if (row := self._newly_waiting(record)) is not None]

    def read(self, key: str) -> Row | None:
        """Return one row as it is now; None when there is none. Raises UnavailableError, TableError."""
        wire = self._store.get_item(OUTBOX, {"key": {"S": key}})
        return None if wire is None else self._readable(wire)

    def claim(self, rows: Sequence[Row], *, possible_repeat: bool, group: str = "") -> list[Row] | None:
        """Record that an attempt begins, before it does; None when a row changed meanwhile and all are left alone.

        Args:
            rows: What it is about.
            possible_repeat: Whether an earlier attempt may have arrived.
            group: The key of a message about several rows.

        Raises:
            UnavailableError, TableError: the table can't be written now.
        """
        claims = [_claiming(row, possible_repeat=possible_repeat, group=group, size=len(rows)) for row in rows]
        try:
            if len(claims) > 1:
                self._store.transact_write(claims)
            else:
                [one] = claims
                self._store.update_item(
                    OUTBOX, one.key, one.update, condition=one.condition, names=one.names, values=one.values
                )
        except (ConditionalCheckFailedException, TransactionCanceledException):
            return None
        return [
            msgspec.structs.replace(
                row,
                status="sending",
                attempts=row.attempts + 1,
                possible_repeat=possible_repeat,
                group=group,
                group_size=len(rows) if group else 0,
            )
            for row in rows
        ]

    def hold(self, row: Row, until_us: int, why: str) -> Row | None:
        """Record that a row waits and why, for whoever looks; None when it changed meanwhile.

        Raises:
            UnavailableError, TableError: the table can't be written now.
        """
        try:
            self._store.update_item(
                OUTBOX,
                {"key": {"S": row.notification.key}},
                "SET #n = :until, #h = :why",
                condition="#s = :before AND #a = :attempts",
                names={"#n": "next_us", "#h": "held", "#s": "status", "#a": "attempts"},
                values={
                    ":until": to_wire(until_us),
                    ":why": {"S": why},
                    ":before": {"S": row.status},
                    ":attempts": to_wire(row.attempts),
                },
            )
        except ConditionalCheckFailedException:
            return None
        return msgspec.structs.replace(row, next_us=until_us, held=why)

    def settle(self, *settlements: Settlement) -> bool:
        """Record what came of an attempt, with the traces of the messages that caused it. False: a row changed.

        Raises:
            UnavailableError, TableError: the table can't be written now; the same call later is safe.
        """
        writes: list[Write] = [_settling(settlement) for settlement in settlements]
        traced: set[str] = set()
        for settlement in settlements:
            notification = settlement.row.notification
            traced_id = notification.message_id
            if traced_id is not None and settlement.status == "sent" and traced_id not in traced:
                traced.add(traced_id)
                writes.append(_tracing(notification, traced_id, settlement))
        try:
            self._store.transact_write(writes)
        except TransactionCanceledException:
            return False
        return True

    def refuse(self, row: Row, error: str) -> bool:
        """Record that a row is not sent at all. False: the row changed meanwhile."""
        return self.settle(Settlement(row, "failed", self._clock.now_us(), error))

    def _newly_waiting(self, record: StreamRecord) -> Row | None:
        row = None if record.new_image is None else self._readable(record.new_image)
        if row is None or not row.is_waiting:
            return None
        before = None if record.old_image is None else self._readable(record.old_image)
        # A row that waited before is in work already: this record is an echo of the notifier's own writes.
        return None if before is not None and before.is_waiting else row

    def _readable(self, wire: Item) -> Row | None:
        try:
            return row_of(wire)
        except msgspec.ValidationError as error:
            self._tally.add("malformed")
            LOG.warning("the outbox row %s can't be read and is left alone: %s", wire.get("key"), error)
            return None


def row_of(wire: Item) -> Row:
    """Return an item of the table ``outbox`` as a row. Raises msgspec.ValidationError."""
    attributes: dict[str, Any] = plain(wire)
    return msgspec.convert(attributes | {"notification": attributes}, Row)


def _claiming(row: Row, *, possible_repeat: bool, group: str, size: int) -> Update:
    names = {"#s": "status", "#a": "attempts", "#r": "possible_repeat"}
    values: dict[str, AttributeValue] = {
        ":sending": {"S": "sending"},
        ":after": to_wire(row.attempts + 1),
        ":repeat": {"BOOL": possible_repeat},
        ":before": {"S": row.status},
        ":attempts": to_wire(row.attempts),
    }
    update = "SET #s = :sending, #a = :after, #r = :repeat"
    if group:
        update += ", #g = :group, #z = :size"
        names |= {"#g": "group", "#z": "group_size"}
        values |= {":group": {"S": group}, ":size": to_wire(size)}
    key = {"key": {"S": row.notification.key}}
    return Update(OUTBOX, key, update, "#s = :before AND #a = :attempts", names, values)


def _settling(settlement: Settlement) -> Update:
    row = settlement.row
    done = settlement.next_us is None
    values: dict[str, AttributeValue] = {
        ":status": {"S": settlement.status},
        ":error": {"S": settlement.error},
        ":when": to_wire(settlement.at_us if done else settlement.next_us),
        ":before": {"S": row.status},
        ":attempts": to_wire(row.attempts),
    }
    names = {"#s": "status", "#e": "error", "#w": "done_us" if done else "next_us", "#a": "attempts"}
    return Update(
        OUTBOX,
        {"key": {"S": row.notification.key}},
        "SET #s = :status, #e = :error, #w = :when",
        "#s = :before AND #a = :attempts",
        names,
        values,
    )


def _tracing(notification: Notification, message_id: str, settlement: Settlement) -> Update:
    detail = f"{notification.to}: {settlement.status} to {notification.channel} at attempt {settlement.row.attempts}"
    # A message may cause several notifications; the first that arrives is the stop.
    return Update(
        TRACES,
        {"id": {"S": message_id}, "stop": {"S": "deliver"}},
        "SET #t = if_not_exists(#t, :t), #d = if_not_exists(#d, :d)",
        names={"#t": "at_us", "#d": "detail"},
        values={":t": to_wire(settlement.at_us), ":d": {"S": detail}},
    )

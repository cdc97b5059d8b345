"""The table's side of the feed: a snapshot, then the records after it, again after every loss."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

from iotlab.clock import US_PER_S, Clock
from iotlab.domain import schema
from iotlab.errors import IotlabError, UnavailableError
from iotlab.gui.feed import EventQueue
from iotlab.gui.models.dead_letters import SHOWN as DEAD_LETTERS_SHOWN
from iotlab.gui.models.events import LinkChanged, LinkState, SnapshotDone
from iotlab.gui.models.notes import NOTES_SHOWN
from iotlab.gui.sources.decode import item_event, record_event
from iotlab.gui.sources.tail import Tail
from iotlab.gui.sources.worker import Worker
from iotlab.table.errors import TrimmedDataAccessException
from iotlab.table.store import Store
from iotlab.table.values import Item

POLL_S = 0.06
EVERY = {schema.DEVICES: 1, schema.ALARMS: 2, schema.INBOX: 6, schema.OUTBOX: 6, schema.DEAD_LETTERS: 6}
"""Table → at each how many-th poll it is read."""

PARTITIONS = {
    schema.INBOX: ("box", schema.INBOX_BOX, NOTES_SHOWN),
    schema.DEAD_LETTERS: ("queue", schema.INGEST_QUEUE, DEAD_LETTERS_SHOWN),
}
"""Tables that are read newest first and only as far as they are shown: key, its value, items."""

OUTBOX_SHOWN = 5_000
FIRST_RETRY_S = 0.5
LAST_RETRY_S = 5.0


class TableReader(Worker):
    """Keeps the window's tables up to date.

    Args:
        connect: Returns the store of the lab as it is now and its address; raises UnavailableError.
        queue: Where events go.
        clock: Time.
        on_snapshot: Called with the store after each snapshot, in this thread, with the ids of the devices.
    """

    def __init__(
        self,
        connect: Callable[[], tuple[Store, str]],
        queue: EventQueue,
        clock: Clock,
        on_snapshot: Callable[[list[str]], None],
    ) -> None:
        super().__init__("window-table")
        self._connect = connect
        self._queue = queue
        self._clock = clock
        self._on_snapshot = on_snapshot
        self._retry_s = FIRST_RETRY_S
        self._resync = threading.Event()
        self._was_connected = False

    def resync(self) -> None:
        """Read the snapshots again."""
        self._resync.set()

    def work(self) -> None:
        """Connect and follow until something fails, then wait."""
        try:
            store, address = self._connect()
            if not self._was_connected:
                self._queue.put(LinkChanged("table", "connecting", address=address))
            self._follow(store, address)
        except IotlabError as error:
            self._lose(error)

    def _lose(self, error: IotlabError) -> None:
        if self.is_stopping:
            return
        retry_us = self._clock.now_us() + round(self._retry_s * US_PER_S)
        state: LinkState = "disconnected" if self._was_connected else "connecting"
        hint = error.hint if isinstance(error, UnavailableError) else ""
        self._queue.put(LinkChanged("table", state, error.message, hint, retry_us=retry_us))
        if self.pause(self._retry_s):
            self._retry_s = FIRST_RETRY_S
        else:
            self._retry_s = min(2 * self._retry_s, LAST_RETRY_S)

    def _follow(self, store: Store, address: str) -> None:
        tails = [Tail(store, table) for table in EVERY]
        for tail in tails:
            tail.open()
            self._snapshot(store, tail.table)
        self._was_connected, self._retry_s = True, FIRST_RETRY_S
        self._queue.put(LinkChanged("table", "connected", address=address))
        poll = 0
        while not self.is_stopping:
            poll += 1
            if self._resync.is_set():
                # From the start: the snapshot and its position belong together.
                self._resync.clear()
                return
            is_full = False
            for tail in tails:
                if poll % EVERY[tail.table] == 0:
                    is_full |= self._pass_on(tail)
            if not is_full:
                self.pause(POLL_S)

    def _pass_on(self, tail: Tail) -> bool:
        try:
            records, is_full = tail.read()
        except TrimmedDataAccessException:
            self._resync.set()
            return True
        for record in records:
            event = record_event(tail.table, record)
            if event is not None:
                self._queue.put(event)
        return is_full

    def _snapshot(self, store: Store, table: str) -> None:
        keys: list[str] = []
        name = next(lab_table.partition_key[0] for lab_table in schema.TABLES if lab_table.name == table)
        for item in _items(store, table):
            event = item_event(table, item)
            if event is not None:
                self._queue.put(event)
                keys.append(item[name]["S"])
            if self.is_stopping:
                return
        self._queue.put(SnapshotDone(table, frozenset(keys)))
        if table == schema.DEVICES:
            self._on_snapshot(keys)


def _items(store: Store, table: str) -> Iterator[Item]:
    if table in PARTITIONS:
        key, value, limit = PARTITIONS[table]
        page = store.query(
            table, "#key = :value", values={":value": {"S": value}}, names={"#key": key}, forward=False, limit=limit
        )
        yield from page.items
        return
    for number, item in enumerate(store.scan_all(table)):
        if table == schema.OUTBOX and number >= OUTBOX_SHOWN:
            return
        yield item

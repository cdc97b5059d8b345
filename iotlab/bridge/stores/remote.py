"""A table elsewhere: a batch becomes transactions of DynamoDB, several side by side.

What one message changes (its device's state, history and ledger) is in one transaction. A batch is not: it is
acknowledged once all of its transactions are durable, and tried again from where it stopped.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import msgspec

from iotlab.bridge.arrival import Arrival
from iotlab.bridge.commit import Tables
from iotlab.bridge.stores.base import Committed
from iotlab.bridge.stores.parcel import Parcel, Place
from iotlab.bridge.stores.parcels import MAX_LANES, divide
from iotlab.clock import Clock
from iotlab.domain import schema
from iotlab.errors import IotlabError, UnavailableError
from iotlab.table.definition import Stream, TableDefinition, define
from iotlab.table.errors import DynamoDBError
from iotlab.table.store import Put, Store
from iotlab.table.values import Item

_log = logging.getLogger(__name__)


def definitions() -> dict[str, TableDefinition]:
    """Return the lab's tables as the bridge needs to know them; numbers and times mean nothing there."""
    return {spec.name: _definition(spec, number) for number, spec in enumerate(schema.TABLES, 1)}


def _definition(spec: schema.LabTable, number: int) -> TableDefinition:
    stream = None if spec.stream is None else Stream(number, "", spec.stream)
    return msgspec.structs.replace(define(spec), number=number, stream=stream)


class RemoteStore:
    """The `BridgeStore` over any table that speaks DynamoDB.

    Args:
        store: The table; the lab's tables exist.
        clock: For the time of a commit.
        sleep: Makes the pauses after lost races.

    Attributes:
        lost_races: Transactions that somebody else's prevented; each was read and tried again.
    """

    def __init__(self, store: Store, *, clock: Clock, sleep: Callable[[float], None] = time.sleep) -> None:
        self._store = store
        self._clock = clock
        self._sleep = sleep
        self._tables = Tables(definitions().__getitem__)
        self._pool = ThreadPoolExecutor(MAX_LANES, thread_name_prefix="commit")
        self._traces = ThreadPoolExecutor(1, thread_name_prefix="trace")
        self._lock = threading.Lock()
        self.lost_races = 0

    def batch(self, arrivals: Sequence[Arrival], redelivered: set[str]) -> RemoteBatch:
        """Return the batch of these arrivals; see `BridgeStore.batch`."""
        place = Place(self._store, self._tables, redelivered, self._raced, self._sleep)
        lanes = [[Parcel(place, parcel) for parcel in lane] for lane in divide(arrivals)]
        return RemoteBatch(lanes, self._pool, self._clock)

    def trace(self, rows: Sequence[Item]) -> None:
        """Store rows on a thread of their own; see `BridgeStore.trace`."""
        self._traces.submit(self._put_traces, rows)

    def close(self) -> None:
        """Finish what is in work, and end the threads."""
        self._pool.shutdown()
        self._traces.shutdown()

    def _raced(self) -> None:
        with self._lock:
            self.lost_races += 1

    def _put_traces(self, rows: Sequence[Item]) -> None:
        try:
            self._store.batch_write([Put(schema.TRACES, row) for row in rows])
        except IotlabError as error:
            _log.warning("the stop 'commit' of traced messages is not stored: %s", error)


class RemoteBatch:
    """One batch. Each try goes on where the last one stopped."""

    def __init__(self, lanes: list[list[Parcel]], pool: ThreadPoolExecutor, clock: Clock) -> None:
        self._lanes = lanes
        self._pool = pool
        self._clock = clock

    def commit(self) -> Committed:
        """Commit all lanes side by side; see `Batch.commit`."""
        errors = [error for error in self._pool.map(_commit_lane, self._lanes) if error is not None]
        if errors:
            raise errors[0]
        stored: dict[tuple[str, str], int] = {}
        for lane in self._lanes:
            for parcel in lane:
                stored |= parcel.stored
        return Committed(stored, self._clock.now_us())


def _commit_lane(parcels: list[Parcel]) -> UnavailableError | None:
    """Commit parcels in order. The error is returned, so that every lane has ended before any is tried again."""
    try:
        for parcel in parcels:
            parcel.commit()
    except UnavailableError as error:
        return error
    except DynamoDBError as error:
        # Nothing about the messages is wrong: an account, a right or a table is, and a person has to act.
        return UnavailableError(f"the table refuses the bridge: {error.message}", hint=error.hint)
    return None

"""The lab's table as the host runs it: in this process, or elsewhere behind DynamoDB's interface."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from iotlab.bridge.stores.base import BridgeStore
from iotlab.bridge.stores.embedded import EmbeddedStore
from iotlab.bridge.stores.remote import RemoteStore
from iotlab.clock import Clock
from iotlab.config import Settings
from iotlab.domain.schema import TABLES
from iotlab.lab.lock import DirectoryLock
from iotlab.table import credentials
from iotlab.table.engine import Engine
from iotlab.table.remote import RemoteTransport
from iotlab.table.remote.prefix import PrefixedTransport
from iotlab.table.served import Served
from iotlab.table.store import Store
from iotlab.table.stream import sequence_text

TABLE_FILE = "table.db"
POLL_S = 1.0
LOCAL_POLL_S = 0.25
Facts = dict[str, int | str]


class LabTable(Protocol):
    """What the host needs of a table.

    Attributes:
        store: For triggers, notifier and health.
        bridge: For the pipeline.
        served: For the loopback endpoint, where windows and commands find the table, wherever it is.
    """

    store: Store
    bridge: BridgeStore
    served: Served

    def on_commit(self, wake: Callable[[], None]) -> None:
        """Have ``wake`` called after commits, if the table tells; else its consumers poll."""
        ...

    def facts(self) -> Facts:
        """Return what ``/health`` shows of it. Raises IotlabError when it can't be read now."""
        ...

    def keep_house(self, retention_s: float) -> None:
        """Roll shards, trim older records, delete expired items, where the service does not do so itself."""
        ...

    def close(self) -> None:
        """Finish what is queued and let go."""
        ...


def open_table(settings: Settings, clock: Clock) -> LabTable:
    """Open the table that the settings name, with all of the lab's tables in it.

    Raises:
        LabRunningError: another process uses the data directory.
        TableMismatchError: a table of a wanted name is somebody else's.
        UnavailableError: the file or the service can't be had now.
    """
    if settings.table.kind == "embedded":
        return EmbeddedTable(settings.data.dir, clock)
    return RemoteTable(settings, clock)


class EmbeddedTable:
    """The engine in this process, on one file."""

    def __init__(self, directory: Path, clock: Clock) -> None:
        self._engine = Engine.open(directory / TABLE_FILE, clock=clock)
        self._engine.ensure_tables(TABLES)
        self.store = Store(self._engine)
        self.bridge: BridgeStore = EmbeddedStore(self._engine)
        self.served: Served = self._engine

    def on_commit(self, wake: Callable[[], None]) -> None:
        """See `LabTable.on_commit`."""
        self._engine.on_commit(lambda _sequence: wake())

    def facts(self) -> Facts:
        """Return kind, size and newest sequence number."""
        return {
            "kind": "embedded",
            "size_bytes": self._engine.size_bytes(),
            **self._engine.condition(),
            "last_sequence_number": sequence_text(self._engine.last_sequence()),
        }

    def keep_house(self, retention_s: float) -> None:
        """See `LabTable.keep_house`."""
        self._engine.housekeeping(retention_s=retention_s)

    def close(self) -> None:
        """Close the file."""
        self._engine.close()


class RemoteTable:
    """Tables on AWS or on any service that speaks DynamoDB.

    Args:
        settings: Where, and under which prefix.
        clock: The time.
    """

    def __init__(self, settings: Settings, clock: Clock) -> None:
        table = settings.table
        self._lock = DirectoryLock(settings.data.dir / TABLE_FILE)
        try:
            pair = None if table.credentials_dir is None else credentials.load(table.credentials_dir)
            self._transport = RemoteTransport(
                table.endpoint_url or None,
                pair,
                region=table.region or None,
                poll_s=table.poll_s or default_poll_s(table.endpoint_url),
                clock=clock,
            )
            self.served: Served = Prefixed(self._transport, table.prefix)
            self.store = Store(self.served)
            self.store.ensure_tables(TABLES)
        except BaseException:
            self._lock.release()
            raise
        self._bridge = RemoteStore(self.store, clock=clock)
        self.bridge: BridgeStore = self._bridge
        self._prefix = table.prefix

    def on_commit(self, wake: Callable[[], None]) -> None:
        """Do nothing: a service elsewhere tells nobody. Consumers poll."""

    def facts(self) -> Facts:
        """Return kind, place and what the transport counted."""
        stats = self._transport.stats
        return {
            "kind": "dynamodb",
            "where": self._transport.where,
            "prefix": self._prefix,
            "calls": stats.calls,
            "retries": stats.retries,
            "throttled": stats.throttled,
            "failures": stats.failures,
            "lost_races": self._bridge.lost_races,
        }

    def keep_house(self, retention_s: float) -> None:
        """Do nothing: the service keeps stream records for 24 hours, whatever anybody sets."""

    def close(self) -> None:
        """End the threads and let go of the data directory."""
        self._bridge.close()
        self._lock.release()


class Prefixed(PrefixedTransport):
    """The tables under the lab's prefix, with the clock that the endpoint checks signatures by."""

    def __init__(self, inner: RemoteTransport, prefix: str) -> None:
        super().__init__(inner, prefix)
        self.clock = inner.clock


def default_poll_s(endpoint_url: str) -> float:
    """Return how often streams are read without a setting: seldom where each question is paid for."""
    return LOCAL_POLL_S if endpoint_url and _is_loopback(urlsplit(endpoint_url).hostname or "") else POLL_S


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

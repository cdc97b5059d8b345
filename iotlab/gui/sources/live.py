"""The feed of a running lab: its table, its health, and raw messages from its broker."""

from __future__ import annotations

import http.client
import json
import threading
from urllib.parse import urlsplit

import msgspec

from iotlab.clock import Clock
from iotlab.errors import IotlabError, UnavailableError
from iotlab.gui.attach import Attach, Attachment
from iotlab.gui.feed import Applied, EventQueue
from iotlab.gui.models.events import HealthSeen, LinkChanged, RawMessage
from iotlab.gui.sources.history import HistoryReader
from iotlab.gui.sources.reader import TableReader
from iotlab.gui.sources.worker import Worker
from iotlab.gui.sources.writer import Writer
from iotlab.mqtt.client import Client, ClientOptions, ConnectionStatus, Subscription
from iotlab.mqtt.message import Message
from iotlab.table.remote import connect
from iotlab.table.store import Store

KEPT_PAYLOAD_BYTES = 1_048_576
"""Of a larger payload the window keeps the beginning, and says so."""

HEALTH_EVERY_S = 1.0
HEALTH_TIMEOUT_S = 2.0


class LabLink:
    """The lab as it can be reached now; shared by all threads of the feed.

    Args:
        attach: Finds the lab.
    """

    def __init__(self, attach: Attach) -> None:
        self._attach = attach
        self._lock = threading.Lock()
        self._attachment: Attachment | None = None
        self._store: Store | None = None

    def connect(self) -> tuple[Store, str]:
        """Find the lab again and return its store and address. Raises UnavailableError."""
        found = self._attach()
        with self._lock:
            if self._store is None or found != self._attachment:
                self._attachment, self._store = found, connect(found.endpoint_url, found.credentials)
            return self._store, found.endpoint_url

    def store(self) -> Store:
        """Return the store that was found last. Raises UnavailableError before the first."""
        with self._lock:
            if self._store is None:
                raise UnavailableError("there is no connection to the lab yet")
            return self._store

    @property
    def attachment(self) -> Attachment | None:
        """What was found last."""
        with self._lock:
            return self._attachment


class HealthReader(Worker):
    """Asks the bridge once a second how it is."""

    def __init__(self, link: LabLink, queue: EventQueue, clock: Clock) -> None:
        super().__init__("window-health")
        self._link = link
        self._queue = queue
        self._clock = clock

    def work(self) -> None:
        """Ask once, then wait."""
        attachment = self._link.attachment
        if attachment is not None:
            self._queue.put(HealthSeen(read_health(attachment.endpoint_url), self._clock.now_us()))
        self.pause(HEALTH_EVERY_S)


def read_health(endpoint_url: str) -> dict[str, object] | None:
    """Return the document behind ``/health``, or None when it can't be had within two seconds."""
    where = urlsplit(endpoint_url)
    if where.hostname is None:
        return None
    kind = http.client.HTTPSConnection if where.scheme == "https" else http.client.HTTPConnection
    connection = kind(where.hostname, where.port, timeout=HEALTH_TIMEOUT_S)
    try:
        connection.request("GET", "/health")
        document = json.loads(connection.getresponse().read())
    except (OSError, ValueError, http.client.HTTPException):
        return None
    finally:
        connection.close()
    return document if isinstance(document, dict) else None


class RawReader(Worker):
    """Keeps a subscription of the window's own on ``#``, at the lab's present broker."""

    def __init__(self, link: LabLink, queue: EventQueue, clock: Clock) -> None:
        super().__init__("window-raw")
        self._link = link
        self._queue = queue
        self._clock = clock
        self._options: ClientOptions | None = None
        self._client: Client | None = None

    def work(self) -> None:
        """Follow the lab to another broker address, then wait."""
        attachment = self._link.attachment
        wanted = attachment.broker if attachment is not None else None
        if wanted != self._options and wanted is not None:
            self._options = wanted
            self._reconnect(wanted)
        self.pause(HEALTH_EVERY_S)
        if self.is_stopping:
            self._drop()

    def _reconnect(self, wanted: ClientOptions) -> None:
        self._drop()
        options = msgspec.structs.replace(
            wanted, client_id="", clean_start=True, session_expiry_interval_s=0, will=None
        )
        try:
            client = Client(options, clock=self._clock, on_message=self._message, on_state=self._state)
        except (IotlabError, ValueError) as error:
            self._queue.put(LinkChanged("raw", "disconnected", str(error)))
            return
        client.subscribe(Subscription("#", qos=0, no_local=False))
        client.start()
        self._client = client

    def _drop(self) -> None:
        if self._client is not None:
            self._client.stop(1.0)
            self._client = None

    def _message(self, message: Message) -> None:
        payload = message.payload
        kept = payload if len(payload) <= KEPT_PAYLOAD_BYTES else payload[:KEPT_PAYLOAD_BYTES]
        self._queue.put(
            RawMessage(message.topic, kept, len(payload), message.qos, message.retain, message.received_at_us)
        )

    def _state(self, status: ConnectionStatus) -> None:
        if status.state == "stopped" or self._options is None:
            return
        address = f"{self._options.host}:{self._options.port}"
        self._queue.put(LinkChanged("raw", status.state, status.reason, address=address))


class LiveFeed:
    """The feed of one lab, found by ``attach`` and found again after each loss.

    Args:
        attach: Finds the lab.
        clock: Time.
        person: Who acknowledges alarms here, as others see it.
    """

    def __init__(self, attach: Attach, clock: Clock, person: str) -> None:
        self.queue = EventQueue()
        link = LabLink(attach)
        self._history = HistoryReader(link.store, self.queue)
        self._table = TableReader(link.connect, self.queue, clock, self._history.fill_recent)
        self._writer = Writer(link.store, self.queue, clock, person)
        self._health = HealthReader(link, self.queue, clock)
        self._raw = RawReader(link, self.queue, clock)
        self._workers: tuple[Worker, ...] = (self._table, self._history, self._writer, self._health, self._raw)

    def start(self) -> None:
        """Start all threads; they connect by themselves."""
        for worker in self._workers:
            worker.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """End all threads."""
        for worker in self._workers:
            worker.ask_to_stop()
        for worker in self._workers:
            worker.join(timeout_s)

    def poll(self) -> None:
        """Do nothing: the threads do it."""

    def request_history(self, device: str, channel: str) -> None:
        """Ask for a channel's past; see `iotlab.gui.feed.Feed`."""
        self._history.request(device, channel)

    def acknowledge(self, alarm: str, seen_version: int) -> None:
        """Acknowledge an alarm; see `iotlab.gui.feed.Feed`."""
        self._writer.acknowledge(alarm, seen_version)

    def trace(self, applied: Applied) -> None:
        """Write a traced message's last stop; see `iotlab.gui.feed.Feed`."""
        self._writer.trace(applied)

    def resync(self) -> None:
        """Read the tables whole again; see `iotlab.gui.feed.Feed`."""
        self._table.resync()

    def retry(self) -> None:
        """Try a lost connection now; see `iotlab.gui.feed.Feed`."""
        self._table.wake()

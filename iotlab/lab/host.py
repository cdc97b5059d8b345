"""The bridge process: table, pipeline, triggers, functions, notifier and endpoint around one MQTT client."""

from __future__ import annotations

import hashlib
import logging
import os
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec

from iotlab import __version__
from iotlab.bridge.pipeline import Pipeline
from iotlab.clock import US_PER_S, Clock, SystemClock, unhurried
from iotlab.config import Settings
from iotlab.errors import DecodeError, UnavailableError
from iotlab.lab import health
from iotlab.lab.channels import channel_configs, manners, reply_topics, surroundings
from iotlab.lab.functions import Functions
from iotlab.lab.resources import rules_file
from iotlab.lab.runtime import Runtime, remove_runtime, write_runtime
from iotlab.lab.tables import open_table
from iotlab.mqtt.broker import PrivateBroker
from iotlab.mqtt.client import Client, Subscription
from iotlab.mqtt.message import Message
from iotlab.mqtt.options import BadPacket, ClientOptions, Tls
from iotlab.notify.channels import open_channels
from iotlab.notify.notifier import Notifier
from iotlab.table import credentials
from iotlab.table.endpoint import Endpoint, Response
from iotlab.triggers.caretaker import Caretaker
from iotlab.triggers.evaluator import Evaluator
from iotlab.triggers.rules_file import RulesFile

_log = logging.getLogger(__name__)
_HOUSEKEEPING_S = 60.0
_BROKER_CHECK_S = 0.5


class BridgeHost:
    """Everything that `iotlab bridge` runs, started and stopped in the right order.

    Args:
        settings: The lab's settings; secrets are read from them here.
        clock: The lab's time. Connections, processes and disks have the machine's seconds, and what others sign or
            limit (requests, handlers) has its time of day as well.
        assets: Where the built-in rules are.
        broker: ``(host, port)`` of a broker that somebody else looks after; None takes the settings'.

    Raises:
        ConfigError: a setting, rule, channel, handler or mapping is wrong. Nothing has been started then.
    """

    def __init__(
        self, settings: Settings, *, clock: Clock, assets: Path, broker: tuple[str, int] | None = None
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._unhurried = unhurried(clock)
        self._machine: Clock = clock if clock.speed == 1.0 else SystemClock()
        self._directory = settings.data.dir
        self.functions = Functions(self._directory, clock=self._machine)
        self._rules_file = RulesFile(
            lambda: settings.rules.file or rules_file(settings.data.dir, assets), self._unhurried
        )
        self._rules = self._rules_file.load()
        self._channels = channel_configs(settings)
        self._manners = manners(self._channels)
        self._given_broker = broker
        self._broker: PrivateBroker | None = None
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self.started_us = clock.now_us()

    def start(self) -> Runtime:
        """Start all parts and return where the lab is.

        Raises:
            LabRunningError: another process uses the data directory.
            TableMismatchError: a table of a wanted name is somebody else's.
            UnavailableError: the broker, the port, the file or the table's service can't be had.
        """
        self._directory.mkdir(parents=True, exist_ok=True)
        self.table = open_table(self._settings, self._unhurried)
        store = self.table.store
        keys = credentials.load_or_create(self._directory)
        host, port = self._start_broker()
        options = self._client_options(host, port)
        around = surroundings(self._channels, self._directory, self._clock, options)
        channels = open_channels(self._channels, store, around)
        self.notifier = Notifier(store, channels, clock=self._clock, manners=self._manners)
        self._replies = reply_topics(self._channels, store, around)
        routes = [channel.route for channel in self._channels]
        self.caretaker = Caretaker(store, clock=self._clock, routes=routes, after_commit=self.notifier.wake)
        self.evaluator = Evaluator(
            store,
            self._rules,
            clock=self._clock,
            source=self._rules_file,
            routes=routes,
            after_commit=self.notifier.wake,
        )
        self.table.on_commit(self.evaluator.wake)
        self.client = Client(
            options,
            clock=self._unhurried,
            on_message=self._received,
            on_bad_packet=self._received_bad,
        )
        self.pipeline = Pipeline(
            self.table.bridge, clock=self._clock, sender=self.client, batch_size=self._settings.bridge.batch_size
        )
        self.endpoint = Endpoint(
            self.table.served,
            keys,
            pages={"/health": self._health, "/metrics": self._metrics},
            port=self._settings.endpoint.port,
            clock=self._machine,
        )
        self._begin()
        runtime = Runtime(os.getpid(), host, port, self.endpoint.url)
        write_runtime(self._directory, runtime)
        return runtime

    def stop(self) -> None:
        """Drain: take no more messages, store and acknowledge what came, judge it, deliver it, then close."""
        self._stopping.set()
        remove_runtime(self._directory)
        self.pipeline.stop()
        # What a mapping gives up is told through the client.
        self.functions.stop()
        self.client.stop()
        for replies in self._replies:
            replies.stop()
        for part in (self.caretaker, self.evaluator):
            try:
                part.stop()
            except UnavailableError as error:
                # A checkpoint stays where it was: the records behind it are judged again at the next start.
                _log.warning("alarms ended without saving their position: %s", error)
        self.notifier.stop()
        self.endpoint.stop()
        for thread in self._threads:
            thread.join(timeout=5)
        self.table.close()
        if self._broker is not None:
            self._broker.stop()

    def _begin(self) -> None:
        self.endpoint.start()
        self.notifier.start()
        self.evaluator.start()
        self.caretaker.start()
        for replies in self._replies:
            replies.start()
        self.functions.start(self.table.store, self.client)
        self.table.on_commit(self.functions.wake)
        self.pipeline.start()
        filters = self._settings.bridge.subscriptions
        group = self._settings.bridge.shared_group
        names = [f"$share/{group}/{one}" if group else one for one in filters]
        # A shared subscription may not ask for no-local (MQTT 5, section 3.8.3.1).
        self.client.subscribe(*(Subscription(name, qos=1, no_local=not group) for name in names))
        self.client.start()
        for name, work, every_s in (
            ("housekeeping", self._keep_house, _HOUSEKEEPING_S),
            ("broker-watch", self._watch_broker, _BROKER_CHECK_S),
        ):
            thread = threading.Thread(target=self._repeat, args=(work, every_s), name=name, daemon=True)
            thread.start()
            self._threads.append(thread)

    def _start_broker(self) -> tuple[str, int]:
        broker = self._settings.broker
        if self._given_broker is not None:
            return self._given_broker
        if not broker.is_private:
            return broker.host, broker.external_port
        kind = broker.kind if broker.kind in {"mosquitto", "amqtt"} else "auto"
        self._broker = PrivateBroker(self._directory, self._unhurried, broker.port or None, kind)
        address = self._broker.start()
        return address.host, address.port

    def _client_options(self, host: str, port: int) -> ClientOptions:
        broker = self._settings.broker
        files = [str(file) if file else None for file in (broker.tls_cafile, broker.tls_certfile, broker.tls_keyfile)]
        return ClientOptions(
            host=host,
            port=port,
            client_id=broker.client_id or f"iotlab-bridge-{_stable_name(self._directory)}",
            username=broker.username or None,
            password=broker.password.reveal() if broker.password else None,
            tls=Tls(*files) if broker.uses_tls else None,
        )

    def _received(self, message: Message) -> None:
        self.pipeline.receive(message)

    def _received_bad(self, packet: BadPacket) -> bool:
        topic = packet.topic.decode("utf-8", errors="backslashreplace")
        message = Message(
            topic,
            packet.payload,
            qos=packet.qos,
            retain=packet.retain,
            dup=packet.dup,
            received_at_us=packet.received_at_us,
            mid=packet.mid,
            epoch=packet.epoch,
        )
        self.pipeline.receive_bad(message, DecodeError(packet.reason, packet.detail, field="topic"))
        # The pipeline acknowledges it once it is among the dead letters.
        return False

    def _health(self) -> Response:
        return Response(200, msgspec.json.encode(self.health()), "application/json")

    def _metrics(self) -> Response:
        return Response(200, health.metrics(self.health()), "text/plain; version=0.0.4")

    def health(self) -> health.Health:
        """Return how the lab is now."""
        return health.collect(self, version=__version__)

    @property
    def uptime_s(self) -> float:
        """Seconds since the start."""
        return (self._clock.now_us() - self.started_us) / US_PER_S

    def reply_counts(self) -> dict[str, int]:
        """Return what became of answers from phones, over all reply topics; ``errors`` are broken connections."""
        names = ("accepted", "refused", "errors")
        return {name: sum(getattr(replies, name) for replies in self._replies) for name in names}

    def _keep_house(self) -> None:
        self.table.keep_house(self._settings.table.stream_retention_h * 3600)

    def _watch_broker(self) -> None:
        if self._broker is not None and self._broker.ensure_running():
            _log.warning("the private broker had died and was started again")

    def _repeat(self, work: Callable[[], None], every_s: float) -> None:
        while not self._stopping.wait(every_s):
            try:
                work()
            except Exception:  # noqa: BLE001  the next round tries again; it is logged
                _log.exception("housekeeping failed")


def _stable_name(directory: Path) -> str:
    return hashlib.blake2b(str(directory.resolve()).encode(), digest_size=4).hexdigest()

"""Devices of others: how a Tasmota plug, a Zigbee2MQTT sensor and a Shelly speak. Not numbered, nothing kept.

Sources: Tasmota documentation (MQTT, tele/SENSOR and LWT); Zigbee2MQTT documentation (MQTT topics and messages);
Shelly API documentation, second generation (MQTT, status topics).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from iotlab.clock import US_PER_S, to_datetime
from iotlab.emulator.generator import Generator
from iotlab.emulator.scenario import Device
from iotlab.emulator.sources import DAY_S
from iotlab.emulator.speaker import Publication

Values = Mapping[str, float | int | bool]
DAY_US = round(DAY_S) * US_PER_S
QUEUE_LIMIT = 100


class Convention(msgspec.Struct, frozen=True):
    """How one kind of device speaks.

    Attributes:
        status_topic: Where it says whether it is there; ``{id}`` stands for the device.
        online, offline: What it says there; offline is also its will.
        topic: Where its values go.
        encode: (values, now_us) → payload.
    """

    status_topic: str
    online: bytes
    offline: bytes
    topic: str
    encode: Callable[[Values, int], bytes]


def nest(values: Values) -> dict[str, Any]:
    """Return values with dots in their names as nested objects: ``ENERGY.Power`` is ``{"ENERGY": {"Power": …}}``."""
    tree: dict[str, Any] = {}
    for name, value in values.items():
        *parents, leaf = name.split(".")
        branch = tree
        for parent in parents:
            branch = branch.setdefault(parent, {})
        branch[leaf] = value
    return tree


def _tasmota(values: Values, now_us: int) -> bytes:
    return msgspec.json.encode({"Time": to_datetime(now_us).strftime("%Y-%m-%dT%H:%M:%S"), **nest(values)})


def _zigbee2mqtt(values: Values, now_us: int) -> bytes:  # noqa: ARG001  its messages bear no time
    return msgspec.json.encode(nest(values))


def _shelly_gen2(values: Values, now_us: int) -> bytes:  # noqa: ARG001  its status bears no time
    return msgspec.json.encode({"id": 0, "source": "init", **nest(values)})


CONVENTIONS: dict[str, Convention] = {
    "tasmota": Convention("tele/{id}/LWT", b"Online", b"Offline", "tele/{id}/SENSOR", _tasmota),
    "zigbee2mqtt": Convention(
        "zigbee2mqtt/{id}/availability",
        b'{"state":"online"}',
        b'{"state":"offline"}',
        "zigbee2mqtt/{id}",
        _zigbee2mqtt,
    ),
    "shelly-gen2": Convention("{id}/online", b"true", b"false", "{id}/status/switch:0", _shelly_gen2),
}


class ForeignDevice:
    """One device of others. See `iotlab.emulator.speaker.Speaker` for its connection's side.

    Attributes:
        sent: Messages handed to the network.
        lost: Why a message was never handed over → how often. Such devices keep nothing while they are offline.
    """

    __slots__ = ("_convention", "_generator", "_online", "_queue", "_topic", "device", "lost", "sent")

    def __init__(self, device: Device, generator: Generator) -> None:
        self.device = device
        self.sent = 0
        self.lost = {"offline": 0, "queue_full": 0}
        self._convention = CONVENTIONS[device.type.convention]
        self._generator = generator
        self._queue: deque[Publication] = deque()
        self._online = False
        self._topic = self._convention.topic.format(id=device.id).encode()

    @property
    def id(self) -> str:
        return self.device.id

    def message(self, elapsed_s: float, now_us: int) -> Publication:
        """Measure all channels now and return the message."""
        values = self._generator.values(elapsed_s, now_us % DAY_US / US_PER_S, [])
        return Publication(self._topic, self._convention.encode(values, now_us), qos=0)

    def sample(self, elapsed_s: float, now_us: int) -> None:
        """Measure all channels now; the message goes out now or is lost and counted."""
        message = self.message(elapsed_s, now_us)
        if not self._online:
            self.lost["offline"] += 1
        elif len(self._queue) >= QUEUE_LIMIT:
            self.lost["queue_full"] += 1
        else:
            self._queue.append(message)

    def _status(self, payload: bytes) -> Publication:
        topic = self._convention.status_topic.format(id=self.device.id)
        return Publication(topic.encode(), payload, retain=True)

    @property
    def will(self) -> Publication:
        return self._status(self._convention.offline)

    @property
    def birth(self) -> Publication:
        """Return what it says when it is connected."""
        return self._status(self._convention.online)

    @property
    def filters(self) -> tuple[str, ...]:
        return ()

    def connected(self) -> None:
        self._online = True
        self._queue.append(self.birth)

    def disconnected(self) -> None:
        self._online = False
        self.lost["offline"] += sum(not publication.retain for publication in self._queue)
        self._queue.clear()

    def leave(self) -> None:
        self._queue.append(self.will)

    def next(self) -> Publication | None:
        if not self._queue:
            return None
        publication = self._queue.popleft()
        self.sent += not publication.retain
        return publication

    def accepted(self, token: int) -> None:
        """Nothing waits for it."""

    def received(self, topic: str, payload: bytes) -> None:
        """It listens to nothing yet."""

"""What sources tell the window: facts, already decoded, in the order in which they were learnt."""

from __future__ import annotations

from typing import Literal

import msgspec
import numpy as np
import numpy.typing as npt

from iotlab.domain.alarm import AlarmState, Severity
from iotlab.domain.reading import Scalar

LinkState = Literal["connecting", "connected", "disconnected"]
LinkName = Literal["table", "raw"]


class ChannelImage(msgspec.Struct, frozen=True, gc=False):
    """One channel of a device item. `at_us` is the time of its last value, µs since 1970."""

    value: Scalar
    unit: str = ""
    at_us: int = 0


class DeviceImage(msgspec.Struct, frozen=True):
    """A device item as the table had it; `stored` grows by one with each message.

    `committed_us` is when the change was committed, 0 for an image of a snapshot. Times are µs since 1970.
    """

    device: str
    convention: str = ""
    type: str = ""
    room: str = ""
    name: str = ""
    firmware: str = ""
    status: str = ""
    received_us: int = 0
    stored: int = 0
    topic: str = ""
    message_id: str = ""
    channels: dict[str, ChannelImage] = {}
    committed_us: int = 0


class DeviceGone(msgspec.Struct, frozen=True):
    """A device item was removed."""

    device: str


class AlarmImage(msgspec.Struct, frozen=True):
    """An alarm item as the table had it. Times are µs since 1970, 0 where there is none."""

    alarm: str
    rule: str = ""
    device: str = ""
    channel: str = ""
    severity: Severity = "info"
    state: AlarmState = "raised"
    version: int = 0
    title: str = ""
    message: str = ""
    value: str = ""
    threshold: str = ""
    room: str = ""
    since_us: int = 0
    raised_us: int = 0
    acknowledged_us: int = 0
    acknowledged_by: str = ""
    cleared_us: int = 0
    deadline_us: int = 0
    episodes: int = 1


class Note(msgspec.Struct, frozen=True):
    """A notification in the lab's own inbox."""

    at: str
    title: str
    body: str = ""
    severity: Severity = "info"
    alarm: str = ""
    at_us: int = 0


class Delivery(msgspec.Struct, frozen=True):
    """An outbox row: how one notification fares on one channel."""

    key: str
    channel: str
    status: str
    error: str = ""


class DeadLetter(msgspec.Struct, frozen=True):
    """A message that could not be decoded, with the reason."""

    at: str
    topic: str
    payload: bytes
    size_bytes: int
    reason: str
    detail: str = ""
    device: str = ""
    received_us: int = 0


class RawMessage(msgspec.Struct, frozen=True, gc=False):
    """One PUBLISH as this window's own subscription received it.

    `payload` may be only the first part; `size_bytes` is the size of all of it.
    """

    topic: str
    payload: bytes
    size_bytes: int
    qos: int = 0
    retain: bool = False
    received_us: int = 0


class SnapshotDone(msgspec.Struct, frozen=True):
    """A table was read whole; what follows for it are its changes.

    `keys` are all partition keys that it had, so that what is shown and no longer there can go.
    """

    table: str
    keys: frozenset[str]


class LinkChanged(msgspec.Struct, frozen=True):
    """A connection of this window: ``table`` (the bridge's endpoint) or ``raw`` (its own MQTT subscription).

    `retry_us` is when the next attempt starts, 0 when none is planned.
    """

    link: LinkName
    state: LinkState
    reason: str = ""
    hint: str = ""
    address: str = ""
    retry_us: int = 0


class HealthSeen(msgspec.Struct, frozen=True):
    """The bridge's health document, as parsed JSON; None when it could not be had."""

    document: dict[str, object] | None
    at_us: int


class HistoryPart(msgspec.Struct, frozen=True):
    """Past samples of one channel, newest part first.

    `done` ends the request; `complete` is False when older samples stay in the table only; `error` says why it ended
    early. A `recent` part belongs to the sparkline and to no plot.
    """

    device: str
    channel: str
    t_s: npt.NDArray[np.float64]
    values: npt.NDArray[np.float64]
    done: bool = False
    complete: bool = True
    error: str = ""
    recent: bool = False


class AcknowledgeDone(msgspec.Struct, frozen=True):
    """The outcome of an acknowledgement that a person asked for; `error` is empty when it worked."""

    alarm: str
    error: str = ""


Event = (
    DeviceImage
    | DeviceGone
    | AlarmImage
    | Note
    | Delivery
    | DeadLetter
    | RawMessage
    | SnapshotDone
    | LinkChanged
    | HealthSeen
    | HistoryPart
    | AcknowledgeDone
)

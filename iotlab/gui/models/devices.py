"""The devices that the window shows, with the recent past of each channel."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

from iotlab.clock import US_PER_S
from iotlab.domain.reading import Scalar
from iotlab.gui.models.events import ChannelImage, DeviceImage, HistoryPart
from iotlab.gui.models.ring import Ring
from iotlab.gui.models.text import one_line, value_text

Presence = Literal["online", "late", "offline"]

LATE_AFTER_S = 15.0
LATE_AFTER_INTERVALS = 4.0
UNKNOWN_INTERVAL_S = 60.0
INTERVAL_SMOOTHING = 0.2
MAIN_CHANNELS = 3

_MAIN_ORDER = (
    "temperature", "humidity", "power", "flow", "open", "motion", "occupancy", "leak", "moisture", "smoke", "gas",
    "co2", "pressure", "energy", "volume", "level", "brightness", "illuminance", "state",
)  # fmt: skip
_DIAGNOSTIC = ("battery", "rssi", "linkquality", "signal", "uptime", "firmware")  # fmt: skip


@dataclass(slots=True)
class Channel:
    """One channel of one device: its last value and its recent past.

    Attributes:
        name: The channel's name, as the device gave it.
        value, unit: The last value and its UCUM unit.
        at_us: When it was measured, µs since 1970.
        recent: Past values for a sparkline; empty for text.
    """

    name: str
    value: Scalar
    unit: str = ""
    at_us: int = 0
    recent: Ring = field(default_factory=Ring)

    @property
    def text(self) -> str:
        """The value with its unit, safe to show."""
        return value_text(self.value, self.unit, self.name)

    @property
    def plottable(self) -> bool:
        """Whether the value is a number or a boolean."""
        return not isinstance(self.value, str)


@dataclass(slots=True)
class Device:
    """One device. Times are µs since 1970; `interval_s` is the smoothed time between messages, 0 when unknown."""

    id: str
    label: str = ""
    type: str = ""
    room: str = ""
    convention: str = ""
    firmware: str = ""
    status: str = ""
    topic: str = ""
    received_us: int = 0
    stored: int = 0
    message_id: str = ""
    interval_s: float = 0.0
    channels: dict[str, Channel] = field(default_factory=dict)
    main: tuple[Channel, ...] = ()
    haystack: str = ""

    def age_s(self, now_us: int) -> float:
        """Return seconds since the last message arrived; 0.0 when the clocks disagree."""
        return max((now_us - self.received_us) / US_PER_S, 0.0)

    def presence(self, now_us: int) -> Presence:
        """Return whether it is offline by its own word, late by its own habit, or online."""
        if self.status == "offline":
            return "offline"
        interval = self.interval_s or UNKNOWN_INTERVAL_S
        return "late" if self.age_s(now_us) > max(LATE_AFTER_S, LATE_AFTER_INTERVALS * interval) else "online"

    @property
    def trend(self) -> Channel | None:
        """The channel whose sparkline stands for the device: its first numeric main channel."""
        for channel in self.main:
            if channel.plottable:
                return channel
        return None

    @property
    def values_text(self) -> str:
        """The main channels' values in one line."""
        return "\u2002 ".join(channel.text for channel in self.main)


@dataclass(slots=True)
class DeviceChange:
    """What one image changed: new samples as (channel, seconds since 1970, value), and whether labels changed.

    `is_traced` is for the first image with a new message id.
    """

    device: Device
    samples: list[tuple[str, float, float]]
    is_new: bool = False
    relabelled: bool = False
    is_traced: bool = False


def main_channels(channels: dict[str, Channel]) -> tuple[Channel, ...]:
    """Return up to three channels that tell most of a device, known names first."""

    def rank(channel: Channel) -> tuple[int, int, str]:
        name = channel.name.lower()
        if any(word in name for word in _DIAGNOSTIC):
            return (2, 0, name)
        for place, known in enumerate(_MAIN_ORDER):
            if known in name:
                return (0, place, name)
        return (1 if channel.plottable else 3, 0, name)

    return tuple(sorted(channels.values(), key=rank)[:MAIN_CHANNELS])


def sample(value: Scalar) -> float | None:
    """Return a value as a number to draw: booleans as 0 and 1, text and what is not finite as None."""
    if isinstance(value, str):
        return None
    number = float(value)
    return number if math.isfinite(number) else None


class DeviceBook:
    """All devices by id, kept up to date from images of the devices table."""

    def __init__(self) -> None:
        self.devices: dict[str, Device] = {}

    def __len__(self) -> int:
        return len(self.devices)

    def apply(self, image: DeviceImage) -> DeviceChange | None:
        """Take over one image; return what it changed, or None when a newer one is here already."""
        device = self.devices.get(image.device)
        is_new = device is None
        if device is None:
            device = self.devices[image.device] = Device(image.device)
        elif image.stored <= device.stored and image.received_us <= device.received_us:
            # A snapshot and the records after it overlap. The time is for a lab that began anew with an empty table.
            return None
        relabelled = _label(device, image)
        _pace(device, image)
        device.stored = image.stored
        is_traced = bool(image.committed_us and image.message_id) and image.message_id != device.message_id
        device.message_id = image.message_id
        samples = [found for name, at in image.channels.items() if (found := _take(device, name, at)) is not None]
        if is_new or relabelled or len(device.channels) != len(image.channels):
            for gone in device.channels.keys() - image.channels.keys():
                del device.channels[gone]
            device.main = main_channels(device.channels)
            relabelled = True
        return DeviceChange(device, samples, is_new, relabelled, is_traced)

    def take_recent(self, part: HistoryPart) -> bool:
        """Fill a sparkline with what was before the window opened; return whether the channel is here."""
        device = self.devices.get(part.device)
        channel = device.channels.get(part.channel) if device is not None else None
        if device is None or channel is None:
            return False
        channel.recent.prepend(part.t_s, part.values)
        if not device.interval_s and len(part.t_s) > 1:
            device.interval_s = float(part.t_s[-1] - part.t_s[0]) / (len(part.t_s) - 1)
        return True

    def remove(self, device_id: str) -> bool:
        """Forget a device; return whether it was here."""
        return self.devices.pop(device_id, None) is not None

    def keep_only(self, ids: frozenset[str]) -> bool:
        """Forget the devices that a whole snapshot did not have; return whether there were any."""
        gone = self.devices.keys() - ids
        for device_id in gone:
            del self.devices[device_id]
        return bool(gone)

    def presences(self, now_us: int) -> dict[Presence, int]:
        """Return how many devices are online, late and offline."""
        counts: dict[Presence, int] = {"online": 0, "late": 0, "offline": 0}
        for device in self.devices.values():
            counts[device.presence(now_us)] += 1
        return counts


def _label(device: Device, image: DeviceImage) -> bool:
    new = (image.name, image.type, image.room, image.convention, image.firmware, image.status, image.topic)
    label = one_line(image.name or image.device)
    old = (label, device.type, device.room, device.convention, device.firmware, device.status, device.topic)
    if device.label == label and new[1:] == old[1:]:
        return False
    device.label = label
    _, device.type, device.room, device.convention, device.firmware, device.status, device.topic = new
    words = (label, image.device, image.type, image.room, image.convention, image.status, *image.channels)
    device.haystack = " ".join(one_line(word) for word in words).casefold()
    return True


def _pace(device: Device, image: DeviceImage) -> None:
    gap_s = (image.received_us - device.received_us) / US_PER_S
    messages = image.stored - device.stored
    if device.received_us and gap_s > 0 and messages > 0:
        share = gap_s / messages
        before = device.interval_s or share
        device.interval_s = before + INTERVAL_SMOOTHING * (share - before)
    device.received_us = max(device.received_us, image.received_us)


def _take(device: Device, name: str, image: ChannelImage) -> tuple[str, float, float] | None:
    channel = device.channels.get(name)
    if channel is None:
        channel = device.channels[name] = Channel(name, image.value)
    elif image.at_us <= channel.at_us:
        return None
    channel.value, channel.unit, channel.at_us = image.value, image.unit, image.at_us
    number = sample(image.value)
    t_s = image.at_us / US_PER_S
    if number is None or not channel.recent.append(t_s, number):
        return None
    return name, t_s, number

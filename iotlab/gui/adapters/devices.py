"""Devices and channels as lists."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject

from iotlab.clock import US_PER_S, Clock
from iotlab.gui.adapters.rows import Column, RowsModel
from iotlab.gui.models.cell import Cell
from iotlab.gui.models.devices import Channel, Device, DeviceBook
from iotlab.gui.models.text import age_text, number_text, one_line

AGE_COLUMN = 6
_PRESENCE_ORDER = {"late": 0, "online": 1, "offline": 2}


class DeviceList(RowsModel[Device]):
    """All devices that match the filter.

    Args:
        book: The devices.
        clock: For ages.
        seen_us: Until when devices could be seen, for who is late.
    """

    def __init__(
        self, book: DeviceBook, clock: Clock, seen_us: Callable[[], int], parent: QObject | None = None
    ) -> None:
        self._clock = clock
        self._seen_us = seen_us
        self._book = book
        self._words: tuple[str, ...] = ()
        columns = [
            Column("Device", 0, self._name, lambda d: d.label, lambda d: d.label.casefold(), self._about),
            Column("Room", 86, lambda d: _muted(d.room), lambda d: d.room, lambda d: d.room.casefold(),
                   lambda d: d.room),
            Column("Type", 114, lambda d: _muted(d.type), lambda d: d.type, lambda d: d.type.casefold(),
                   lambda d: d.type),
            Column(
                "Convention", 98, lambda d: _muted(d.convention), lambda d: d.convention,
                lambda d: d.convention, lambda d: d.convention,
            ),
            Column("Values", 168, _values, lambda d: d.values_text, None, _all_values),
            Column("Trend", 92, _trend, lambda d: d.trend.name if d.trend else "", None),
            Column("Age", 58, self._age, self._age_s, self._age_order, self._age_tip, right=True),
            Column("Messages", 76, _count, lambda d: d.stored, lambda d: d.stored, right=True),
        ]  # fmt: skip
        super().__init__(columns, lambda device: device.id, parent)
        self.sort_column = 0

    def filter(self, text: str) -> None:
        """Show only devices whose name, id, room, type, convention or channels contain every word."""
        self._words = tuple(text.casefold().split())
        self.refresh()

    def refresh(self) -> None:
        """Take over which devices there are."""
        words = self._words
        devices = self._book.devices.values()
        self.set_rows(device for device in devices if all(word in device.haystack for word in words))

    def _now_us(self) -> int:
        return self._clock.now_us()

    def _name(self, device: Device) -> Cell:
        presence = device.presence(self._seen_us())
        return Cell(device.label, "faint" if presence == "offline" else "text", strong=True, presence=presence)

    def _about(self, device: Device) -> str:
        known = [one_line(device.id), device.presence(self._seen_us())]
        known += [f"firmware {one_line(device.firmware)}"] if device.firmware else []
        known += [f"topic {one_line(device.topic)}"] if device.topic else []
        return device.label + "\n" + "\n".join(known)

    def _age(self, device: Device) -> Cell:
        presence = device.presence(self._seen_us())
        if presence == "offline":
            return Cell("offline", "faint", right=True)
        age = age_text(device.age_s(self._now_us()))
        return Cell(age, "warning" if presence == "late" else "muted", right=True)

    def _age_s(self, device: Device) -> float:
        return round(device.age_s(self._now_us()), 1)

    def _age_order(self, device: Device) -> tuple[int, float]:
        return _PRESENCE_ORDER[device.presence(self._seen_us())], device.age_s(self._now_us())

    def _age_tip(self, device: Device) -> str:
        usual = f"; usually every {device.interval_s:.0f} s" if device.interval_s else ""
        return f"Last message {age_text(device.age_s(self._now_us()))} ago{usual}"


def _muted(text: str) -> Cell:
    return Cell(one_line(text), "muted")


def _values(device: Device) -> Cell:
    return Cell(device.values_text)


def _all_values(device: Device) -> str:
    return "\n".join(f"{one_line(channel.name)}: {channel.text}" for channel in device.channels.values())


def _trend(device: Device) -> Cell:
    trend = device.trend
    return Cell() if trend is None else _recent(trend)


def _recent(channel: Channel) -> Cell:
    if not channel.plottable:
        return Cell("text is not drawn", "faint")
    return Cell(spark=channel.recent, steps=isinstance(channel.value, bool))


def _count(device: Device) -> Cell:
    return Cell(number_text(device.stored), "muted", right=True)


class ChannelList(RowsModel[Channel]):
    """The channels of one device."""

    def __init__(self, clock: Clock, parent: QObject | None = None) -> None:
        self._clock = clock
        self.device: Device | None = None
        columns: list[Column[Channel]] = [
            Column("Channel", 150, lambda c: Cell(one_line(c.name), strong=True), lambda c: c.name,
                   lambda c: c.name.casefold(), lambda c: c.name),
            Column("Value", 120, lambda c: Cell(c.text, right=True), lambda c: c.value, None,
                   lambda c: c.text, right=True),
            Column("Last minutes", 0, _recent,
                   lambda c: len(c.recent)),
            Column("Age", 62, self._age, self._age_s, self._age_s, right=True),
        ]  # fmt: skip
        super().__init__(columns, lambda channel: channel.name, parent)
        self.also_exported = [("Unit", lambda channel: channel.unit)]

    def show_device(self, device: Device | None) -> None:
        """Show the channels of another device."""
        self.device = device
        self.refresh()

    def refresh(self) -> None:
        """Take over which channels there are."""
        self.set_rows(self.device.channels.values() if self.device is not None else [])

    def _age_s(self, channel: Channel) -> float:
        return round(max(self._clock.now_us() - channel.at_us, 0) / US_PER_S, 1)

    def _age(self, channel: Channel) -> Cell:
        return Cell(age_text(self._age_s(channel)), "muted", right=True)

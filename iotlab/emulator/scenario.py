"""Scenarios: which devices stand where, and what goes wrong. One TOML file each in ``devices/scenarios/``.

```toml
title = "A family home"
incident_every_s = 300

[[device]]
id = "kitchen-climate"
type = "room-sensor"
room = "kitchen"
offset = { temperature = 1.5 }
```
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from iotlab.emulator.incidents import Plan
from iotlab.emulator.reader import Section, listing, nearest, read_toml
from iotlab.emulator.sources import Positive
from iotlab.emulator.types import NATIVE, DeviceType, default_devices_dir
from iotlab.errors import ConfigError, Place

FORBIDDEN_IN_ID = "/+#"
MAX_ID_BYTES = 256


class Device(msgspec.Struct, frozen=True):
    """One device of a scenario.

    Attributes:
        id: Unique in the scenario; its place in the topic.
        type: Its device type.
        room, name: For a person.
        period_s: Seconds between two messages.
        offset: Channel → what is added to the type's values.
    """

    id: str
    type: DeviceType
    room: str
    name: str
    period_s: float
    offset: dict[str, float]

    @property
    def numbered(self) -> bool:
        """Return whether its messages are numbered and acknowledged; devices of others are not."""
        return self.type.convention == NATIVE


class Scenario(msgspec.Struct, frozen=True):
    """What an emulator plays.

    Attributes:
        name: The file's name without ``.toml``.
        title, about: For a person: a name and a sentence.
        incident_every_s: Every incident happens once in each such span.
        rules: The file of the rules that notice its incidents, as a path among the assets; empty for the lab's own.
        lasts_s: How long it is played when nobody says so; None for ever.
        devices: In the file's order, numbered ones and devices of others.
        plans: The kinds of incidents.
    """

    name: str
    title: str
    about: str
    incident_every_s: float
    rules: str
    lasts_s: float | None
    devices: tuple[Device, ...]
    plans: tuple[Plan, ...]


def scenario_names(directory: Path | None = None) -> list[str]:
    """Return the names of the scenarios in ``<directory>/scenarios``."""
    where = (directory or default_devices_dir()) / "scenarios"
    return sorted(file.stem for file in where.glob("*.toml"))


def load_scenario(name: str, types: Mapping[str, DeviceType], directory: Path | None = None) -> Scenario:
    """Return one scenario.

    Args:
        name: Its name in ``<directory>/scenarios``, or the path of a file that ends in ``.toml``.
        types: The device types that it may use.
        directory: The devices directory; None for the one that comes with iotlab.

    Raises:
        ConfigError: there is no such scenario, or its file is wrong.
    """
    section = read_toml(_file(name, directory))
    section.allow(("title", "about", "incident_every_s", "rules", "lasts_s", "device", "incident"))
    devices = tuple(_device(table, types) for table in section.list_of("device"))
    if not devices:
        raise section.fail("device", "is missing", expected="at least one [[device]]")
    _check_unique(section, devices)
    every_s = section.value("incident_every_s", Positive, 300.0)
    by_id = {device.id: device for device in devices}
    return Scenario(
        name=Path(name).stem,
        title=section.value("title", str, name),
        about=section.value("about", str, ""),
        incident_every_s=every_s,
        rules=section.value("rules", str, ""),
        lasts_s=section.value("lasts_s", Positive) if "lasts_s" in section.table else None,
        devices=devices,
        plans=tuple(_plan(table, by_id, every_s) for table in section.list_of("incident")),
    )


def _file(name: str, directory: Path | None) -> Path:
    if name.endswith(".toml"):
        return Path(name)
    where = (directory or default_devices_dir()) / "scenarios"
    file = where / f"{name}.toml"
    if not file.is_file():
        names = scenario_names(directory)
        raise ConfigError(
            Place(str(where)),
            f"there is no scenario {name!r}",
            expected=f"one of {listing(names)}",
            nearest=nearest(name, names),
        )
    return file


def _device(section: Section, types: Mapping[str, DeviceType]) -> Device:
    section.allow(("id", "type", "room", "name", "period_s", "offset"))
    type_name = section.value("type", str)
    if type_name not in types:
        raise section.fail(
            "type",
            f"there is no device type {type_name!r}",
            expected=f"one of {listing(types)}",
            nearest=nearest(type_name, types),
        )
    device_type = types[type_name]
    device_id = _device_id(section)
    return Device(
        id=device_id,
        type=device_type,
        room=section.value("room", str, ""),
        name=section.value("name", str, device_id.replace("-", " ").capitalize()),
        period_s=section.value("period_s", Positive, device_type.period_s),
        offset=_offset(section, device_type),
    )


def _device_id(section: Section) -> str:
    device_id = section.value("id", str)
    bad = [c for c in device_id if c in FORBIDDEN_IN_ID or not c.isprintable()]
    if not device_id or bad or len(device_id.encode()) > MAX_ID_BYTES:
        problem = f"{bad[0]!r} is not allowed" if bad else "is empty or too long"
        raise section.fail(
            "id", problem, expected=f"1 to {MAX_ID_BYTES} bytes of text without {' '.join(FORBIDDEN_IN_ID)}"
        )
    return device_id


def _offset(section: Section, device_type: DeviceType) -> dict[str, float]:
    offset = section.value("offset", dict[str, float], {})
    for channel in offset:
        _check_channel(section, f"offset.{channel}", channel, device_type)
    return offset


def _check_channel(section: Section, key: str, channel: str, device_type: DeviceType) -> None:
    if channel not in device_type.channels:
        raise section.fail(
            key,
            f"{device_type.name} has no channel {channel!r}",
            expected=f"one of {listing(device_type.channels)}",
            nearest=nearest(channel, device_type.channels),
        )


def _check_unique(section: Section, devices: Sequence[Device]) -> None:
    seen: set[str] = set()
    for index, device in enumerate(devices):
        if device.id in seen:
            raise section.fail(f"device[{index}].id", f"{device.id!r} is there twice", expected="a unique id")
        seen.add(device.id)


def _plan(section: Section, devices: Mapping[str, Device], every_s: float) -> Plan:
    plan = section.struct(Plan)
    for index, name in enumerate(plan.candidates):
        if name not in devices:
            raise section.fail(
                f"candidates[{index}]",
                f"there is no device {name!r}",
                expected="an id of this scenario",
                nearest=nearest(name, devices),
            )
        _check_channel(section, "channel", plan.channel, devices[name].type)
        if plan.kind == "silent" and not devices[name].numbered:
            raise section.fail(
                f"candidates[{index}]", f"{name!r} is a device of others", expected="a numbered device"
            )
    _check_value(section, plan)
    if plan.start_s[0] > plan.start_s[1]:
        raise section.fail("start_s", "ends before it begins", expected="[earliest, latest]")
    if plan.latest_end_s > every_s:
        raise section.fail(
            "start_s", f"the incident may last until {plan.latest_end_s:g} s", expected=f"an end within {every_s:g} s"
        )
    return plan


def _check_value(section: Section, plan: Plan) -> None:
    if plan.kind == "level" and "to" not in section.table:
        raise section.fail("to", "is missing", expected="the value that the channel goes to")
    wrong = {"stuck": ("to", "rise_s", "fall_s"), "silent": ("to", "rise_s", "fall_s"), "reset": ("rise_s", "fall_s")}
    for key in wrong.get(plan.kind, ()):
        if key in section.table:
            raise section.fail(key, f"means nothing with kind = {plan.kind!r}", expected="no such key")


def fleet_of(scenario: Scenario, *, devices: int | None = None, rate: float | None = None) -> list[Device]:
    """Return the devices that play: the scenario's, made more or fewer, faster or slower.

    Args:
        devices: How many numbered devices; the scenario's are repeated in turn as ``<id>-2``, ``<id>-3`` and so on,
            or only the first play. Devices of others play when all of the scenario's own do.
        rate: Messages a second over all numbered devices; their periods are scaled by one factor.
    """
    own = [device for device in scenario.devices if device.numbered]
    others = [device for device in scenario.devices if not device.numbered]
    count = len(own) if devices is None else devices
    playing = [_copy(own[index % len(own)], index // len(own) + 1) for index in range(count if own else 0)]
    if rate is not None and playing:
        factor = sum(1.0 / device.period_s for device in playing) / rate
        playing = [msgspec.structs.replace(device, period_s=device.period_s * factor) for device in playing]
    return playing + (others if count >= len(own) else [])


def _copy(device: Device, number: int) -> Device:
    if number == 1:
        return device
    return msgspec.structs.replace(device, id=f"{device.id}-{number}", name=f"{device.name} {number}")

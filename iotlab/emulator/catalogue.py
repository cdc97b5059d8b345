"""What can be played, for a person: the rows behind `iotlab emulate --list` and `--explain TYPE`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec

from iotlab.emulator.reader import listing, nearest
from iotlab.emulator.scenario import load_scenario, scenario_names
from iotlab.emulator.types import DeviceType, load_types
from iotlab.errors import ConfigError, Place


class ScenarioRow(msgspec.Struct, frozen=True):
    """One scenario: its name, its title and sentence, devices by type, and the incidents with their candidates."""

    name: str
    title: str
    about: str
    numbered: int
    foreign: int
    types: dict[str, int]
    incidents: dict[str, tuple[str, ...]]


class ChannelRow(msgspec.Struct, frozen=True):
    """One channel of a device type; `behaviour` says in words what its value does."""

    name: str
    unit: str
    kind: str
    decimals: int
    behaviour: str


class TypeRow(msgspec.Struct, frozen=True):
    """One device type with its channels, in the file's order."""

    name: str
    title: str
    about: str
    convention: str
    firmware: str
    period_s: float
    channels: tuple[ChannelRow, ...]


def list_types(directory: Path | None = None) -> list[TypeRow]:
    """Return every device type, sorted by name. Raises ConfigError when a file is wrong."""
    return [_type_row(device_type) for device_type in load_types(directory).values()]


def explain(name: str, directory: Path | None = None) -> TypeRow:
    """Return one device type.

    Raises:
        ConfigError: there is none of that name (with the nearest one), or its file is wrong.
    """
    types = load_types(directory)
    if name not in types:
        raise ConfigError(
            Place("devices", name),
            "there is no such device type",
            expected=f"one of {listing(types)}",
            nearest=nearest(name, types),
        )
    return _type_row(types[name])


def list_scenarios(directory: Path | None = None) -> list[ScenarioRow]:
    """Return every scenario, sorted by name. Raises ConfigError when a file is wrong."""
    types = load_types(directory)
    rows = []
    for name in scenario_names(directory):
        scenario = load_scenario(name, types, directory)
        numbered = sum(device.numbered for device in scenario.devices)
        rows.append(
            ScenarioRow(
                name=name,
                title=scenario.title,
                about=scenario.about,
                numbered=numbered,
                foreign=len(scenario.devices) - numbered,
                types=dict(Counter(device.type.name for device in scenario.devices)),
                incidents={plan.name: plan.candidates for plan in scenario.plans},
            )
        )
    return rows


def _type_row(device_type: DeviceType) -> TypeRow:
    channels = (
        ChannelRow(channel.name, channel.unit, channel.kind, channel.decimals, channel.describe())
        for channel in device_type.channels.values()
    )
    return TypeRow(
        name=device_type.name,
        title=device_type.title,
        about=device_type.about,
        convention=device_type.convention,
        firmware=device_type.firmware,
        period_s=device_type.period_s,
        channels=tuple(channels),
    )

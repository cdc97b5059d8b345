"""Device types: one TOML file each in ``devices/``. A new device needs no Python.

```toml
title = "Room sensor"
firmware = "1.4.0"

[channels.temperature]
unit = "Cel"
decimals = 1
source = { kind = "walk", mean = 21.5, spread = 0.4 }
effects = [{ kind = "noise", sigma = 0.05 }]
```
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import msgspec

from iotlab.emulator.effects import EFFECTS, Effect
from iotlab.emulator.reader import Section, listing, nearest, read_toml
from iotlab.emulator.source_kinds import SOURCES
from iotlab.emulator.sources import Integral, Linear, Positive, Source
from iotlab.errors import ConfigError, Place

S = TypeVar("S", bound=msgspec.Struct)
ChannelKind = Literal["number", "bool"]
Decimals = Annotated[int, msgspec.Meta(ge=0, le=9)]

NATIVE = "native"
CONVENTIONS = (NATIVE, "tasmota", "zigbee2mqtt", "shelly-gen2")
"""How a device of a type speaks. Only native devices are numbered; the others stand for devices of others."""

UCUM_FOR = {
    "°C": "Cel", "C": "Cel", "degC": "Cel", "°F": "[degF]", "kWh": "kW.h", "Wh": "W.h", "ppm": "[ppm]", "m³": "m3",
    "l/min": "L/min", "m³/h": "m3/h", "lux": "lx", "percent": "%", "kmh": "km/h", "litre": "L", "sec": "s",
}  # fmt: skip
"""What people write → the UCUM code."""

_UNIT = re.compile(r"[!-~]*")
_DEFAULT_PERIOD_S = 1.0


class Channel(msgspec.Struct, frozen=True):
    """One value of a device.

    Attributes:
        name: Its name in the message.
        unit: UCUM code, or empty.
        decimals: Digits behind the point; with 0 the value is a whole number.
        kind: ``number`` or ``bool``; a bool is true from 0.5 on.
        sources: Their values are added.
        effects: Applied in this order.
    """

    name: str
    unit: str
    decimals: int
    kind: ChannelKind
    sources: tuple[Source, ...]
    effects: tuple[Effect, ...]

    def describe(self) -> str:
        """Return one sentence for a person: what the value does."""
        parts = [" + ".join(source.describe() for source in self.sources)]
        parts += [effect.describe() for effect in self.effects]
        return ", ".join(parts)


class DeviceType(msgspec.Struct, frozen=True):
    """What all devices of one type have in common.

    Attributes:
        name: The file's name without ``.toml``.
        title, about: For a person: a name and a sentence.
        convention: One of `CONVENTIONS`.
        firmware: Told in the birth message.
        period_s: Seconds between two messages.
        channels: In the file's order.
    """

    name: str
    title: str
    about: str
    convention: str
    firmware: str
    period_s: float
    channels: dict[str, Channel]


def default_devices_dir() -> Path:
    """Return the directory of the device files that come with iotlab: inside the wheel, else in the repository."""
    package = Path(__file__).resolve().parent.parent
    shipped = package / "_data" / "devices"
    return shipped if shipped.is_dir() else package.parent / "devices"


def load_types(directory: Path | None = None) -> dict[str, DeviceType]:
    """Return every device type of a directory by name, sorted.

    Args:
        directory: Where ``*.toml`` stand; None for those that come with iotlab.

    Raises:
        ConfigError: there is no type, or a file is wrong; it names file, key, what was expected and the nearest name.
    """
    where = directory or default_devices_dir()
    files = sorted(where.glob("*.toml"))
    if not files:
        raise ConfigError(Place(str(where)), "there is no device type", expected="*.toml files")
    return {file.stem: load_type(file) for file in files}


def load_type(file: Path) -> DeviceType:
    """Return the device type of one file. Raises ConfigError as `load_types` does."""
    section = read_toml(file)
    section.allow(("title", "about", "convention", "firmware", "period_s", "channels"))
    convention = section.value("convention", str, NATIVE)
    if convention not in CONVENTIONS:
        raise section.fail(
            "convention",
            f"{convention!r} is not known",
            expected=f"one of {listing(CONVENTIONS)}",
            nearest=nearest(convention, CONVENTIONS),
        )
    tables = section.sections("channels")
    if not tables:
        raise section.fail("channels", "is missing", expected="at least one [channels.<name>]")
    channels: dict[str, Channel] = {}
    for name, table in tables.items():
        channels[name] = _channel(name, table, channels)
    return DeviceType(
        name=file.stem,
        title=section.value("title", str, file.stem),
        about=section.value("about", str, ""),
        convention=convention,
        firmware=section.value("firmware", str, "1.0.0"),
        period_s=section.value("period_s", Positive, _DEFAULT_PERIOD_S),
        channels=channels,
    )


def _channel(name: str, section: Section, above: Mapping[str, Channel]) -> Channel:
    section.allow(("unit", "decimals", "kind", "source", "effects"))
    sources = tuple(_one_of(SOURCES, table, "source") for table in section.list_of("source"))
    if not sources:
        raise section.fail("source", "is missing", expected='source = { kind = "…", … }')
    for source in sources:
        _check_reference(source, section, above)
    return Channel(
        name=name,
        unit=_unit(section),
        decimals=section.value("decimals", Decimals, 1),
        kind=section.value("kind", ChannelKind, "number"),  # type: ignore[arg-type]  # msgspec reads a Literal
        sources=sources,
        effects=tuple(_one_of(EFFECTS, table, "effect") for table in section.list_of("effects")),
    )


def _one_of(kinds: Mapping[str, type[S]], section: Section, what: str) -> S:
    kind = section.value("kind", str)
    if kind not in kinds:
        raise section.fail(
            "kind", f"{kind!r} is no {what}", expected=f"one of {listing(kinds)}", nearest=nearest(kind, kinds)
        )
    return section.struct(kinds[kind], also=("kind",))


def _check_reference(source: Source, section: Section, above: Iterable[str]) -> None:
    if isinstance(source, (Integral, Linear)) and source.of not in above:
        raise section.fail(
            "source.of",
            f"{source.of!r} is no channel above this one",
            expected=f"one of {listing(above)}",
            nearest=nearest(source.of, above),
        )


def _unit(section: Section) -> str:
    unit = section.value("unit", str, "")
    if unit in UCUM_FOR or not _UNIT.fullmatch(unit):
        known = UCUM_FOR.get(unit, "")
        raise section.fail(
            "unit", f"{unit!r} is no UCUM code", expected="such as Cel, %, W, kW.h, L/min", nearest=known
        )
    return unit

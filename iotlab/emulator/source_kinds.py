"""The words by which a device file names a source. A new kind is one class and one line here."""

from __future__ import annotations

from iotlab.emulator.household import Course, Uses
from iotlab.emulator.sources import (
    Constant,
    Counter,
    Diurnal,
    Integral,
    Linear,
    Ramp,
    Sine,
    Source,
    Square,
    Switch,
    Triangle,
    Walk,
)

SOURCES: dict[str, type[Source]] = {
    "constant": Constant,
    "sine": Sine,
    "triangle": Triangle,
    "square": Square,
    "ramp": Ramp,
    "diurnal": Diurnal,
    "walk": Walk,
    "switch": Switch,
    "counter": Counter,
    "integral": Integral,
    "linear": Linear,
    "course": Course,
    "uses": Uses,
}

"""A plausible home for pictures and tests: rooms, devices and how their values move. No lab is needed."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from random import Random

from iotlab.domain.alarm import Severity
from iotlab.domain.reading import Scalar


@dataclass(frozen=True)
class Wave:
    """How one channel moves: a slow sine around a base, a faster ripple, noise, and now and then a plateau."""

    unit: str
    base: float
    swing: float = 0.0
    period_s: float = 600.0
    noise: float = 0.0
    plateau: float = 0.0
    plateau_share: float = 0.0
    decimals: int = 1
    switch: bool = False

    def value(self, t_s: float, phase: float, chance: Random) -> Scalar:
        """Return the value at a time; ``phase`` in 0 … 1 tells devices of one kind apart."""
        angle = 2 * math.pi * (t_s / self.period_s + phase)
        in_plateau = math.sin(angle * 0.63 + 2 * math.pi * phase) > 1 - 2 * self.plateau_share
        if self.switch:
            return in_plateau
        value = self.base + self.swing * (math.sin(angle) + 0.25 * math.sin(3.1 * angle))
        value += (self.plateau if in_plateau else 0.0) + chance.gauss(0.0, self.noise)
        return round(value, self.decimals) if self.decimals else round(value)


@dataclass(frozen=True)
class HomeDevice:
    """One device of the home and the seconds between its messages."""

    id: str
    name: str
    room: str
    type: str
    convention: str
    every_s: float
    channels: dict[str, Wave]
    status: str = "online"


@dataclass(frozen=True)
class HomeAlarm:
    """One alarm of the home; times are seconds before now."""

    rule: str
    device: str
    channel: str
    severity: Severity
    state: str
    title: str
    message: str
    value: str
    threshold: str
    raised_s: float
    acknowledged_by: str = ""
    cleared_s: float = 0.0


@dataclass(frozen=True)
class Home:
    """The devices and the alarms."""

    devices: list[HomeDevice] = field(default_factory=list)
    alarms: list[HomeAlarm] = field(default_factory=list)


_CLIMATE = {
    "temperature": Wave("Cel", 21.0, 0.9, 900, 0.04),
    "humidity": Wave("%", 46.0, 5.0, 1400, 0.2, decimals=0),
    "battery": Wave("%", 87.0, decimals=0),
}
_PLUG = {
    "power": Wave("W", 42.0, 9.0, 420, 1.6, plateau=160.0, plateau_share=0.3),
    "energy": Wave("kW.h", 12.84, decimals=2),
    "state": Wave("", 0.0, switch=True, plateau_share=0.8, period_s=1800),
}
_CONTACT = {
    "open": Wave("", 0.0, switch=True, plateau_share=0.12, period_s=700),
    "battery": Wave("%", 93.0, decimals=0),
}
_MOTION = {
    "motion": Wave("", 0.0, switch=True, plateau_share=0.25, period_s=260),
    "illuminance": Wave("lx", 240.0, 60.0, 1800, 4.0, decimals=0),
}
_WATER = {
    "flow": Wave("L/min", 0.0, 0.0, 500, 0.0, plateau=7.4, plateau_share=0.22),
    "volume": Wave("m3", 318.42, decimals=2),
}
_ROOMS = ("Kitchen", "Living room", "Bedroom", "Bathroom", "Office", "Hall", "Kids' room", "Cellar")


def _rooms() -> list[HomeDevice]:
    devices = []
    for index, room in enumerate(_ROOMS):
        slug = room.lower().replace(" ", "-").replace("'", "")
        climate = dict(_CLIMATE)
        warm = climate["temperature"]
        base = (21.8, 22.1, 19.6, 23.4, 21.5, 18.9, 20.8, 14.2)[index]
        climate["temperature"] = Wave("Cel", base, warm.swing, 700 + 90 * index, warm.noise)
        native = index % 2 == 0
        devices += [
            HomeDevice(
                f"{slug}-climate", f"{room} climate", room, "room-sensor", "native" if native else "zigbee2mqtt",
                2.0 if native else 5.0, climate,
            ),
            HomeDevice(f"{slug}-motion", f"{room} motion", room, "motion-sensor", "zigbee2mqtt", 4.0, dict(_MOTION)),
            HomeDevice(f"{slug}-window", f"{room} window", room, "contact", "zigbee2mqtt", 8.0, dict(_CONTACT)),
        ]  # fmt: skip
    return devices


def _energy() -> list[HomeDevice]:
    meter = {
        "power": Wave("W", 940.0, 260.0, 300, 22.0, plateau=1450.0, plateau_share=0.18, decimals=0),
        "voltage": Wave("V", 231.0, 1.2, 200, 0.3),
        "energy": Wave("kW.h", 18422.6, decimals=1),
    }
    solar = {"power": Wave("W", 1320.0, 340.0, 760, 35.0, decimals=0), "energy": Wave("kW.h", 6204.1)}
    devices = [
        HomeDevice("main-meter", "Main meter", "Cellar", "electricity-meter", "native", 1.0, meter),
        HomeDevice("solar", "Solar inverter", "Roof", "inverter", "native", 1.0, solar),
    ]
    plugs = (("Fridge", "Kitchen"), ("Dishwasher", "Kitchen"), ("TV", "Living room"), ("Desk", "Office"))
    for index, (name, room) in enumerate(plugs):
        plug = dict(_PLUG)
        plug["power"] = Wave("W", (62.0, 8.0, 118.0, 74.0)[index], 9.0, 300 + 60 * index, 1.4, 120.0, 0.3)
        convention = ("tasmota", "shelly-gen1", "shelly-gen2", "tasmota")[index]
        devices.append(HomeDevice(f"plug-{name.lower()}", f"{name} plug", room, "plug", convention, 3.0, plug))
    return devices


def _supply() -> list[HomeDevice]:
    gas = {"flow": Wave("m3/h", 0.0, 0.0, 640, 0.0, 1.8, 0.35, 2), "volume": Wave("m3", 4410.28, decimals=2)}
    leak = dict(_WATER) | {"flow": Wave("L/min", 14.6, 0.7, 120, 0.15)}
    freezer = {"temperature": Wave("Cel", -9.2, 0.5, 500, 0.05), "power": Wave("W", 88.0, 4.0, 240, 0.8)}
    warm = Wave("Cel", 21.2, 0.5, 800, 0.04)
    air = {"co2": Wave("[ppm]", 780.0, 150.0, 1100, 6.0, decimals=0), "temperature": warm}
    water = Wave("bar", 1.6, 0.05, 900, 0.005, decimals=2)
    boiler = {"temperature": Wave("Cel", 58.0, 3.0, 900, 0.1), "pressure": water}
    garden = {"temperature": Wave("Cel", 8.4, 0.6, 2400, 0.05), "pressure": Wave("hPa", 1013.2, 0.4, 3600, 0.05)}
    return [
        HomeDevice("kitchen-water", "Kitchen water", "Kitchen", "water-meter", "native", 1.0, leak),
        HomeDevice("bath-water", "Bathroom water", "Bathroom", "water-meter", "native", 2.0, dict(_WATER)),
        HomeDevice("gas-meter", "Gas meter", "Cellar", "gas-meter", "native", 4.0, gas),
        HomeDevice("freezer", "Freezer", "Cellar", "freezer", "shelly-gen2", 3.0, freezer),
        HomeDevice("office-air", "Office air quality", "Office", "air-quality", "native", 3.0, air),
        HomeDevice("bedroom-air", "Bedroom air quality", "Bedroom", "air-quality", "native", 3.0, dict(air)),
        HomeDevice("garden", "Garden weather", "Garden", "weather-station", "native", 5.0, garden),
        HomeDevice("boiler", "Boiler", "Cellar", "boiler", "tasmota", 4.0, boiler),
        HomeDevice("garage-door", "Garage door", "Garage", "contact", "shelly-gen1", 10.0, dict(_CONTACT)),
        HomeDevice("mailbox", "Mailbox", "Garden", "contact", "zigbee2mqtt", 10.0, dict(_CONTACT), status="offline"),
    ]  # fmt: skip


_ALARMS = [
    HomeAlarm("water-leak", "kitchen-water", "flow", "critical", "raised", "Water leak",
              "Kitchen water: flow is 14.6 L/min, limit 12", "14.6 L/min", "12", 94),
    HomeAlarm("freezer-warm", "freezer", "temperature", "warning", "raised", "Freezer too warm",
              "Freezer: temperature is -9.2 °C, limit -15", "-9.2 °C", "-15", 412),
    HomeAlarm("co2-high", "office-air", "co2", "warning", "acknowledged", "Air is used up",
              "Office air quality: co2 is 1 024 ppm, limit 1 000", "1024 ppm", "1000", 1260, "Ada"),
    HomeAlarm("damp", "bathroom-climate", "humidity", "info", "raised", "Bathroom is damp",
              "Bathroom climate: humidity is 71 %, limit 70", "71 %", "70", 655),
    HomeAlarm("high-power", "main-meter", "power", "warning", "cleared", "High consumption",
              "Main meter: power is 3 120 W, limit 3 000", "3120 W", "3000", 3960, "Ada", 3410),
    HomeAlarm("gas-flow", "gas-meter", "flow", "critical", "cleared", "Gas flows at night",
              "Gas meter: flow is 2.1 m³/h, limit 2", "2.1 m³/h", "2", 15_300, "Grace", 14_800),
]  # fmt: skip


def home() -> Home:
    """Return the home: 40 devices over ten rooms, four active alarms and two that are over."""
    return Home(_rooms() + _energy() + _supply(), list(_ALARMS))

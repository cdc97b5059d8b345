"""Stop 2 of the journey: the conventions in which devices write, each in one file.

To add one: write ``<name>.py`` with a class that fulfils `Convention` and its test, and enter it in `CONVENTIONS`.
"""

from __future__ import annotations

from iotlab.bridge.conventions.base import Convention, Route
from iotlab.bridge.conventions.native import Native, numbered
from iotlab.bridge.conventions.resolver import Resolver
from iotlab.bridge.conventions.shelly_gen1 import ShellyGen1
from iotlab.bridge.conventions.shelly_gen2 import ShellyGen2
from iotlab.bridge.conventions.tasmota import Tasmota
from iotlab.bridge.conventions.zigbee2mqtt import Zigbee2Mqtt

CONVENTIONS: tuple[Convention, ...] = (Native(), Zigbee2Mqtt(), Tasmota(), ShellyGen2(), ShellyGen1())
"""Asked in this order: those with an own root first; of the Shellys the second generation first, because the first
claims everything under ``shellies/``."""

__all__ = ["CONVENTIONS", "Convention", "Resolver", "Route", "numbered"]

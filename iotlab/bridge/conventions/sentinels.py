"""Numbers that sensors send when they have nothing to say. They are no readings, whatever convention brings them.

======== ======================================================================================================
327.67   the largest 16-bit number in hundredths: the probe is missing (Dragino and other LoRaWAN sensors)
-127     a DS18B20 that does not answer (Arduino's DallasTemperature: DEVICE_DISCONNECTED_C)
85       a DS18B20 that was read before its first conversion (its power-on value). It is also a temperature, so it
         counts only where the channel's name says which sensor it is.
======== ======================================================================================================

Only temperatures are looked at: channels with a unit of temperature, or none and a name that speaks of it. A channel
without a value keeps its last one in the device's state, with its age, and beside it what the sensor sent instead.

Sources: Dragino LHT65 and LSN50 manuals; DallasTemperature library; Maxim DS18B20 data sheet, table 1.
"""

from __future__ import annotations

import re

import msgspec

from iotlab.domain.reading import Decoded, Ignored, Reading, Several, Value

_ALWAYS = frozenset({327.67, -127})
_POWER_ON = 85
_TEMPERATURE_UNITS = frozenset({"Cel", "[degF]"})
_TEMPERATURE_NAME = re.compile(r"temp|ds18|dewpoint|dew_point", re.IGNORECASE)
_DS18B20 = re.compile(r"ds18", re.IGNORECASE)


def without_sentinels(decoded: Decoded) -> Decoded:
    """Return the same without the values that are none; they are named in `Reading.no_reading`."""
    if isinstance(decoded, Ignored):
        return decoded
    if isinstance(decoded, Several):
        return Several(tuple(map(_cleaned, decoded.readings)))
    return _cleaned(decoded)


def _cleaned(reading: Reading) -> Reading:
    sentinels = {name: value for name, value in reading.values.items() if is_sentinel(name, value)}
    if not sentinels:
        return reading
    return msgspec.structs.replace(
        reading,
        values={name: value for name, value in reading.values.items() if name not in sentinels},
        no_reading=reading.no_reading | {name: value.raw or str(value.value) for name, value in sentinels.items()},
    )


def is_sentinel(channel: str, value: Value) -> bool:
    """Tell whether a value says that there is none."""
    number = value.value
    # Most messages end here: their numbers are none of the three.
    if number not in _ALWAYS and number != _POWER_ON:
        return False
    if isinstance(number, (bool, str)):
        return False
    is_temperature = value.unit in _TEMPERATURE_UNITS or (not value.unit and _TEMPERATURE_NAME.search(channel))
    if not is_temperature:
        return False
    return number in _ALWAYS or _DS18B20.search(channel) is not None

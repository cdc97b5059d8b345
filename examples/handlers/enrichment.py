"""Adds what a room sensor does not measure: the dew point, and whether mould may grow on a cold wall.

Feed it the table ``devices``. It returns one entry for each reading that has a temperature and a humidity.

Runs unchanged in AWS Lambda. Uses no network.
"""

import math
import os
from typing import Any

WALL_COLDER_BY = float(os.environ.get("WALL_COLDER_BY", "6"))

# Magnus formula over water. Source: Alduchov and Eskridge, J. Appl. Meteor. 35 (1996).
_A, _B = 17.625, 243.04


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Return the readings with their dew point in °C."""
    enriched = [_enriched(record["dynamodb"]) for record in event["Records"]]
    return {"readings": [reading for reading in enriched if reading]}


def _enriched(change: dict[str, Any]) -> dict[str, Any] | None:
    channels = change.get("NewImage", {}).get("channels", {}).get("M", {})
    temperature = _number(channels, "temperature")
    humidity = _number(channels, "humidity")
    if temperature is None or humidity is None or not 0 < humidity <= 100:
        return None
    dew_point = _dew_point(temperature, humidity)
    return {
        "device": change["Keys"]["device"]["S"],
        "temperature": temperature,
        "humidity": humidity,
        "dew_point": round(dew_point, 1),
        "mould_risk": temperature - WALL_COLDER_BY <= dew_point,
    }


def _dew_point(temperature: float, humidity: float) -> float:
    gamma = math.log(humidity / 100) + _A * temperature / (_B + temperature)
    return _B * gamma / (_A - gamma)


def _number(channels: dict[str, Any], name: str) -> float | None:
    text = channels.get(name, {}).get("M", {}).get("value", {}).get("N")
    return None if text is None else float(text)

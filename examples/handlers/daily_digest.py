"""Writes a day's figures as a text: for each device and channel the least, the mean and the greatest value.

Feed it the table ``readings`` or ``devices`` with a tumbling window, the longest that Lambda allows being 15 minutes,
and send what it returns at a window's end; or invoke it once a day with the records of the day.

Runs unchanged in AWS Lambda. Uses no network.
"""

from collections.abc import Iterator
from typing import Any


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Return the figures so far as state, and at the window's end the digest as text."""
    state = event.get("state") or {}
    for record in event["Records"]:
        image = record["dynamodb"].get("NewImage", {})
        for channel, value in _values(image):
            _add(state.setdefault(image["device"]["S"], {}), channel, value)
    if not event.get("isFinalInvokeForWindow", True):
        return {"state": state}
    lines = [
        _line(device, channel, seen) for device in sorted(state) for channel, seen in sorted(state[device].items())
    ]
    return {"state": {}, "subject": f"{len(state)} devices, {len(lines)} channels", "body": "\n".join(lines)}


def _values(image: dict[str, Any]) -> Iterator[tuple[str, float]]:
    """Yield the numeric channels of an item of ``devices`` (channels with units) or ``readings`` (plain values)."""
    for channel, entry in image.get("channels", {}).get("M", {}).items():
        if "N" in entry["M"].get("value", {}):
            yield channel, float(entry["M"]["value"]["N"])
    for channel, value in image.get("values", {}).get("M", {}).items():
        if "N" in value:
            yield channel, float(value["N"])


def _add(channels: dict[str, Any], name: str, value: float) -> None:
    seen = channels.setdefault(name, {"least": value, "greatest": value, "sum": 0.0, "count": 0})
    seen["least"] = min(seen["least"], value)
    seen["greatest"] = max(seen["greatest"], value)
    seen["sum"] += value
    seen["count"] += 1


def _line(device: str, channel: str, seen: dict[str, Any]) -> str:
    mean = seen["sum"] / seen["count"]
    return f"{device} {channel}: {seen['least']:g} to {seen['greatest']:g}, mean {mean:.2f} of {seen['count']}"

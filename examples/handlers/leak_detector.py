"""Finds pipes that never rest: water that flows through a whole window of time is a leak, or a tap left open.

Feed it the table ``devices`` with a tumbling window of ten minutes. It keeps, for each device, the least flow of the
window in the window's state, and names those that never came below `RESTING` when the window ends.

Runs unchanged in AWS Lambda. Uses no network.
"""

import os
from typing import Any

RESTING = float(os.environ.get("RESTING_L_PER_MIN", "0.05"))
FEWEST_READINGS = 3


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Return the window's state, and at its end the devices that leak."""
    state = event.get("state") or {}
    for record in event["Records"]:
        image = record["dynamodb"].get("NewImage")
        flow = _flow(image) if image else None
        if flow is not None:
            seen = state.get(image["device"]["S"], {"least": flow, "readings": 0})
            state[image["device"]["S"]] = {"least": min(seen["least"], flow), "readings": seen["readings"] + 1}
    if not event.get("isFinalInvokeForWindow", True):
        return {"state": state}
    leaks = [
        {"device": device, "least_l_per_min": seen["least"]}
        for device, seen in sorted(state.items())
        if seen["least"] > RESTING and seen["readings"] >= FEWEST_READINGS
    ]
    for leak in leaks:
        print(f"leak: {leak['device']} never rested, at least {leak['least_l_per_min']} l/min")
    return {"state": {}, "leaks": leaks}


def _flow(image: dict[str, Any]) -> float | None:
    channel = image.get("channels", {}).get("M", {}).get("flow", {}).get("M", {})
    text = channel.get("value", {}).get("N")
    return None if text is None else float(text)

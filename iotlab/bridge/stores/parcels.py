"""How a batch is divided: lanes that commit side by side, each a sequence of parcels, each parcel one transaction.

One device is in one lane, and in a parcel at most once: its state is then put once for each of its messages, so that
the stream has a record of each, and its messages stay in order.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Sequence

from iotlab.bridge.arrival import Arrival
from iotlab.domain.reading import readings_of

MAX_LANES = 8
DEVICES_A_LANE = 16
PARCEL_MESSAGES = 30
"""Of different devices each: state, history and ledger of 30 are 90 of the 100 actions of a transaction."""


def divide(arrivals: Sequence[Arrival]) -> list[list[list[Arrival]]]:
    """Return the lanes of a batch, each with its parcels in order."""
    devices = {device for arrival in arrivals if (device := device_of(arrival))}
    lanes: list[list[Arrival]] = [[] for _ in range(min(MAX_LANES, 1 + len(devices) // DEVICES_A_LANE))]
    for arrival in arrivals:
        # Equal topics share a counter, and equal devices a state: they belong to one lane.
        place = device_of(arrival) or arrival.message.topic
        lanes[zlib.crc32(place.encode(errors="surrogatepass")) % len(lanes)].append(arrival)
    return [parcels(lane) for lane in lanes if lane]


def parcels(arrivals: Sequence[Arrival]) -> list[list[Arrival]]:
    """Return the arrivals in parcels; those of one device are in different ones, in order."""
    found: list[list[Arrival]] = []
    next_of: Counter[str] = Counter()
    for arrival in arrivals:
        device = device_of(arrival)
        number = next_of[device] if device else 0
        while number < len(found) and len(found[number]) == PARCEL_MESSAGES:
            number += 1
        if number == len(found):
            found.append([])
        found[number].append(arrival)
        if device:
            next_of[device] = number + 1
    return found


def device_of(arrival: Arrival) -> str:
    """Return the device whose state or account the message changes; of several the first; empty for none."""
    for reading in readings_of(arrival.decoded):
        return reading.device
    return arrival.numbered.device if arrival.numbered is not None else ""

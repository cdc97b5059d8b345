"""How fast the time of a lab runs, as its data directory says it, so that all of its processes agree.

The demo writes it before it starts its parts, and it holds as long as the demo runs. Otherwise the lab's time is the
machine's.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from iotlab.clock import Clock, ScaledClock, SystemClock
from iotlab.lab.runtime import is_alive, write_private

FILE_NAME = "pace.json"


class Pace(msgspec.Struct, frozen=True):
    """The time of one lab.

    Attributes:
        pid: Whose lab it is; with that process the pace ends.
        speed: Lab seconds in one second of the machine.
        start_us: The lab's time at ``origin_s``, µs since 1970.
        origin_s: A moment of the machine's monotonic clock.
    """

    pid: int
    speed: float
    start_us: int
    origin_s: float

    def clock(self) -> ScaledClock:
        """Return the lab's clock."""
        return ScaledClock(speed=self.speed, start_us=self.start_us, origin_s=self.origin_s)


def set_pace(directory: Path, *, speed: float, start_us: int) -> ScaledClock:
    """Let the time of a lab be ``start_us`` now and run at ``speed`` from here on, while this process lives."""
    pace = Pace(os.getpid(), speed, start_us, SystemClock().monotonic_s())
    write_private(directory / FILE_NAME, msgspec.json.encode(pace))
    return pace.clock()


def end_pace(directory: Path) -> None:
    """Let the time of a lab be the machine's again."""
    (directory / FILE_NAME).unlink(missing_ok=True)


def lab_clock(directory: Path) -> Clock:
    """Return the clock of the lab on a data directory: the machine's, unless a demo plays there at a pace."""
    try:
        pace = msgspec.json.decode((directory / FILE_NAME).read_bytes(), type=Pace)
    except (OSError, msgspec.DecodeError):
        return SystemClock()
    return pace.clock() if is_alive(pace.pid) else SystemClock()

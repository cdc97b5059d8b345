"""Named places where a test kills, delays or fails this process on purpose.

They do nothing unless the environment variable ``IOTLAB_FAILPOINTS`` is set when the process starts::

    IOTLAB_FAILPOINTS="before_commit=kill@3,after_flush=sleep:0.5,mid_backup=error"

``kill`` is SIGKILL, ``error`` an input/output error, ``sleep:S`` a delay of S seconds each time. ``@N`` lets it
happen at the N-th passage; without it the first counts. The places are named where they are: search for ``hit(``.
"""

from __future__ import annotations

import errno
import os
import signal
import threading
import time
from dataclasses import dataclass

VARIABLE = "IOTLAB_FAILPOINTS"


@dataclass(slots=True)
class _Failpoint:
    """What happens at one place; ``left`` passages before it does."""

    action: str
    left: int = 1
    seconds: float = 0.0


_points: dict[str, _Failpoint] = {}
_lock = threading.Lock()


def hit(name: str) -> None:
    """Do what is asked for at this place.

    Raises:
        OSError: the action is ``error``.
    """
    # An empty dictionary is the one test that every commit of a real lab pays for.
    if _points:
        _hit(name)


def arm(text: str) -> None:
    """Set all failpoints, in the form of the environment variable; an empty text takes them away.

    Raises:
        ValueError: the text can't be read.
    """
    points = dict(_parse(part) for part in text.split(",") if part.strip())
    with _lock:
        _points.clear()
        _points.update(points)


def _parse(part: str) -> tuple[str, _Failpoint]:
    name, _, what = part.strip().partition("=")
    action, _, count = what.partition("@")
    action, _, seconds = action.partition(":")
    if action not in {"kill", "error", "sleep"} or not name:
        raise ValueError(f"{VARIABLE}: {part!r} is not <name>=kill|error|sleep:<seconds>, with @<passage> behind it")
    return name, _Failpoint(action, int(count or 1), float(seconds or 0))


def _hit(name: str) -> None:
    with _lock:
        point = _points.get(name)
        if point is None:
            return
        point.left -= 1
        due = point.left == 0 or (point.left < 0 and point.action == "sleep")
    if due:
        _act(name, point)


def _act(name: str, point: _Failpoint) -> None:
    if point.action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif point.action == "sleep":
        time.sleep(point.seconds)
    else:
        raise OSError(errno.EIO, f"failpoint {name}")


arm(os.environ.get(VARIABLE, ""))

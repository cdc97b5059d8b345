"""The processes below a process, as Linux lists them."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def descendants(pid: int) -> list[int]:
    """Return the ids of all processes below ``pid``, without itself; empty where the system does not tell."""
    found: list[int] = []
    waiting = [pid]
    while waiting:
        below = _children(waiting.pop())
        found += below
        waiting += below
    return found


def resident_bytes(pids: list[int]) -> int:
    """Return the memory that the processes have in use; what they share counts once for each."""
    total = 0
    for pid in pids:
        with suppress(OSError, IndexError, ValueError):
            total += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES
    return total


def proportional_bytes(pids: list[int]) -> int:
    """Return the memory that the processes have in use, what they share counted once altogether. Slower."""
    total = 0
    for pid in pids:
        with suppress(OSError, StopIteration, ValueError):
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            total += int(next(line for line in lines if line.startswith("Pss:")).split()[1]) * 1024
    return total


def send(pids: list[int], number: signal.Signals) -> None:
    """Send a signal to each that still lives."""
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def kill_below(pid: int, timeout_s: float = 1.0) -> bool:
    """Kill everything below ``pid``, also what is started meanwhile; return whether all is gone."""
    end_s = time.monotonic() + timeout_s
    while pids := [found for found in descendants(pid) if not _is_dead(found)]:
        # Stopped first: a process that forks without end is faster than one who kills its children one by one.
        send(pids, signal.SIGSTOP)
        send(pids, signal.SIGKILL)
        if time.monotonic() > end_s:
            return False
        time.sleep(0.002)
    return True


def _children(pid: int) -> list[int]:
    found: list[int] = []
    try:
        threads = os.listdir(f"/proc/{pid}/task")  # noqa: PTH208  no Path for each thread of a fork bomb
    except OSError:
        return found
    for thread in threads:
        with suppress(OSError):
            found += map(int, Path(f"/proc/{pid}/task/{thread}/children").read_text().split())
    return found


def _is_dead(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in {"Z", "X"}
    except (OSError, IndexError):
        return True

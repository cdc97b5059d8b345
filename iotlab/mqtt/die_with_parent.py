"""Starts a program that ends when its parent does, even when the parent is killed.

Run as a script it asks Linux for SIGTERM at the death of its parent and then becomes the program, under the same
process id. Done between fork and exec of a program with threads (``preexec_fn``), the same could deadlock.

Linux means the parent *thread*: start the program from a thread that lives as long as the program shall.
On other systems nothing is done, and a killed parent leaves the program behind.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1


def with_parent(command: Sequence[str]) -> list[str]:
    """Return the command that runs ``command``, an absolute path and its arguments, until its parent dies."""
    if sys.platform != "linux":
        return list(command)
    # -I -S: no site packages and no environment, so that this step takes a few milliseconds and can't be disturbed.
    return [sys.executable, "-I", "-S", str(Path(__file__).resolve()), str(os.getpid()), *command]


def _main(parent: int, command: list[str]) -> None:
    import ctypes  # noqa: PLC0415  only this process needs it

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM))
    # The parent may have died before the request: then nobody is left to send the signal.
    if os.getppid() == parent:
        os.execv(command[0], command)  # noqa: S606  an argument list, no shell


if __name__ == "__main__":
    _main(int(sys.argv[1]), sys.argv[2:])

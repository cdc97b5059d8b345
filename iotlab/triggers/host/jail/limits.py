"""The limits of one process and its user, set right before it becomes the function."""

from __future__ import annotations

import os
import resource
import signal
import sys

from iotlab.triggers.host.jail import libc
from iotlab.triggers.host.jail.order import Order

_NICENESS = 5


def apply(order: Order) -> None:
    """Limit this process for good, and become the user that the order names. Raises OSError."""
    # Ingest goes first when the processors are busy.
    os.nice(_NICENESS)
    os.umask(0o077)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGPIPE, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    # A function's core file would hold its secrets.
    limit(resource.RLIMIT_CORE, 0)
    limit(resource.RLIMIT_NOFILE, order.open_files or 1024)
    for kind, most in (
        (resource.RLIMIT_FSIZE, order.file_bytes),
        (resource.RLIMIT_AS, order.address_space_bytes),
        (resource.RLIMIT_NPROC, order.processes),
    ):
        if most:
            limit(kind, most)
    if order.uid is not None:
        os.setgroups([])
        os.setgid(order.uid)
        os.setuid(order.uid)
    if sys.platform == "linux":
        libc.signal_when_parent_dies(signal.SIGKILL)
        libc.gain_no_privileges()


def limit(kind: int, most: int) -> None:
    """Set one limit, hard and soft, at most to what this process has itself."""
    _, hard = resource.getrlimit(kind)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(kind, (most, most))

"""Open files: a fleet needs one for each connection, and the usual limit is 1,024."""

from __future__ import annotations

import sys

from iotlab.errors import UnavailableError


def allow_open_files(count: int) -> None:
    """Raise this process's limit of open files to ``count``, if it is lower.

    Raises:
        UnavailableError: the machine allows fewer.
    """
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415  there is none on Windows

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= count:
        return
    if hard != resource.RLIM_INFINITY and hard < count:
        raise UnavailableError(
            f"{count} open files are needed and this machine allows {hard} a process",
            hint="Play fewer devices, use one shared connection (--shared), or raise the limit (ulimit -Hn).",
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))

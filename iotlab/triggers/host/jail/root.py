"""A root directory of a function's own: system files read-only, its code, a temporary directory, nothing else.

The home directories, the lab's data and all other files of the machine are not refused: they are not there.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from iotlab.triggers.host.jail import libc

SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
ETC = (
    "alternatives",
    "ca-certificates",
    "crypto-policies",
    "group",
    "hosts",
    "ld.so.cache",
    "localtime",
    "nsswitch.conf",
    "passwd",
    "pki",
    "resolv.conf",
    "ssl",
)
DEVICES = ("null", "zero", "full", "random", "urandom")

# Nothing is ever bound from there, and it exists everywhere: the new root is built on top of it.
_WORKSHOP = "/sys"


def enter(binds: Sequence[tuple[str, str]], temp_bytes: int) -> None:
    """Build the root in a mount namespace of its own and move into it.

    Args:
        binds: Further files and folders, as (where it is, where it shall be), all read-only.
        temp_bytes: The size of ``/tmp``, which is memory and is gone when the last process is.

    Raises:
        OSError: the system does not allow it.
    """
    libc.mount("none", "/", "", libc.MS_REC | libc.MS_PRIVATE)
    libc.mount("root", _WORKSHOP, "tmpfs", libc.MS_NOSUID | libc.MS_NODEV, "size=1m,mode=755")
    _make_temp(temp_bytes)
    for path in SYSTEM:
        _take_over(path)
    for name in ETC:
        _take_over(f"/etc/{name}")
    for name in DEVICES:
        _bind(f"/dev/{name}", f"/dev/{name}", flags=libc.MS_NOSUID)
    for source, target in binds:
        _bind(source, target)
    _mount_proc()
    os.chdir(_WORKSHOP)
    libc.pivot_root_here()
    libc.mount("root", "/", "", libc.MS_REMOUNT | libc.MS_RDONLY | libc.MS_NOSUID | libc.MS_NODEV, "size=1m")


def _make_temp(temp_bytes: int) -> None:
    target = _inside("/tmp")  # noqa: S108  the function's own /tmp
    target.mkdir()
    options = f"size={temp_bytes},nr_inodes=16384,mode=1777"
    libc.mount("tmp", str(target), "tmpfs", libc.MS_NOSUID | libc.MS_NODEV, options)


def _mount_proc() -> None:
    target = _inside("/proc")
    target.mkdir()
    # In some containers a process may not mount it: the function does without.
    with suppress(OSError):
        libc.mount("proc", str(target), "proc", libc.MS_NOSUID | libc.MS_NODEV | libc.MS_NOEXEC)


def _take_over(path: str) -> None:
    if os.path.islink(path):  # noqa: PTH114  as text, since it may lead nowhere
        target = _inside(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.startswith("/etc/") and not os.path.realpath(path).startswith(("/etc/", "/usr/")):
            _bind(os.path.realpath(path), path)
        else:
            target.symlink_to(os.readlink(path))  # noqa: PTH115
    elif os.path.exists(path):  # noqa: PTH110
        _bind(path, path)


def _bind(source: str, target: str, flags: int = libc.MS_NOSUID | libc.MS_NODEV) -> None:
    if not os.path.exists(source):  # noqa: PTH110
        return
    place = _inside(target)
    if place.exists() and place.stat().st_dev != _inside("/").stat().st_dev and target not in {"/tmp"}:  # noqa: S108
        # Inside something that was bound before, such as a Python in /usr.
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    if stat.S_ISDIR(Path(source).stat().st_mode):
        place.mkdir(exist_ok=True)
    else:
        place.touch()
    libc.mount(source, str(place), "", libc.MS_BIND | libc.MS_REC)
    # What the mount was not allowed to do before, a user namespace must not allow it now.
    kept = os.statvfs(place).f_flag & (libc.MS_NOSUID | libc.MS_NODEV | libc.MS_NOEXEC)
    libc.mount("", str(place), "", libc.MS_BIND | libc.MS_REMOUNT | libc.MS_RDONLY | flags | kept)


def _inside(path: str) -> Path:
    return Path(_WORKSHOP + path)

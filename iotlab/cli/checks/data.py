"""The data directory, and a lab that may be running on it."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from iotlab.cli.checks.finding import Finding

MIB = 1_048_576
LEAST_FREE_BYTES = 100 * MIB
GOOD_FREE_BYTES = 1024 * MIB
MOUNTS = Path("/proc/self/mountinfo")

# SQLite's write-ahead log needs shared memory and locks that these do not have between machines.
NETWORK_FILE_SYSTEMS = frozenset(
    {"9p", "afs", "ceph", "cifs", "drvfs", "fuse.glusterfs", "fuse.sshfs", "lustre", "ncpfs", "nfs", "nfs4"}
    | {"smb3", "smbfs", "vboxsf", "virtiofs"}
)


def check_data_dir(directory: Path) -> list[Finding]:
    """The directory can be written, has room, and is on a disk of this machine."""
    existing = next(path for path in [directory, *directory.absolute().parents] if path.exists())
    return [_writable(directory, existing), _free(existing), _file_system(existing)]


def _writable(directory: Path, existing: Path) -> Finding:
    fix = "Choose another with --data-dir, or change its owner."
    if not existing.is_dir():
        return Finding("data directory", "fail", f"{existing} is not a directory", fix)
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        return Finding("data directory", "fail", f"{existing} can't be written: {error.strerror}", fix)
    return Finding("data directory", "ok", f"{directory}" if existing == directory else f"{directory} will be made")


def _free(existing: Path) -> Finding:
    free = shutil.disk_usage(existing).free
    found = f"{free // MIB} MiB free"
    if free < LEAST_FREE_BYTES:
        return Finding("disk", "fail", found, f"Free at least {LEAST_FREE_BYTES // MIB} MiB, or choose --data-dir.")
    if free < GOOD_FREE_BYTES:
        return Finding("disk", "warn", found, "Free some space: the table grows with every message.")
    return Finding("disk", "ok", found)


def _file_system(existing: Path) -> Finding:
    try:
        kind = file_system(existing, MOUNTS.read_text())
    except OSError:
        return Finding("file system", "ok", "its type can't be told on this system")
    if kind in NETWORK_FILE_SYSTEMS:
        fix = "Choose a --data-dir on a disk of this machine: SQLite can't keep a write-ahead log over a network."
        return Finding("file system", "fail", f"{kind} is shared over a network or with a host", fix)
    return Finding("file system", "ok", kind)


def file_system(path: Path, mounts: str) -> str:
    """Return the type of the file system that ``path`` is on.

    Args:
        path: An existing path.
        mounts: The content of ``/proc/self/mountinfo``.
    """
    real = os.path.realpath(path)
    best, kind = "", "unknown"
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        # The kernel writes a space in a path as \\040, and other white space likewise.
        point = before.split()[4].encode().decode("unicode_escape")
        inside = real == point or real.startswith(point.rstrip("/") + "/")
        # The last of equals counts: it is mounted over the others.
        if inside and len(point) >= len(best):
            best, kind = point, after.split()[0]
    return kind

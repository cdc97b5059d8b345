"""What a running lab says of itself in its data directory, so that windows and commands find it."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

FILE_NAME = "lab.json"


class Runtime(msgspec.Struct, frozen=True):
    """Where a running lab can be reached.

    Attributes:
        pid: The bridge's process.
        broker_host, broker_port: Where devices connect.
        endpoint_url: Of the table, health and metrics, such as ``http://127.0.0.1:40123``.
    """

    pid: int
    broker_host: str
    broker_port: int
    endpoint_url: str


def read_runtime(directory: Path) -> Runtime | None:
    """Return what the lab of a data directory says, or None when none runs there."""
    try:
        runtime = msgspec.json.decode((directory / FILE_NAME).read_bytes(), type=Runtime)
    except (OSError, msgspec.DecodeError):
        return None
    return runtime if is_alive(runtime.pid) else None


def write_runtime(directory: Path, runtime: Runtime) -> None:
    """Say where the lab is. Only its owner can read the file."""
    write_private(directory / FILE_NAME, msgspec.json.encode(runtime))


def write_private(file: Path, content: bytes) -> None:
    """Write a file as a whole, so that nobody reads half of it; only its owner can read it."""
    temporary = file.with_name(f"{file.name}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(content)
    temporary.replace(file)


def remove_runtime(directory: Path) -> None:
    """Say that the lab has ended."""
    (directory / FILE_NAME).unlink(missing_ok=True)


def is_alive(pid: int) -> bool:
    """Return whether a process runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

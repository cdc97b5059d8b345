"""Where the endpoint of a data directory is: that of `iotlab table serve`, or that of a lab."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from iotlab.lab.runtime import read_runtime

FILE_NAME = "endpoint.json"


class Serving(msgspec.Struct, frozen=True):
    """What a serving process says of itself in the data directory.

    Attributes:
        pid: Its process.
        url: Such as ``http://127.0.0.1:8000``.
    """

    pid: int
    url: str


def find_endpoint(directory: Path) -> str | None:
    """Return the URL of the endpoint that serves a data directory now, or None when none does."""
    try:
        serving = msgspec.json.decode((directory / FILE_NAME).read_bytes(), type=Serving)
    except (OSError, msgspec.DecodeError):
        serving = None
    if serving is not None and _is_alive(serving.pid):
        return serving.url
    lab = read_runtime(directory)
    return None if lab is None else lab.endpoint_url


def announce(directory: Path, url: str) -> None:
    """Say that this process serves the directory. Only its owner can read the file."""
    temporary = directory / f"{FILE_NAME}.new"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.encode(Serving(os.getpid(), url)))
    temporary.replace(directory / FILE_NAME)


def withdraw(directory: Path) -> None:
    """Say that this process serves the directory no more."""
    (directory / FILE_NAME).unlink(missing_ok=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

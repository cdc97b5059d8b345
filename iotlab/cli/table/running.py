"""Where the endpoint of a data directory is: that of `iotlab table serve`, or that of a lab."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from iotlab.lab.runtime import is_alive, read_runtime, write_private

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
    if serving is not None and is_alive(serving.pid):
        return serving.url
    lab = read_runtime(directory)
    return None if lab is None else lab.endpoint_url


def announce(directory: Path, url: str) -> None:
    """Say that this process serves the directory. Only its owner can read the file."""
    write_private(directory / FILE_NAME, msgspec.json.encode(Serving(os.getpid(), url)))


def withdraw(directory: Path) -> None:
    """Say that this process serves the directory no more."""
    (directory / FILE_NAME).unlink(missing_ok=True)

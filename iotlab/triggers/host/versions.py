"""The versions of a function's code that served, kept by the hash of their content so that one can run again."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from iotlab.clock import Clock
from iotlab.errors import ConfigError, Place
from iotlab.triggers.host.package import Package

LOG = logging.getLogger(__name__)

FOLDER = "handler-versions"
"""In the data directory."""

MAX_VERSIONS = 20
MAX_BYTES = 500 * 2**20


class Version(msgspec.Struct, frozen=True):
    """One version that is kept.

    Attributes:
        version: The hash of its content.
        served_us: When it began to serve last, µs since 1970.
        folder: Where its files are.
        size_bytes: Of all files.
    """

    version: str
    served_us: int
    folder: Path
    size_bytes: int


class Versions:
    """The versions of one function.

    Args:
        folder: Where they are kept.
        clock: For when each began to serve.
    """

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock

    def keep(self, package: Package) -> None:
        """Keep a version that has proved to load; the oldest ones go when there are more than 20, or 500 MB.

        Without room for it the function runs all the same; that is said in the log.
        """
        kept = self._folder / package.version
        try:
            if not kept.is_dir():
                self._copy(package.folder, kept)
            # The time of the folder is when it began to serve; content and hash do not depend on it.
            now_ns = self._clock.now_us() * 1000
            os.utime(kept, ns=(now_ns, now_ns))
            for old in _surplus(self.all()):
                shutil.rmtree(old.folder, ignore_errors=True)
        except OSError as error:
            LOG.warning("the version %s of %s is not kept: %s", package.version, self._folder.name, error)

    def all(self) -> list[Version]:
        """Return those that are kept, the newest first."""
        folders = [found for found in _entries(self._folder) if found.is_dir() and not found.name.startswith("new-")]
        found = [Version(one.name, one.stat().st_mtime_ns // 1000, one, _size_bytes(one)) for one in folders]
        return sorted(found, key=lambda one: one.served_us, reverse=True)

    def find(self, wanted: str) -> Version:
        """Return the version whose hash begins with a text.

        Raises:
            ConfigError: none does, or several do.
        """
        kept = self.all()
        found = [one for one in kept if wanted and one.version.startswith(wanted)]
        if len(found) != 1:
            known = ", ".join(one.version for one in kept) or "a version; none is kept yet"
            problem = "is the beginning of several" if found else "is not kept"
            raise ConfigError(Place("--version"), f"{wanted!r} {problem}", expected=f"one of {known}")
        return found[0]

    def _copy(self, source: Path, target: Path) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(prefix="new-", dir=self._folder))
        try:
            shutil.copytree(source, building, dirs_exist_ok=True)
            building.chmod(0o755)
            building.rename(target)
        except BaseException:
            shutil.rmtree(building, ignore_errors=True)
            raise


def _surplus(newest_first: Sequence[Version]) -> list[Version]:
    kept_bytes = 0
    for number, version in enumerate(newest_first):
        kept_bytes += version.size_bytes
        # The one that serves now stays, however large it is.
        if number and (number >= MAX_VERSIONS or kept_bytes > MAX_BYTES):
            return list(newest_first[number:])
    return []


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except FileNotFoundError:
        return []


def _size_bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())

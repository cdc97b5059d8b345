"""The code of one version of a function: a copy that stays as it is while the original is being edited."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from iotlab.errors import UnavailableError

MAX_BYTES = 250 * 1024 * 1024
"""Of a whole package. Source: Lambda quotas, deployment package, unzipped."""

MAX_FILES = 20_000
_LEFT_OUT = frozenset({"__pycache__", ".git", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".venv"})


class Package(msgspec.Struct, frozen=True):
    """One version.

    Attributes:
        version: A mark of its content.
        folder: Where the copy is.
    """

    version: str
    folder: Path


def signature(path: Path) -> str:
    """Return a text that changes when a file of the code does; empty when there is no code at the path."""
    try:
        stats = [(name, file.stat()) for name, file in _files(path)]
    except OSError:
        return ""
    return repr([(name, found.st_size, found.st_mtime_ns, found.st_ino) for name, found in stats])


def take(path: Path, store: Path) -> Package:
    """Copy the code as it is now.

    Args:
        path: One file, or a folder.
        store: Where the copies of this function are kept.

    Raises:
        UnavailableError: there is no code at the path, it can't be read, or it is larger than Lambda takes.
    """
    try:
        store.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(prefix="new-", dir=store))
        try:
            version = _copy(path, building)
            folder = store / version
            if folder.is_dir():
                shutil.rmtree(building)
            else:
                building.chmod(0o755)
                building.rename(folder)
        except BaseException:
            shutil.rmtree(building, ignore_errors=True)
            raise
    except OSError as error:
        raise UnavailableError(f"the code at {path} can't be read: {error}") from error
    return Package(version, folder)


def _copy(path: Path, target: Path) -> str:
    digest = hashlib.sha256()
    total = count = 0
    for name, file in _files(path):
        content = file.read_bytes()
        total += len(content)
        count += 1
        if total > MAX_BYTES or count > MAX_FILES:
            raise UnavailableError(
                f"the code at {path} is more than {MAX_BYTES // 2**20} MB or {MAX_FILES} files",
                hint="Name the file itself, or a folder that holds nothing but the function.",
            )
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
        copy = target / name
        copy.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        copy.write_bytes(content)
        # Readable by the function's own user, whatever the original says.
        copy.chmod(0o755 if file.stat().st_mode & stat.S_IXUSR else 0o644)
    if not count:
        raise UnavailableError(f"there is no code at {path}")
    return digest.hexdigest()[:12]


def _files(path: Path) -> Iterator[tuple[str, Path]]:
    """Yield each file with its name in the package, in a fixed order. Raises OSError."""
    if not path.is_dir():
        path.stat()
        yield path.name, path
        return
    for folder, folders, names in os.walk(path, onerror=_raise):
        folders[:] = sorted(set(folders) - _LEFT_OUT)
        for name in sorted(names):
            file = Path(folder, name)
            # No device, pipe or socket, which would be read without end.
            if file.is_file() and not name.endswith(".pyc"):
                yield str(file.relative_to(path)), file


def _raise(error: OSError) -> None:
    raise error

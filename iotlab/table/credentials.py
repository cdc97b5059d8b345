"""The key pair with which the table's endpoint is signed to: generated once for each data directory."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path

import msgspec

from iotlab.errors import UnavailableError

FILE_NAME = "credentials.json"
_ACCESS_KEY_ID = re.compile(r"[A-Za-z0-9_.-]{3,128}")
_SECRET = re.compile(r"[!-~]{8,256}")


class Credentials(msgspec.Struct, frozen=True):
    """An access key and its secret. The secret is left out of its repr, so that no log ever shows it."""

    access_key_id: str
    secret_access_key: str

    def __repr__(self) -> str:
        return f"Credentials({self.access_key_id!r}, …)"


def generate() -> Credentials:
    """Return a new key pair in the form of AWS's."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    return Credentials("LAB" + "".join(secrets.choice(alphabet) for _ in range(17)), secrets.token_urlsafe(30))


def problem(keys: Credentials) -> str:
    """Return what keeps a person's own key pair from being used; empty when nothing does."""
    if not _ACCESS_KEY_ID.fullmatch(keys.access_key_id):
        return "an access key id has 3 to 128 letters, digits, '_', '.' or '-'"
    if not _SECRET.fullmatch(keys.secret_access_key):
        return "a secret access key has 8 to 256 printable characters without spaces"
    return ""


def load(directory: Path) -> Credentials:
    """Return the key pair of a data directory.

    Raises:
        UnavailableError: there is none yet, it can't be read or used, or others may read it.
    """
    path = directory / FILE_NAME
    try:
        if path.stat().st_mode & 0o077:
            raise UnavailableError(
                f"{path} can be read by other users", hint=f"Run: chmod 600 {path} - or delete it to get a new pair."
            )
        keys = msgspec.json.decode(path.read_bytes(), type=Credentials)
    except FileNotFoundError as error:
        raise UnavailableError(
            f"{directory} has no credentials yet", hint="Start the lab once: iotlab bridge"
        ) from error
    except (OSError, msgspec.DecodeError) as error:
        raise UnavailableError(f"{path} can't be read: {error}") from error
    wrong = problem(keys)
    if wrong:
        raise UnavailableError(f"the key pair in {path} can't be used: {wrong}")
    return keys


def save(directory: Path, keys: Credentials) -> None:
    """Store the key pair of a data directory in a file that only its owner can read (mode 0600).

    A running endpoint goes on with the pair that it was started with.

    Raises:
        UnavailableError: the directory can't be written.
    """
    path = directory / FILE_NAME
    temporary = path.with_suffix(".new")
    try:
        directory.mkdir(parents=True, exist_ok=True)
        temporary.unlink(missing_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(keys))
        temporary.replace(path)
    except OSError as error:
        raise UnavailableError(f"{path} can't be written: {error.strerror}") from error


def load_or_create(directory: Path) -> Credentials:
    """Return the key pair of a data directory, generating it (mode 0600) at the first time. Raises like `load`."""
    if not (directory / FILE_NAME).exists():
        save(directory, generate())
    return load(directory)

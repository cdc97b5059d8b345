"""The key pair with which the table's endpoint is signed to: generated once for each data directory."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import msgspec

from iotlab.errors import UnavailableError

FILE_NAME = "credentials.json"


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


def load(directory: Path) -> Credentials:
    """Return the key pair of a data directory.

    Raises:
        UnavailableError: there is none yet, it can't be read, or others may read it.
    """
    path = directory / FILE_NAME
    try:
        if path.stat().st_mode & 0o077:
            raise UnavailableError(
                f"{path} can be read by other users", hint=f"Run: chmod 600 {path} - or delete it to get a new pair."
            )
        return msgspec.json.decode(path.read_bytes(), type=Credentials)
    except FileNotFoundError as error:
        raise UnavailableError(
            f"{directory} has no credentials yet", hint="Start the lab once: iotlab bridge"
        ) from error
    except (OSError, msgspec.DecodeError) as error:
        raise UnavailableError(f"{path} can't be read: {error}") from error


def load_or_create(directory: Path) -> Credentials:
    """Return the key pair of a data directory, generating it (mode 0600) at the first time."""
    path = directory / FILE_NAME
    if not path.exists():
        directory.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".new")
        temporary.unlink(missing_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(generate()))
        temporary.replace(path)
    return load(directory)

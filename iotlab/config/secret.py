"""Secrets by reference: a setting says where a secret is, never what it is."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from iotlab.errors import ConfigError, Place, UnavailableError

Scheme = Literal["env", "keyring", "file"]

MAX_SECRET_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Secret:
    """Where a secret is kept.

    Attributes:
        scheme: ``env`` (environment variable), ``keyring`` (the system's keyring) or ``file``.
        target: The variable's name, ``service/user``, or the file's path.
    """

    scheme: Scheme
    target: str

    def __str__(self) -> str:
        return f"{self.scheme}:{self.target}"

    def reveal(self) -> str:
        """Return the secret itself, read now, so that a changed password needs no restart of its keeper.

        Raises:
            ConfigError: there is no such secret, or its file can be read by others.
            UnavailableError: the system's keyring can't be reached now.
        """
        match self.scheme:
            case "env":
                return self._from_environment()
            case "keyring":
                return self._from_keyring()
            case "file":
                return self._from_file()

    def _error(self, problem: str, expected: str) -> ConfigError:
        return ConfigError(Place(str(self)), problem, expected=expected)

    def _from_environment(self) -> str:
        value = os.environ.get(self.target)
        if not value:
            raise self._error("this environment variable is not set", "a variable that holds the secret")
        return value

    def _from_keyring(self) -> str:
        import keyring  # noqa: PLC0415  costs 50 ms, and most labs keep nothing there
        from keyring.errors import KeyringError  # noqa: PLC0415

        service, _, user = self.target.rpartition("/")
        try:
            value = keyring.get_password(service, user)
        except KeyringError as error:
            hint = f"Unlock the system's keyring, or use env:NAME or file:/path. ({error})"
            raise UnavailableError(f"{self}: the system's keyring can't be read", hint=hint) from error
        if not value:
            raise self._error("the keyring has no such entry", f"one made with `keyring set {service} {user}`")
        return value

    def _from_file(self) -> str:
        path = Path(self.target)
        try:
            _check_only_mine(path)
            with path.open("rb") as file:
                text = file.read(MAX_SECRET_BYTES).decode()
        except (OSError, UnicodeDecodeError) as error:
            raise self._error(f"can't be read: {error}", "a small UTF-8 file that holds only the secret") from error
        secret = text.removesuffix("\n").removesuffix("\r")
        if not secret:
            raise self._error("the file is empty", "a file that holds only the secret")
        return secret


def _check_only_mine(path: Path) -> None:
    state = path.stat()
    if not stat.S_ISREG(state.st_mode):
        raise ConfigError(Place(f"file:{path}"), "this is not a regular file", expected="a file with the secret")
    if os.name == "posix" and state.st_mode & 0o077:
        mode = stat.S_IMODE(state.st_mode)
        raise ConfigError(
            Place(f"file:{path}"),
            f"others can read this secret (mode {mode:04o})",
            expected=f"mode 0600: chmod 600 {path}",
        )


def keyring_name() -> str | None:
    """Return the name of the system's keyring, or None when this session has none."""
    import keyring  # noqa: PLC0415  as above
    from keyring.backends import fail  # noqa: PLC0415

    backend = keyring.get_keyring()
    return None if isinstance(backend, fail.Keyring) else str(backend.name)


def secret_from_text(text: str, folder: Path) -> Secret | None:
    """Return the reference that ``text`` is, or None when it is no reference (so: perhaps the secret itself).

    Args:
        text: ``env:NAME``, ``keyring:service/user`` or ``file:/path``.
        folder: What a relative path starts from.
    """
    scheme, colon, target = text.partition(":")
    target = target.strip()
    if not colon or not target or "\0" in target:
        return None
    match scheme:
        case "env":
            return Secret("env", target) if target.isidentifier() else None
        case "keyring":
            service, slash, user = target.rpartition("/")
            return Secret("keyring", target) if slash and service and user else None
        case "file":
            return Secret("file", str(folder / Path(target).expanduser()))
        case _:
            return None

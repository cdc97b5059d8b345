"""Secrets are kept elsewhere and found by reference; they are never in files, messages or reprs of ours."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked

from iotlab.config import Secret, load
from iotlab.errors import ConfigError, UnavailableError

CANARY = "canary-7f3a9"


@pytest.mark.parametrize("source", ["file", "flag"])
def test_a_plain_secret_is_refused_and_not_repeated(tmp_path: Path, source: str) -> None:
    file = tmp_path / "lab.toml"
    file.write_text(
        '[broker]\nhost = "x"\nusername = "u"\n' + (f'password = "{CANARY}"\n' if source == "file" else "")
    )
    flags = {"broker.password": CANARY} if source == "flag" else {}
    with pytest.raises(ConfigError) as caught:
        load(config=file, environment={}, flags=flags)
    message = str(caught.value)
    assert CANARY not in message
    assert "env:NAME, keyring:service/user or file:/path" in message


@pytest.mark.parametrize("value", ["12345", "[1]", "true"])
def test_a_plain_secret_of_another_type_is_not_repeated_either(tmp_path: Path, value: str) -> None:
    file = tmp_path / "lab.toml"
    file.write_text(f"[broker]\npassword = {value}\n")
    with pytest.raises(ConfigError) as caught:
        load(config=file, environment={})
    assert value not in str(caught.value).removeprefix(str(file))


def test_a_secret_in_its_own_variable_is_found_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IOTLAB_BROKER_PASSWORD", CANARY)
    settings = load(
        environment={"IOTLAB_BROKER_PASSWORD": CANARY, "IOTLAB_BROKER_HOST": "x", "IOTLAB_BROKER_USERNAME": "u"}
    )
    assert settings.broker.password is not None
    assert settings.broker.password.reveal() == CANARY
    assert CANARY not in repr(settings)
    assert CANARY not in " ".join(settings.arguments("broker"))


def test_a_secret_is_read_from_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_PASSWORD", CANARY)
    assert Secret("env", "SOME_PASSWORD").reveal() == CANARY


def test_a_variable_that_is_not_set_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOME_PASSWORD", raising=False)
    with pytest.raises(ConfigError, match="env:SOME_PASSWORD: this environment variable is not set"):
        Secret("env", "SOME_PASSWORD").reveal()


def test_a_secret_is_read_from_a_file_that_only_its_owner_can_read(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text(f"{CANARY}\n")
    file.chmod(0o600)
    assert Secret("file", str(file)).reveal() == CANARY


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620])
def test_a_secret_file_that_others_can_read_is_refused_with_the_command_that_helps(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "password"
    file.write_text(CANARY)
    file.chmod(mode)
    with pytest.raises(ConfigError, match=f"mode {mode:04o}.*chmod 600 {file}") as caught:
        Secret("file", str(file)).reveal()
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("kind", ["missing", "directory", "empty", "binary"])
def test_a_secret_file_that_holds_no_secret_is_told(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "password"
    if kind == "directory":
        file.mkdir()
    elif kind != "missing":
        file.write_bytes(b"\xff\xfe" if kind == "binary" else b"\n")
        file.chmod(0o600)
    with pytest.raises(ConfigError, match=f"file:{file}"):
        Secret("file", str(file)).reveal()


class MemoryKeyring(KeyringBackend):
    """A system's keyring, as the keyring package defines one."""

    priority = 1.0

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.entries: dict[tuple[str, str], str] = {}
        self.locked = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise KeyringLocked("locked")
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.entries[service, username] = password


@pytest.fixture
def memory_keyring() -> Iterator[MemoryKeyring]:
    before = keyring.get_keyring()
    backend = MemoryKeyring()
    keyring.set_keyring(backend)
    yield backend
    keyring.set_keyring(before)


def test_a_secret_is_read_from_the_keyring(memory_keyring: MemoryKeyring) -> None:
    memory_keyring.set_password("iotlab/home", "broker", CANARY)
    assert Secret("keyring", "iotlab/home/broker").reveal() == CANARY


def test_a_keyring_without_the_entry_is_told_with_the_command_that_makes_it(memory_keyring: MemoryKeyring) -> None:
    with pytest.raises(ConfigError, match="keyring set iotlab broker"):
        Secret("keyring", "iotlab/broker").reveal()


def test_a_locked_keyring_is_the_environments_matter(memory_keyring: MemoryKeyring) -> None:
    memory_keyring.locked = True
    with pytest.raises(UnavailableError, match="can't be read"):
        Secret("keyring", "iotlab/broker").reveal()


@pytest.mark.parametrize(
    "text", ["env:", "env:A-B", "keyring:x", "keyring:/user", "file:", "vault:x", "env", "ENV:X"]
)
def test_what_is_no_reference_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="never written here itself"):
        load(environment={}, flags={"broker.host": "x", "broker.username": "u", "broker.password": text})

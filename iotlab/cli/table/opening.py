"""Which table a command works on: that of a running lab or server, a data directory's file, or any other DynamoDB."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from iotlab.cli.table.running import find_endpoint
from iotlab.cli.table.where import Where
from iotlab.errors import ConfigError, LabRunningError, Place, UnavailableError
from iotlab.table import credentials
from iotlab.table.described import Described, describe
from iotlab.table.engine import Engine
from iotlab.table.errors import ResourceNotFoundException, ValidationException
from iotlab.table.remote import RemoteTransport, connect
from iotlab.table.store import Store
from iotlab.table.text.expressions import Placeholding
from iotlab.table.text.words import nearest

TABLE_FILE = "table.db"
"""The name of the data file in its directory."""


class Opened(msgspec.Struct, frozen=True):
    """An open store.

    Attributes:
        store: The store.
        name: What it is, for messages.
        engine: The engine, when the file itself is open.
    """

    store: Store
    name: str
    engine: Engine | None = None


@contextmanager
def open_store(where: Where) -> Iterator[Opened]:
    """Open what the flags say; close it at the end of the block.

    Raises:
        ConfigError: the flags don't go together.
        UnavailableError: there is no table in the directory.
        LabRunningError: another process has the file open and serves no endpoint; the message names it.
    """
    if where.dynamodb and where.endpoint_url:
        raise ConfigError(Place("--dynamodb"), "given together with --endpoint-url", expected="one of them")
    if where.dynamodb or where.endpoint_url:
        yield _remote(where)
        return
    url = find_endpoint(where.directory)
    if url is not None:
        yield Opened(connect(url, credentials.load(where.directory)), url)
        return
    engine = _open_file(where.directory / TABLE_FILE)
    try:
        yield Opened(Store(engine), str(engine.path), engine)
    finally:
        engine.close()


@contextmanager
def reading(argument: str) -> Iterator[None]:
    """Show a ValueError of the block as what is wrong with one of the command's arguments."""
    try:
        yield
    except ValueError as error:
        raise ConfigError(Place(argument), str(error)) from error


@contextmanager
def readable(placeholding: Placeholding) -> Iterator[None]:
    """Show the table's refusals in the words that a person wrote, not in placeholders."""
    try:
        yield
    except ValidationException as error:
        raise ValidationException(placeholding.readable(error.message)) from error


def find_table(opened: Opened, name: str) -> Described:
    """Return a table's description. Raises ConfigError, with the nearest name, when there is none."""
    try:
        return describe(opened.store, name)
    except ResourceNotFoundException as error:
        names = list_tables(opened.store)
        known = f"one of {', '.join(names)}" if names else "a table; there is none yet"
        raise ConfigError(
            Place("TABLE"), f"{opened.name} has no table {name!r}", expected=known, nearest=nearest(name, names)
        ) from error


def list_tables(store: Store) -> list[str]:
    """Return the names of all tables."""
    names: list[str] = []
    request: dict[str, str] = {}
    while True:
        page = store.call("ListTables", request)
        names += page["TableNames"]
        if "LastEvaluatedTableName" not in page:
            return names
        request = {"ExclusiveStartTableName": page["LastEvaluatedTableName"]}


def _remote(where: Where) -> Opened:
    region = where.region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if where.dynamodb and not region:
        raise ConfigError(Place("--dynamodb"), "no region is set", expected="--region, such as eu-central-1")
    transport = RemoteTransport(where.endpoint_url or None, region=region or "us-east-1")
    return Opened(Store(transport), where.endpoint_url or f"DynamoDB in {region}")


def _open_file(path: Path) -> Engine:
    if not path.exists():
        raise UnavailableError(
            f"there is no table in {path.parent}",
            hint="Name its directory with --data, or start a lab there: iotlab demo, or iotlab table serve.",
        )
    try:
        return Engine.open(path)
    except LabRunningError as error:
        holder = _holder(path.with_name(path.name + ".lock"))
        raise LabRunningError(
            f"{holder or 'another process'} has the table at {path} open and serves no endpoint yet",
            hint="Wait until it has ended or serves, or end it.",
        ) from error


def _holder(lock: Path) -> str:
    """Return who holds a file's lock, as far as Linux tells: its process and command line."""
    try:
        inode = lock.stat().st_ino
        held = [line.split() for line in Path("/proc/locks").read_text().splitlines()]
        pid = next(words[4] for words in held if words[5].endswith(f":{inode}"))
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except (OSError, StopIteration, IndexError):
        return ""
    return f"process {pid} ({command[:80]})"

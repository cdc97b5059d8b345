"""The versions of a function that served, kept by their content, and doors into a process without a network."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from iotlab.clock import ManualClock, SystemClock
from iotlab.domain.schema import LabTable
from iotlab.errors import ConfigError
from iotlab.table import credentials
from iotlab.table.engine import Engine
from iotlab.table.store import Store
from iotlab.triggers.host import versions
from iotlab.triggers.host.containment import containment
from iotlab.triggers.host.door import TableDoor
from iotlab.triggers.host.function import Function
from iotlab.triggers.host.handler import Handler
from iotlab.triggers.host.host import HandlerHost
from iotlab.triggers.host.package import Package
from iotlab.triggers.host.versions import Versions
from tests.mqtt.peers import eventually
from tests.triggers.host.conftest import Write

WITHOUT_PATIENCE = "def handler(event, context): return {answer}"


def kept(tmp_path: Path, name: str = "function") -> list[str]:
    found = Versions(tmp_path / "lab" / "handler-versions" / name, SystemClock()).all()
    return [one.version for one in found]


def test_a_version_is_kept_once_it_has_loaded_and_outlives_the_host(
    write: Write, hosted: Callable[..., HandlerHost], tmp_path: Path
) -> None:
    host = hosted(write(WITHOUT_PATIENCE.format(answer=1)))
    assert kept(tmp_path) == []
    served = host.handler("function").invoke(b"{}").executed_version
    assert kept(tmp_path) == [served]
    host.stop()
    assert kept(tmp_path) == [served]


def test_an_edit_that_serves_is_kept_and_one_that_does_not_load_is_not(
    write: Write, hosted: Callable[..., HandlerHost], tmp_path: Path
) -> None:
    function = write(WITHOUT_PATIENCE.format(answer=1))
    handler: Handler = hosted(function).handler("function")
    first = handler.invoke(b"{}").executed_version
    function.path.write_text("this is no Python")
    eventually(lambda: handler.stats.refused != "")
    assert kept(tmp_path) == [first]
    function.path.write_text(WITHOUT_PATIENCE.format(answer=2))
    eventually(lambda: handler.stats.version != first)
    assert kept(tmp_path) == [handler.stats.version, first]


def test_a_kept_version_runs_again_under_the_same_hash(
    write: Write, hosted: Callable[..., HandlerHost], tmp_path: Path
) -> None:
    function = write(WITHOUT_PATIENCE.format(answer=1))
    served = hosted(function).handler("function").invoke(b"{}").executed_version
    function.path.write_text(WITHOUT_PATIENCE.format(answer=2))
    found = Versions(tmp_path / "lab" / "handler-versions" / "function", SystemClock()).find(served[:6])
    again = msgspec.structs.replace(function, name="again", path=found.folder)
    result = hosted(again).handler("again").invoke(b"{}")
    assert (result.payload, result.executed_version) == (b"1", served)


@pytest.mark.parametrize("wanted", ["", "zz", "a"])
def test_a_hash_that_is_not_known_or_not_unique_is_refused_with_those_that_are(tmp_path: Path, wanted: str) -> None:
    kept = Versions(tmp_path, ManualClock())
    for version in ("a1", "a2"):
        (tmp_path / version).mkdir()
    with pytest.raises(ConfigError, match=r"one of a[12], a[12]"):
        kept.find(wanted)


def test_the_oldest_versions_go_when_there_are_too_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "MAX_VERSIONS", 2)
    clock = ManualClock()
    kept = Versions(tmp_path / "kept", clock)
    for version in ("first", "second", "third"):
        folder = tmp_path / version
        folder.mkdir()
        (folder / "code.py").write_text(version)
        clock.advance(1)
        kept.keep(Package(version, folder))
    assert [one.version for one in kept.all()] == ["third", "second"]


BOTO = """
import boto3, socket

def handler(event, context):
    table = boto3.client("dynamodb")
    table.put_item(TableName="things", Item={"k": {"S": event["k"]}})
    try:
        socket.create_connection(("127.0.0.1", event["port"]), 1)
        reached = True
    except OSError:
        reached = False
    return {"items": table.scan(TableName="things")["Count"], "reached": reached}
"""


@pytest.mark.skipif(not containment().has_namespaces, reason="this machine gives a function no network of its own")
def test_a_function_without_a_network_reaches_the_table_behind_its_door_and_nothing_else(
    write: Write, tmp_path: Path
) -> None:
    engine = Engine.open(tmp_path / "table.db")
    engine.ensure_tables([LabTable("things", ("k", "S"))])
    keys = credentials.generate()
    environment = {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:8000",
        "AWS_ACCESS_KEY_ID": keys.access_key_id,
        "AWS_SECRET_ACCESS_KEY": keys.secret_access_key,
    }
    function: Function = write(BOTO, timeout_s=20.0, memory_mb=512, environment=environment)
    host = HandlerHost(
        [function],
        directory=tmp_path / "lab",
        clock=SystemClock(),
        reveal=str,
        door=TableDoor(engine, keys, 8000),
    )

    try:
        with socket.create_server(("127.0.0.1", 0)) as outside:
            event = msgspec.json.encode({"k": "a", "port": outside.getsockname()[1]})
            result = host.handler("function").invoke(event)
        assert result.error is None, result.error
        assert msgspec.json.decode(result.payload) == {"items": 1, "reached": False}
        assert Store(engine).get_item("things", {"k": {"S": "a"}}) is not None
    finally:
        host.stop()
        engine.close()

"""A handler of a running lab, run again over what it was given: compared, and without consequences."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from iotlab.clock import SystemClock
from iotlab.config import load
from iotlab.lab.host import BridgeHost
from iotlab.lab.resources import assets_dir
from iotlab.table import credentials
from iotlab.table.rewind import digest
from iotlab.table.values import item
from iotlab.triggers.host.containment import containment
from iotlab.triggers.mapping.invocation import list_invocations
from tests.mqtt.peers import eventually

pytestmark = pytest.mark.skipif(
    not containment().has_namespaces, reason="this machine can't keep a function from the network"
)

ROOT = Path(__file__).parents[2]
ORDERS = """
import socket
import boto3

table = boto3.client("dynamodb")

def handler(event, context):
    orders = []
    for record in event["Records"]:
        device = record["dynamodb"]["Keys"]["device"]
        try:
            table.put_item(
                TableName="orders",
                Item={{"device": device, "by": {{"S": "{by}"}}}},
                ConditionExpression="attribute_not_exists(device)",
            )
            orders.append(device["S"])
        except table.exceptions.ConditionalCheckFailedException:
            pass
    try:
        socket.create_connection(("127.0.0.1", {port}), 1).close()
    except OSError:
        print("nobody was told")
    return {{"orders": {result}}}
"""
DECLARED = """
[[handler]]
name = "orders"
code = "orders.py"
network = true
timeout_s = 20
memory_mb = 512
environment.AWS_ENDPOINT_URL_DYNAMODB = "{url}"
environment.AWS_ACCESS_KEY_ID = "{id}"
environment.AWS_SECRET_ACCESS_KEY = "{secret}"

[[mapping]]
name = "orders"
table = "devices"
handler = "orders"
batch_size = 1
starting_position = "TRIM_HORIZON"
"""


class Lab:
    """A bridge with a handler that orders, and that tells somebody over the network."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.outside = socket.create_server(("127.0.0.1", 0))
        self.host = BridgeHost(load(flags={"data.dir": str(directory)}), clock=SystemClock(), assets=assets_dir())
        runtime = self.host.start()
        self.store = self.host.table.store
        request: dict[str, Any] = {
            "TableName": "orders",
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [{"AttributeName": "device", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "device", "AttributeType": "S"}],
            "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        }
        self.store.call("CreateTable", request)
        keys = credentials.load(directory)
        self.code(by="first")
        declared = DECLARED.format(url=runtime.endpoint_url, id=keys.access_key_id, secret=keys.secret_access_key)
        (directory / "triggers.toml").write_text(declared)

    def code(self, *, by: str, result: str = "orders") -> None:
        port = self.outside.getsockname()[1]
        (self.directory / "orders.py").write_text(ORDERS.format(by=by, result=result, port=port))

    def stored(self, device: str, count: int) -> None:
        """Write a device, and wait until the handler was invoked that often in all."""
        self.store.put_item("devices", item({"device": device}))
        eventually(lambda: len(list(list_invocations(self.store, "orders"))) == count)

    def told(self) -> int:
        """Return how often somebody was told since the last call."""
        self.outside.settimeout(0)
        count = 0
        while True:
            try:
                self.outside.accept()[0].close()
            except BlockingIOError:
                return count
            count += 1

    def rerun(self, *arguments: str) -> tuple[list[dict[str, Any]], str]:
        command = [sys.executable, "-m", "iotlab.cli", "triggers", "rerun", "orders", "--data", str(self.directory)]
        done = subprocess.run(
            [*command, "--since", "10m", "--output", "jsonl", *arguments],
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
            cwd=ROOT,
        )
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()], done.stderr


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    lab = Lab(tmp_path)
    yield lab
    lab.host.stop()
    lab.outside.close()


def test_a_rerun_is_equal_where_nothing_changed_and_has_no_consequences(lab: Lab) -> None:
    for number, device in enumerate(("kitchen", "hall"), 1):
        lab.stored(device, number)
    assert lab.told() == 2
    before = {table: digest(lab.store.scan_all(table)) for table in ("orders", "devices", "invocations")}
    rows, said = lab.rerun("--all")
    # The order of then is not in the copy: it is made again, there, and nobody is told.
    assert [(row["verdict"], row["now"]) for row in rows] == [
        ("equal", 'ok: {"orders": ["kitchen"]}'),
        ("equal", 'ok: {"orders": ["hall"]}'),
    ]
    assert [write["operation"] for row in rows for write in row["writes"]] == ["PutItem", "PutItem"]
    assert "nobody was told" in rows[0]["log_now"]
    assert "2 equal, 0 differs, 0 only then, 0 only now" in said
    assert lab.told() == 0
    assert {table: digest(lab.store.scan_all(table)) for table in before} == before


def test_the_code_as_it_is_now_is_compared_and_a_version_that_served_can_be_taken_back(lab: Lab) -> None:
    lab.stored("kitchen", 1)
    [stats] = lab.host.functions.handlers
    first = stats.version
    lab.code(by="second", result="len(orders)")
    eventually(lambda: lab.host.functions.handlers[0].version != first)
    rows, said = lab.rerun()
    assert [(row["verdict"], row["then"], row["now"]) for row in rows] == [
        ("differs", 'ok: {"orders": ["kitchen"]}', 'ok: {"orders": 1}')
    ]
    assert '"second"' in rows[0]["writes"][0]["request"]
    rows, said = lab.rerun("--version", first)
    assert rows == []
    assert f"version {first} beside {first}: 1 equal" in said

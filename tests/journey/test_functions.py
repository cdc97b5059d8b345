"""A function in a running bridge: fed by the table's stream, and what it can't handle is kept and told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from iotlab.clock import SystemClock
from iotlab.config import load
from iotlab.errors import ConfigError
from iotlab.lab.health import metrics
from iotlab.lab.host import BridgeHost
from iotlab.lab.resources import assets_dir
from iotlab.mqtt.client import Client, Subscription
from iotlab.mqtt.message import Message
from iotlab.mqtt.options import ClientOptions
from iotlab.triggers.mapping.dead_letters import list_dead_letters
from tests.mqtt.peers import eventually

FUNCTION = """
def handler(event, context):
    for record in event["Records"]:
        if record["dynamodb"]["Keys"]["device"]["S"] == "poison":
            raise ValueError("a device that nobody understands")
        print("saw", record["dynamodb"]["Keys"]["device"]["S"])
"""
DECLARED = """
[[handler]]
name = "look"
code = "look.py"

[[mapping]]
name = "devices-to-look"
table = "devices"
handler = "look"
starting_position = "TRIM_HORIZON"
maximum_retry_attempts = 0
on_failure = "mqtt:lab/given-up"
"""


@pytest.fixture
def host(tmp_path: Path) -> Iterator[BridgeHost]:
    (tmp_path / "look.py").write_text(FUNCTION)
    (tmp_path / "triggers.toml").write_text(DECLARED)
    host = BridgeHost(load(flags={"data.dir": str(tmp_path)}), clock=SystemClock(), assets=assets_dir())
    host.start()
    yield host
    host.stop()


@pytest.fixture
def told() -> list[Message]:
    return []


@pytest.fixture
def client(host: BridgeHost, told: list[Message]) -> Iterator[Client]:
    address = ClientOptions(host.client.options.host, host.client.options.port)
    client = Client(address, clock=SystemClock(), on_message=told.append)
    client.subscribe(Subscription("lab/given-up", qos=0))
    client.start()
    eventually(lambda: client.status.state == "connected" and host.client.status.state == "connected")
    yield client
    client.stop()


def publish(client: Client, device: str) -> None:
    client.publish(f"lab/{device}/telemetry", b'{"values": {"t": 21.5}}', qos=1)


def test_a_function_sees_what_is_stored(host: BridgeHost, client: Client, tmp_path: Path) -> None:
    publish(client, "kitchen")
    log = tmp_path / "logs" / "handlers" / "look.log"
    eventually(lambda: log.exists() and "saw kitchen" in log.read_text())
    eventually(lambda: host.health().mappings[0].counters["handled"] >= 1)
    health = host.health()
    assert health.handlers[0].counters["errors"] == 0
    assert b'iotlab_mapping{kind="handled",name="devices-to-look"} ' in metrics(health)


def test_what_it_cannot_handle_is_kept_and_told_and_the_others_go_on(
    host: BridgeHost, client: Client, told: list[Message], tmp_path: Path
) -> None:
    publish(client, "poison")
    eventually(lambda: list(list_dead_letters(host.table.store, "devices-to-look")) != [])
    publish(client, "hall")
    log = tmp_path / "logs" / "handlers" / "look.log"
    eventually(lambda: "saw hall" in log.read_text())
    [letter] = list_dead_letters(host.table.store, "devices-to-look")
    assert (letter.error_type, letter.condition) == ("ValueError", "RetryAttemptsExhausted")
    eventually(lambda: told != [])
    assert json.loads(told[0].payload)["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert host.health().losses == {}


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('handler = "look"', 'handler = "lock"', "there is no handler 'lock'"),
        ("mqtt:lab/given-up", "mqtt:lab/#", "on_failure"),
        ("mqtt:lab/given-up", "a place", "is no destination"),
    ],
)
def test_a_wrong_declaration_starts_nothing(tmp_path: Path, old: str, new: str, problem: str) -> None:
    (tmp_path / "look.py").write_text(FUNCTION)
    (tmp_path / "triggers.toml").write_text(DECLARED.replace(old, new))
    with pytest.raises(ConfigError, match=problem):
        BridgeHost(load(flags={"data.dir": str(tmp_path)}), clock=SystemClock(), assets=assets_dir())
    assert not (tmp_path / "table.db").exists()

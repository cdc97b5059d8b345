"""The whole way of a message through a running bridge: its handlers, alarms and notifications, with their times."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from iotlab.cli import app
from iotlab.clock import SystemClock
from iotlab.config import load
from iotlab.lab.host import BridgeHost
from iotlab.lab.resources import assets_dir
from iotlab.lab.trace import MessageTrace, read_trace
from iotlab.mqtt.client import Client
from iotlab.mqtt.options import ClientOptions
from iotlab.triggers.acts import Person
from tests.mqtt.peers import eventually

SETTINGS = """
[[notify.channel]]
name = "inbox"
kind = "inbox"

[[notify.channel]]
name = "screen"
kind = "mqtt"
topic = "lab/alarms"
"""
RULES = '[[rule]]\nid = "hot"\nchannel = "t"\nabove = 30\nseverity = "critical"\n'
FUNCTIONS = """
def sees(event, context):
    return "seen"

def fails(event, context):
    raise ValueError("not today")
"""
DECLARED = """
[[handler]]
name = "{name}"
code = "both.py"
handler = "both.{name}"

[[mapping]]
name = "{name}"
table = "devices"
handler = "{name}"
starting_position = "TRIM_HORIZON"
maximum_retry_attempts = 1
"""


@pytest.fixture
def host(tmp_path: Path) -> Iterator[BridgeHost]:
    (tmp_path / "lab.toml").write_text(SETTINGS)
    (tmp_path / "rules.toml").write_text(RULES)
    (tmp_path / "both.py").write_text(FUNCTIONS)
    (tmp_path / "triggers.toml").write_text("".join(DECLARED.format(name=name) for name in ("sees", "fails")))
    settings = load(config=tmp_path / "lab.toml", flags={"data.dir": str(tmp_path)})
    host = BridgeHost(settings, clock=SystemClock(), assets=assets_dir())
    host.start()
    yield host
    host.stop()


def publish(host: BridgeHost, value: float, message_id: str) -> None:
    client = Client(ClientOptions(host.client.options.host, host.client.options.port), clock=SystemClock())
    client.start()
    eventually(lambda: client.status.state == "connected" and host.client.status.state == "connected")
    body = json.dumps({"values": {"t": value}, "id": message_id}).encode()
    assert client.publish("lab/oven/telemetry", body, qos=1)
    eventually(lambda: read_trace(host.table.store, message_id) is not None)
    client.stop()


def traced(host: BridgeHost, message_id: str) -> MessageTrace:
    found = read_trace(host.table.store, message_id)
    assert found is not None
    return found


def statuses(found: MessageTrace) -> list[str]:
    return [told.status for alarm in found.alarms for told in alarm.notifications]


def test_a_message_that_nobody_knows_has_no_trace(host: BridgeHost) -> None:
    assert read_trace(host.table.store, "never") is None


def test_the_trace_of_a_message_has_its_handlers_its_alarm_and_who_was_told(
    host: BridgeHost, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "250")
    publish(host, 35, "m-1")
    eventually(lambda: any(hop.dead_letter for hop in traced(host, "m-1").handlers))
    eventually(lambda: statuses(traced(host, "m-1")) == ["sent", "sent"])
    found = traced(host, "m-1")

    assert [hop.stop for hop in found.hops] == ["receive", "decode", "commit", "record", "evaluate", "deliver"]
    commit = found.at("commit")
    assert commit is not None

    outcomes = {hop.mapping: [(one.outcome, one.attempt) for one in hop.invocations] for hop in found.handlers}
    assert outcomes == {"sees": [("ok", 1)], "fails": [("retry", 1), ("given up", 2)]}
    fails = next(hop for hop in found.handlers if hop.mapping == "fails")
    assert fails.dead_letter == "RetryAttemptsExhausted; ValueError: not today"
    assert all(one.at_us >= commit.at_us and one.duration_ms > 0 for one in fails.invocations)

    [alarm] = found.alarms
    assert (alarm.alarm, alarm.version, alarm.what, alarm.by) == ("hot/oven", 1, "raised", "rule")
    assert [(told.channel, told.attempts) for told in alarm.notifications] == [("inbox", 1), ("screen", 1)]
    for told in alarm.notifications:
        assert told.done_us is not None
        assert found.first_us <= alarm.at_us <= told.created_us <= told.done_us

    health = host.health()
    assert health.caretaker.keys() == {"watched", "transitions", "conflicts", "malformed", "errors"}
    assert health.replies == {"accepted": 0, "refused": 0, "errors": 0}

    # What a person does to the alarm later was not caused by the message.
    Person(host.table.store, "anna", SystemClock()).acknowledge("hot/oven", seen_version=1)
    assert [one.what for one in traced(host, "m-1").alarms] == ["raised"]

    assert app.run(["trace", "m-1", "--data", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    for words in ("Message m-1", "fails", "not today", "dead letter", "raised by rule", "to screen"):
        assert words in said.replace("\n", " ")
    assert app.run(["trace", "m-1", "--json", "--data", str(tmp_path)]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [hop["mapping"] for hop in document["handlers"]] == [hop.mapping for hop in found.handlers]
    assert document["alarms"][0]["notifications"][0]["status"] == "sent"


def test_the_message_that_clears_an_alarm_has_its_clear_and_not_its_raise(host: BridgeHost) -> None:
    publish(host, 35, "m-1")
    eventually(lambda: traced(host, "m-1").alarms != ())
    publish(host, 20, "m-2")
    eventually(lambda: traced(host, "m-2").alarms != ())
    assert [one.what for one in traced(host, "m-2").alarms] == ["cleared"]
    assert [one.what for one in traced(host, "m-1").alarms] == ["raised"]

"""`iotlab triggers`, run as a person runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from iotlab.cli.triggers import VERBS
from iotlab.clock import SystemClock
from iotlab.domain.schema import TABLES, TRIGGER_CHECKPOINTS, TRIGGER_DEAD_LETTERS
from iotlab.table.engine import Engine
from iotlab.table.store import Put, Store
from iotlab.table.values import item
from iotlab.triggers.mapping.dead_letters import DeadLetter
from iotlab.triggers.mapping.invocation import Invocation, put_of

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "examples" / "handlers"


def iotlab(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "iotlab.cli", "triggers", *arguments]
    environment = {"COLUMNS": "200", "HOME": "/nonexistent", "PATH": "/usr/bin:/bin"}
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, env=environment, cwd=ROOT, input=given
    )


@pytest.mark.parametrize("verb", VERBS)
def test_the_help_of_each_verb_has_examples(verb: str) -> None:
    done = iotlab(verb, "--help")
    assert done.returncode == 0, done.stderr
    assert f" iotlab triggers {verb}" in done.stdout.partition("Examples:")[2]


def test_a_handler_is_tested_without_a_lab() -> None:
    name = EXAMPLES / "leak_detector"
    done = iotlab("test", f"{name}.py", "--event", f"{name}.json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["leaks"] == [{"device": "kitchen-pipe", "least_l_per_min": 0.35}]
    assert "leak: kitchen-pipe never rested" in done.stderr
    assert "REPORT RequestId: " in done.stderr


def test_a_function_error_is_printed_as_lambda_does_and_ends_with_1(tmp_path: Path) -> None:
    file = tmp_path / "dry.py"
    file.write_text("def handler(event, context): raise ValueError(event['pump'])")
    done = iotlab("test", str(file), "--event", "-", given='{"pump": "dry"}')
    assert done.returncode == 1
    error = json.loads(done.stdout)
    assert (error["errorType"], error["errorMessage"]) == ("ValueError", "dry")
    assert 'File "/var/task/dry.py", line 1' in error["stackTrace"][0] or "dry.py" in error["stackTrace"][0]


def test_an_event_that_is_no_json_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "f.py"
    file.write_text("def handler(event, context): return 1")
    done = iotlab("test", str(file), "--event", "-", given="{")
    assert done.returncode == 2
    assert "is no JSON" in done.stderr


def test_a_handler_is_declared_once_and_listed(tmp_path: Path) -> None:
    data = ["--data", str(tmp_path)]
    arguments = ["add", "leaks", str(EXAMPLES / "leak_detector.py"), "--table", "devices", *data]
    done = iotlab(*arguments)
    assert done.returncode == 0, done.stderr
    again = iotlab(*arguments)
    assert again.returncode == 2
    assert "the name of another handler" in again.stderr
    (row,) = json.loads(iotlab("list", "--json", *data).stdout)
    assert (row["name"], row["tables"], row["network"]) == ("leaks", ["devices"], False)
    assert "leaks" in iotlab("list", *data).stdout


def test_a_log_that_is_not_there_is_said(tmp_path: Path) -> None:
    done = iotlab("tail", "leaks", "--data", str(tmp_path))
    assert done.returncode == 1
    assert "leaks has no log" in done.stderr


def test_a_log_is_printed_from_its_newest_lines(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "handlers" / "leaks.log"
    log.parent.mkdir(parents=True)
    log.write_text("".join(f"line {number}\n" for number in range(50)))
    done = iotlab("tail", "leaks", "--data", str(tmp_path), "--lines", "2", "--for", "1s")
    assert done.stdout.splitlines() == ["line 48", "line 49"]


def _letter(number: int) -> dict[str, object]:
    letter = DeadLetter(
        mapping="mended",
        at=f"{number:040d}",
        table="devices",
        shard="shardId-00000001764050400000-00000000",
        sequence_number=f"{number:021d}",
        condition="RetryAttemptsExhausted",
        document="{}",
        record=json.dumps({"eventID": str(number), "dynamodb": {}}),
        given_up_us=1_764_050_400_000_000,
        error_type="ValueError",
        error_message="dry",
        attempts=4,
    )
    return msgspec.structs.asdict(letter) | {"parts": 1}


def test_given_up_records_are_listed_and_handed_over_again(tmp_path: Path) -> None:
    data = ["--data", str(tmp_path)]
    handler = tmp_path / "mended.py"
    handler.write_text(
        "def handler(event, context):\n    if event['Records'][0]['eventID'] == '2': raise OSError('no')\n"
    )
    assert iotlab("add", "mended", str(handler), "--table", "devices", *data).returncode == 0
    engine = Engine.open(tmp_path / "table.db")
    engine.ensure_tables(TABLES)
    Store(engine).batch_write([Put(TRIGGER_DEAD_LETTERS, item(_letter(number))) for number in (1, 2)])
    engine.close()
    listed = iotlab("dlq", "mended", *data)
    assert "RetryAttemptsExhausted" in listed.stdout, listed.stderr
    assert "2 shown" in listed.stdout
    done = iotlab("replay", "mended", *data)
    assert done.returncode == 1
    assert "1 handled, 1 failed again" in done.stdout, done.stderr
    assert "OSError: no" in done.stdout
    assert len(json.loads(iotlab("dlq", "mended", "--json", *data).stdout)) == 1


def test_invocations_of_before_a_restart_are_listed_with_outcome_and_error(tmp_path: Path) -> None:
    now_us = SystemClock().now_us()
    engine = Engine.open(tmp_path / "table.db")
    engine.ensure_tables(TABLES)
    ones = [
        Invocation(at_us=now_us - 7200_000_000, request_id="old", shard="s", outcome="ok"),
        Invocation(at_us=now_us - 1_000_000, request_id="new", shard="s", outcome="retry", error="OSError: no"),
    ]
    Store(engine).batch_write([put_of("leaks", "devices", one) for one in ones])
    engine.close()
    listed = iotlab("invocations", "leaks", "--data", str(tmp_path), "--output", "jsonl")
    assert listed.returncode == 0, listed.stderr
    [row] = map(json.loads, listed.stdout.splitlines())
    assert (row["request_id"], row["outcome"], row["error"]) == ("new", "retry", "OSError: no")
    both = iotlab("invocations", "leaks", "--data", str(tmp_path), "--since", "3h")
    assert "retry" in both.stdout


def test_a_mapping_is_disabled_and_enabled_by_command_and_an_unknown_one_is_refused(tmp_path: Path) -> None:
    data = ["--data", str(tmp_path)]
    assert iotlab("add", "leaks", str(EXAMPLES / "leak_detector.py"), "--table", "devices", *data).returncode == 0
    engine = Engine.open(tmp_path / "table.db")
    engine.ensure_tables(TABLES)
    engine.close()
    for verb, said in (("disable", False), ("enable", True)):
        done = iotlab(verb, "leaks", *data)
        assert done.returncode == 0, done.stderr
        engine = Engine.open(tmp_path / "table.db")
        row = Store(engine).get_item(TRIGGER_CHECKPOINTS, {"mapping": {"S": "leaks"}, "shard": {"S": "#mapping"}})
        engine.close()
        assert row is not None
        assert row["enabled"] == {"BOOL": said}
    refused = iotlab("disable", "leeks", *data)
    assert refused.returncode == 2
    assert "there is no mapping 'leeks'" in refused.stderr

"""`iotlab table ls, describe, get, query, scan`: what is printed, in which form, and what is refused."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest

from iotlab.cli.app import EXIT_REFUSED, EXIT_WRONG
from iotlab.table.engine import Engine
from tests.cli.table.conftest import Run


def test_ls_shows_keys_items_and_streams(run: Run) -> None:
    rows = {row["table"]: row for row in json.loads(run("ls").stdout)}
    assert rows["readings"] == {
        "table": "readings",
        "key": ["device S", "at S"],
        "items": 300,
        "indexes": [],
        "stream": None,
    }
    assert rows["devices"]["stream"] == "NEW_AND_OLD_IMAGES"
    shown = run("ls", "--output", "table").stdout
    assert re.search(r"readings +device S, at S +300", shown)
    assert all(name in run("ls", "--output", "table", COLUMNS="60").stdout for name in rows)
    assert f"{len(rows)} tables at " in shown


def test_describe_is_dynamodbs_own_description_as_json_and_readable_as_a_table(run: Run) -> None:
    document = json.loads(run("describe", "readings").stdout)
    assert document["KeySchema"] == [
        {"AttributeName": "device", "KeyType": "HASH"},
        {"AttributeName": "at", "KeyType": "RANGE"},
    ]
    assert "partition device (S), sort at (S)" in run("describe", "readings", "--output", "table").stdout


def test_get_prints_the_item_in_each_form(run: Run) -> None:
    item = json.loads(run("get", "devices", "device=kitchen").stdout)
    assert (item["temperature"], item["payload"], item["tags"]) == (21.5, {"$B": "AAE="}, {"$SS": ["a", "b"]})
    wire = json.loads(run("get", "devices", "kitchen", "--output", "ddb-json").stdout)
    assert wire["Item"]["payload"] == {"B": "AAE="}
    table = run("get", "devices", '{"device": "kitchen"}', "-o", "table").stdout
    assert "base64 AAE=" in table
    assert json.loads(run("get", "devices", "kitchen", "--columns", "channels.t.value").stdout) == {
        "channels": {"t": {"value": 1}}
    }


def test_what_a_device_wrote_cannot_reach_the_terminal_as_an_escape_code(run: Run) -> None:
    for words in ("scan devices -o table", "get devices hall -o table", "tail-stream devices --from TRIM_HORIZON"):
        shown = run(*words.split()).stdout
        assert "\x1b" not in shown
        assert r"\x1b[31mred" in shown


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        (["--last", "2"], ["06:02:28", "06:02:29"]),
        (["--last", "2", "--reverse"], ["06:02:29", "06:02:28"]),
        (["--limit", "2"], ["06:00:00", "06:00:01"]),
        (["at>=2026-11-25T06:02:28"], ["06:02:28", "06:02:29"]),
        (["at>=2026-11-25T06:00:58", "at<=2026-11-25T06:01:00"], ["06:00:58", "06:00:59", "06:01:00"]),
        (["--since", "2026-11-25T06:00:58", "--until", "2026-11-25T06:00:59"], ["06:00:58", "06:00:59"]),
        (["at=2026-11-25T06:01:00"], ["06:01:00"]),
        (["--prefix", "2026-11-25T06:02", "--where", "values.t > 14.75"], ["06:02:28", "06:02:29"]),
        (["--where", "seq in (7, 9)", "--limit", "1"], ["06:00:07"]),
    ],
)
def test_query_finds_by_words_and_flags(words: list[str], seconds: list[str], run: Run) -> None:
    done = run("query", "readings", "device=kitchen", *words)
    assert done.returncode == 0, done.stderr
    assert [row["at"][11:] for row in json.loads(done.stdout)] == seconds


def test_a_table_shows_a_hundred_items_and_says_that_there_are_more(run: Run) -> None:
    done = run("scan", "readings", "-o", "table", "--columns", "device,at")
    assert done.stdout.count("2026-11-25T06:") == 100
    assert "The first 100 items; there are more: --limit 0 for all." in done.stderr
    assert run("scan", "readings", "-o", "table", "--limit", "0").stdout.count("2026-11-25T06:") == 300


def test_what_a_table_cuts_bears_a_mark_and_wide_cuts_nothing(run: Run) -> None:
    long = "x" * 60
    run("put", "devices", json.dumps({"device": "long", "text": long, **{f"a{n}": "y" * 30 for n in range(5)}}))
    narrow = run("scan", "devices", "-o", "table", "--where", "exists(text)", COLUMNS="60").stdout
    assert "more columns: " in narrow
    cut = run("scan", "devices", "-o", "table", "--columns", "text", COLUMNS="60").stdout
    assert long not in cut
    assert "…" in cut
    wide = run("scan", "devices", "-o", "table", "--wide", "--where", "exists(text)", COLUMNS="60").stdout
    assert long in wide
    assert "…" not in wide


def test_every_machine_readable_form_has_every_item(run: Run) -> None:
    assert len(json.loads(run("scan", "readings", "-o", "json").stdout)) == 300
    assert len([json.loads(line) for line in run("scan", "readings", "-o", "jsonl").stdout.splitlines()]) == 300
    wire = [json.loads(line) for line in run("scan", "readings", "-o", "ddb-json").stdout.splitlines()]
    assert {tuple(row) for row in wire} == {("Item",)}
    rows = list(csv.DictReader(io.StringIO(run("scan", "devices", "-o", "csv").stdout)))
    assert {row["temperature:N"] for row in rows} == {"21.5"}
    assert json.loads(run("scan", "devices", "--where", "room = 'nowhere'").stdout) == []


def test_the_same_commands_work_on_a_served_directory(served: Engine, run: Run) -> None:
    assert len(json.loads(run("scan", "readings").stdout)) == 300
    assert json.loads(run("query", "readings", "device=hall", "--last", "1").stdout)[0]["seq"] == 149
    assert run("put", "devices", '{"device": "new"}').returncode == 0
    assert json.loads(run("get", "devices", "new").stdout) == {"device": "new"}
    assert json.loads(run("describe", "readings").stdout)["ItemCount"] == 300


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["get", "device", "kitchen"], EXIT_WRONG, "did you mean 'devices'?"),
        (["get", "devices", "nobody"], EXIT_REFUSED, "devices has no item with this key: nobody"),
        (["get", "devices", "divice=kitchen"], EXIT_WRONG, "error: KEY: 'divice=kitchen' names no key attribute"),
        (["query", "readings", "device=a", "at"], EXIT_WRONG, "put it in quotes"),
        (["query", "devices", "device=a", "--last", "1", "--prefix", "x"], EXIT_WRONG, "the key has no sort key"),
        (["query", "readings", "device=a", "--index", "x"], EXIT_WRONG, "no index 'x'"),
        (["scan", "devices", "--where", "room ="], EXIT_WRONG, "error: --where: Invalid expression: Syntax error"),
        (["scan", "devices", "--columns", "a b"], EXIT_WRONG, "error: --columns: "),
        (["query", "readings", "device=kitchen", "--where", "at = 'x'"], EXIT_REFUSED, "Primary key attribute: at"),
        (["ls", "-o", "csv"], EXIT_WRONG, "csv is for items"),
        (["ls", "--dynamodb"], EXIT_WRONG, "no region is set"),
        (
            ["ls", "--dynamodb", "--endpoint-url", "http://127.0.0.1:1"],
            EXIT_WRONG,
            "given together with --endpoint-url",
        ),
    ],
)
def test_what_is_wrong_is_said_in_the_persons_own_words(words: list[str], code: int, message: str, run: Run) -> None:
    done = run(*words, AWS_REGION="", AWS_DEFAULT_REGION="")
    assert (done.returncode, message in done.stderr) == (code, True), done.stderr
    assert "Traceback" not in done.stderr


def test_a_directory_without_a_table_stays_empty(tmp_path: Path, run: Run) -> None:
    done = run("ls", "--data", str(tmp_path / "nothing"))
    assert done.returncode == EXIT_REFUSED
    assert "there is no table in" in done.stderr


def test_a_file_that_another_process_has_open_is_left_alone_and_the_process_named(data: Path, run: Run) -> None:
    engine = Engine.open(data / "table.db")
    done = run("ls")
    engine.close()
    assert done.returncode == EXIT_REFUSED
    assert "has the table at" in done.stderr


def test_an_endpoint_that_does_not_answer_is_named(run: Run) -> None:
    keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_MAX_ATTEMPTS": "1"}
    done = run("ls", "--endpoint-url", "http://127.0.0.1:9", **keys)
    assert done.returncode == EXIT_REFUSED
    assert "http://127.0.0.1:9" in done.stderr

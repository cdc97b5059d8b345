"""`iotlab table put, delete, export, import, tail-stream`."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from iotlab.cli.app import EXIT_INTERRUPTED, EXIT_REFUSED, EXIT_WRONG
from iotlab.table.engine import Engine
from iotlab.table.operations import OPERATIONS
from iotlab.table.store import Store
from iotlab.table.values import item
from tests.cli.table.conftest import ROOT, Run

BIG = 12345678901234567890123456789012345678


def test_put_takes_both_forms_of_json_from_argument_file_and_standard_input(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "item.json"
    file.write_text('\ufeff{"device": {"S": "b"}, "n": {"N": "1.50"}}', encoding="utf-8")
    assert run("put", "devices", f'{{"device": "a", "n": {BIG}, "b": {{"$B": "AAE="}}}}').returncode == 0
    assert run("put", "devices", f"@{file}").returncode == 0
    assert run("put", "devices", "-", stdin='{"device": "c"}').returncode == 0
    assert f'"n": {BIG}' in run("get", "devices", "a").stdout
    assert '"n": 1.5' in run("get", "devices", "b").stdout
    assert json.loads(run("get", "devices", "c").stdout) == {"device": "c"}


def test_put_can_ask_for_a_condition(run: Run) -> None:
    refused = run("put", "devices", '{"device": "kitchen"}', "--new")
    assert (refused.returncode, "The conditional request failed" in refused.stderr) == (EXIT_REFUSED, True)
    assert run("put", "devices", '{"device": "kitchen"}', "--if", "temperature > 30").returncode == EXIT_REFUSED
    assert run("put", "devices", '{"device": "kitchen"}', "--if", "temperature > 20").returncode == 0


def test_delete_prints_what_it_deleted(run: Run) -> None:
    assert run("delete", "devices", "kitchen", "--if", "room = 'hall'").returncode == EXIT_REFUSED
    assert json.loads(run("delete", "devices", "device=kitchen").stdout)["room"] == "kitchen"
    assert "had no item with this key" in run("delete", "devices", "device=kitchen").stderr


@pytest.mark.parametrize("name", ["out.jsonl", "out.json.gz", "out.csv"])
def test_an_export_imported_elsewhere_has_the_same_digest(name: str, run: Run, tmp_path: Path) -> None:
    file = tmp_path / name
    first = run("export", "devices", str(file))
    assert first.returncode == 0, first.stderr
    run("delete", "devices", "kitchen")
    imported = run("import", "devices", str(file))
    assert "2 items are in devices" in imported.stderr
    assert "1 new, 0 replaced, 1 as they were" in imported.stderr
    again = run("export", "devices", str(file), "--overwrite")
    assert again.stderr.split()[-1] == first.stderr.split()[-1]


def test_an_export_does_not_replace_a_file_unasked(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "out.csv"
    file.write_text("mine")
    assert run("export", "devices", str(file)).returncode == EXIT_WRONG
    assert file.read_text() == "mine"


def test_one_bad_row_and_nothing_is_imported(run: Run, data: Path, tmp_path: Path) -> None:
    file = tmp_path / "in.csv"
    file.write_text("device,temperature\na,1\nb,2\nc,x\n,4\n")
    before = (data / "table.db").read_bytes()
    done = run("import", "devices", str(file), "--type", "temperature=N")
    assert done.returncode == EXIT_WRONG
    assert "in.csv:4: The parameter cannot be converted to a numeric value: x" in done.stderr
    assert "in.csv:5 [device]: the key attribute is missing" in done.stderr
    assert "Nothing was written." in done.stderr
    assert (data / "table.db").read_bytes() == before


def test_check_writes_nothing(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "in.jsonl"
    file.write_text('{"device": "a"}\n')
    assert "1 items of" in run("import", "devices", str(file), "--check").stderr
    assert run("get", "devices", "a").returncode == EXIT_REFUSED


def test_an_import_through_a_pipe(run: Run) -> None:
    lines = "".join(f'{{"device": "p{number}"}}\n' for number in range(2500))
    assert "2,500 new" in run("import", "devices", "-", stdin=lines).stderr


@pytest.mark.skipif("BatchWriteItem" not in OPERATIONS, reason="the embedded table has no BatchWriteItem yet")
def test_an_import_over_a_running_endpoint(run: Run, served: Engine) -> None:
    lines = "".join(f'{{"device": "p{number}"}}\n' for number in range(60))
    for flags in ([], ["--atomic"]):
        assert "60 items are in devices" in run("import", "devices", "-", *flags, stdin=lines).stderr
    assert Store(served).get_item("devices", item({"device": "p59"})) is not None


def test_ctrl_c_during_an_import_leaves_nothing_half(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "in.jsonl"
    with file.open("w") as out:
        for number in range(60_000):
            out.write(json.dumps({"device": f"d{number}", "text": "x" * 200}) + "\n")
    words = [sys.executable, "-m", "iotlab.cli", "table", "import", "devices", str(file), "--data", str(data)]
    wal = data / "table.db-wal"
    before_bytes = wal.stat().st_size if wal.exists() else 0
    # A test run in the background inherits that SIGINT is ignored, and would hand it on.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(words, cwd=ROOT, stderr=subprocess.PIPE)
    finally:
        signal.signal(signal.SIGINT, before)
    deadline_s = time.monotonic() + 60
    # The write-ahead log grows when the one transaction is under way.
    while time.monotonic() < deadline_s and not (wal.exists() and wal.stat().st_size > before_bytes + 1_000_000):
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == EXIT_INTERRUPTED, stderr
    engine = Engine.open(data / "table.db")
    count = sum(1 for _ in Store(engine).scan_all("devices"))
    engine.close()
    assert count == 2


def test_tail_stream_prints_what_was_and_what_is(run: Run) -> None:
    row = {"device": "kitchen", "room": "kitchen", "temperature": 22, "channels": {"t": {"value": 2}}, "new": True}
    run("put", "devices", json.dumps(row))
    run("delete", "devices", "kitchen")
    *_, modified, removed = run("tail-stream", "devices", "--from", "TRIM_HORIZON").stdout.splitlines()
    assert "MODIFY  device=kitchen  channels.t.value 1 → 2, -name " in modified
    assert "+new true" in modified
    assert "temperature 21.5 → 22" in modified
    assert "REMOVE  device=kitchen  -channels" in removed


def test_tail_stream_as_lines_of_json(run: Run) -> None:
    [first] = run("tail-stream", "devices", "--from", "TRIM_HORIZON", "--jsonl", "-n", "1").stdout.splitlines()
    record = json.loads(first)
    assert (record["event"], record["key"], record["old"]) == ("INSERT", {"device": "kitchen"}, None)
    assert record["new"]["temperature"] == 21.5
    assert run("tail-stream", "devices", "--from", "2099-01-01").stdout == ""


def test_tail_stream_follows_a_running_table(run: Run, served: Engine, data: Path) -> None:
    words = [sys.executable, "-u", "-m", "iotlab.cli", "table", "tail-stream", "devices", "--from", "TRIM_HORIZON"]
    process = subprocess.Popen(
        [*words, "--jsonl", "-n", "3", "--for", "30s", "--data", str(data)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(2)]
    Store(served).put_item("devices", item({"device": "later"}))
    out, _ = process.communicate(timeout=60)
    assert [json.loads(line)["key"]["device"] for line in [*lines, *out.splitlines()]] == ["kitchen", "hall", "later"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["put", "devices", "{"], "ITEM: not JSON"),
        (["put", "devices", "@/nonexistent"], "ITEM: [Errno 2] No such file"),
        (["put", "devices", '{"device": "a"}', "--new", "--if", "a = 1"], "given together with --if"),
        (
            ["export", "devices", "out.parquet"],
            "the name does not say the format; expected --format jsonl|ddb-json|csv",
        ),
        (["import", "devices", "/nonexistent.csv"], "the file can't be read: No such file or directory"),
        (["import", "devices", str(ROOT), "--format", "csv"], "the file can't be read: Is a directory"),
        (["import", "devices", "-", "--type", "a=X"], "'a=X' is no type"),
        (["import", "devices", "-", "--delimiter", "ab"], "'ab' is not one character"),
        (["tail-stream", "readings"], "readings has no stream"),
        (["tail-stream", "devices", "--from", "yesterday"], "'yesterday' is no time"),
    ],
)
def test_what_is_wrong_is_refused_with_exit_code_2(words: list[str], message: str, run: Run) -> None:
    done = run(*words)
    assert (done.returncode, message in done.stderr) == (EXIT_WRONG, True), done.stderr

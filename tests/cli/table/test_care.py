"""`iotlab table backup`, `restore` and `check` as a person uses them."""

from __future__ import annotations

import json
from pathlib import Path

from iotlab.table.engine import Engine
from iotlab.table.store import Store
from iotlab.table.values import item
from tests.cli.table.conftest import Run


def damage(data: Path) -> None:
    path = data / "table.db"
    raw = bytearray(path.read_bytes())
    raw[-4096 * 3 : -4096] = b"\xff" * 8192
    path.write_bytes(raw)


def devices(data: Path) -> set[str]:
    engine = Engine.open(data / "table.db")
    found = {str(row["device"]["S"]) for row in Store(engine).scan_all("devices")}
    engine.close()
    return found


def test_a_backup_of_a_served_directory_is_restored_when_the_server_has_ended(
    data: Path, run: Run, served: Engine
) -> None:
    made = run("backup")
    assert made.returncode == 0
    assert "checked" in made.stdout
    Store(served).put_item("devices", item({"device": "attic"}))
    refused = run("restore")
    assert refused.returncode == 1
    assert "another process has the table" in refused.stderr
    served.close()
    restored = run("restore")
    assert restored.returncode == 0
    assert "the last 1 are not there now" in restored.stdout
    assert devices(data) == {"kitchen", "hall"}


def test_a_backup_is_not_overwritten_without_force(data: Path, run: Run, tmp_path: Path) -> None:
    target = str(tmp_path / "copy.db")
    assert run("backup", target).returncode == 0
    second = run("backup", target)
    assert second.returncode == 1
    assert "--force" in second.stderr
    assert run("backup", target, "--force").returncode == 0


def test_a_damaged_file_is_named_by_the_check_and_repaired_by_the_way_out_it_tells(data: Path, run: Run) -> None:
    assert "nothing is wrong" in run("check").stdout
    damage(data)
    found = run("check")
    assert found.returncode == 1
    assert "problem: " in found.stdout
    assert "iotlab table restore --quarantine" in found.stderr
    repaired = run("restore", "--quarantine")
    assert repaired.returncode == 0
    assert "Restored what could be read" in repaired.stdout
    assert run("check").returncode == 0


def test_a_check_says_the_same_as_json(data: Path, run: Run) -> None:
    report = json.loads(run("check", "--json").stdout)
    assert report["problems"] == []
    assert report["footprint"]["file_bytes"] == (data / "table.db").stat().st_size
    damage(data)
    found = run("check", "--json")
    assert found.returncode == 1
    assert json.loads(found.stdout)["problems"]


def test_without_a_backup_a_restore_says_what_there_is_to_do(run: Run, data: Path) -> None:
    refused = run("restore")
    assert refused.returncode == 1
    assert "--quarantine" in refused.stderr
    assert devices(data) == {"kitchen", "hall"}


def test_a_directory_without_a_table_is_not_made_one(run: Run, tmp_path: Path) -> None:
    for verb in ("check", "backup"):
        assert "there is no data file" in run(verb, "--data", str(tmp_path / "nothing")).stderr
    assert not (tmp_path / "nothing").exists()

from __future__ import annotations

import json
from pathlib import Path

import pytest

from iotlab.emulator.ledger import DeviceRow, ForeignRow, Ledger, read, write
from iotlab.emulator.truth import IncidentRow


def ledger(sent: int) -> Ledger:
    return Ledger(
        seed=7,
        scenario="home",
        started_us=1,
        ended_us=None,
        devices={"one": DeviceRow("k3f9", sent, sent - 1, 1, {"outbox_overflow": 0}, 0, {})},
        foreign={"plug": ForeignRow("tasmota", 3, {"offline": 1})},
        incidents=[IncidentRow("Fire", "fire", "one", "t", 5, 9, 2.0, expected=True)],
        incidents_earlier={"total": 0, "expected": 0},
        skipped=0,
    )


def test_the_file_holds_what_the_contract_names(tmp_path: Path) -> None:
    file = tmp_path / "ledger.json"
    write(ledger(61), file)
    body = json.loads(file.read_text())
    assert {"seed", "scenario", "started_us", "ended_us", "devices", "incidents", "foreign"} <= set(body)
    row = body["devices"]["one"]
    assert (row["boot_id"], row["sent"], row["acked"], row["outbox"]) == ("k3f9", 61, 60, 1)
    assert row["losses"] == {"outbox_overflow": 0}
    assert set(body["incidents"][0]) == {
        "name", "rule", "device", "channel", "start_us", "end_us", "hold_s", "expected", "near_miss",
    }  # fmt: skip


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    file = tmp_path / "ledger.json"
    write(ledger(1), file, durable=True)
    write(ledger(2), file)
    assert read(file) == ledger(2)
    assert [path.name for path in tmp_path.iterdir()] == ["ledger.json"]


def test_a_reader_that_has_the_old_file_open_never_sees_a_part_of_the_new_one(tmp_path: Path) -> None:
    file = tmp_path / "ledger.json"
    write(ledger(1), file)
    with file.open("rb") as opened:
        write(ledger(2), file)
        assert json.loads(opened.read())["devices"]["one"]["sent"] == 1


def test_a_ledger_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    file = tmp_path / "folder"
    (file / "inside").mkdir(parents=True)
    with pytest.raises(OSError, match="folder"):
        write(ledger(1), file)
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]

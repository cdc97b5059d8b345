"""`iotlab table as-of`: the items as they were, by sequence number and by time; what can't be answered is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from iotlab.cli.app import EXIT_REFUSED, EXIT_WRONG
from iotlab.clock import iso
from iotlab.table.engine import Engine
from iotlab.table.follower import TRIM_HORIZON, Follower
from iotlab.table.store import Store, StreamRecord
from iotlab.table.values import item
from tests.cli.table.conftest import Run


@pytest.fixture
def changes(data: Path) -> list[StreamRecord]:
    """Change the kitchen twice and delete it; return all changes of the devices."""
    engine = Engine.open(data / "table.db")
    store = Store(engine)
    for temperature in (30, 31):
        store.put_item("devices", item({"device": "kitchen", "temperature": temperature}))
    store.delete_item("devices", item({"device": "kitchen"}))
    follower = Follower(store, "devices")
    follower.open_after(TRIM_HORIZON)
    found: list[StreamRecord] = []
    while page := follower.read():
        found += page
    engine.close()
    return found


def kitchen(run: Run, when: str) -> object:
    rows = json.loads(run("as-of", "devices", when).stdout)
    return next((row["temperature"] for row in rows if row["device"] == "kitchen"), None)


def test_a_change_is_included_and_what_came_later_is_not(run: Run, changes: list[StreamRecord]) -> None:
    of_kitchen = [change for change in changes if change.keys == {"device": {"S": "kitchen"}}]
    seen = [kitchen(run, change.sequence_number) for change in of_kitchen]
    assert seen == [21.5, 30, 31, None]
    assert "kitchen" not in run("scan", "devices").stdout


def test_a_time_after_all_is_now_with_the_same_digest(run: Run, changes: list[StreamRecord]) -> None:
    last = changes[-1]
    by_time = run("as-of", "devices", iso(last.created_at_us + 1_000_000), "--digest")
    by_number = run("as-of", "devices", last.sequence_number, "--digest")
    assert by_time.stdout == by_number.stdout
    assert len(by_time.stdout.strip()) == 64
    assert run("as-of", "devices", changes[-2].sequence_number, "--digest").stdout != by_number.stdout


@pytest.mark.parametrize(
    ("words", "code", "problem"),
    [
        (["devices", "yesterday"], EXIT_WRONG, "WHEN: 'yesterday' is no time"),
        (["devices", "2020-01-01T00:00Z"], EXIT_REFUSED, "younger than that time"),
        (["readings", "2026-11-25T06:00Z"], EXIT_WRONG, "readings has no stream"),
    ],
)
def test_what_cannot_be_answered_is_refused(run: Run, words: list[str], code: int, problem: str) -> None:
    done = run("as-of", *words)
    assert (done.returncode, done.stdout) == (code, "")
    assert problem in done.stderr

"""Rules of every kind are 'killed' at every single write, before and after it, and go on as if nothing had been."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from iotlab.domain.notification import Route
from iotlab.domain.schema import JOURNAL, READINGS, reading_sort_key
from iotlab.table.store import Store
from iotlab.table.values import item, plain
from iotlab.triggers.evaluator import Evaluator
from iotlab.triggers.rules import parse_rules
from tests.triggers.little_lab import KilledError, KillingTransport, LittleLab, little_lab

RULES = parse_rules(
    """
[[rule]]
id = "kept"
channel = "t"
above = 30
keep_firing_s = 30
escalate = { severity = "critical", above = 40, hold_s = 20, keep_firing_s = 20 }
[[rule]]
id = "often"
channel = "t"
above = 30
repeat = 3
[[rule]]
id = "told"
channel = "t"
changed_by = 8
[[rule]]
id = "rise"
channel = "t"
rises_by = 10
within_s = 60
[[rule]]
id = "gone"
channel = "t"
no_data_s = 90
escalate = { severity = "critical", hold_s = 30 }
[[rule]]
id = "both"
all = [ { channel = "t", above = 30 }, { channel = "open", above = 0.5 } ]
hold_s = 25
[[rule]]
id = "reset"
channel = "n"
resets = true
""",
    "rules.toml",
)

SCRIPT: list[tuple[float, dict[str, float]]] = [
    (10, {"t": 20, "open": 0, "n": 100}),
    (10, {"t": 32, "open": 1, "n": 101}),
    (10, {"t": 43, "n": 3}),
    (10, {"t": 44, "n": 4}),
    (20, {"t": 45}),
    (20, {"t": 35, "open": 0}),
    (25, {"t": 25}),
    (40, {"t": 26}),
    (150, {"t": 26, "n": 1}),
    (10, {"t": 27, "n": 2}),
]


def report(lab: LittleLab, values: dict[str, Any]) -> None:
    """Store a message as the bridge does, with its row in the history."""
    at_us = lab.clock.now_us()
    row = {"device": "d", "at": reading_sort_key(at_us, "x"), "received_us": at_us, "values": values}
    lab.store.put_item(READINGS, item(row))
    lab.report("d", **values)


def live_through(lab: LittleLab, store: Store) -> list[tuple[str, str, str]]:
    """Let the script run, second by second; an evaluator that is killed is replaced. Return what happened."""
    evaluator = Evaluator(store, RULES, clock=lab.clock, routes=[Route("inbox")])

    def step() -> None:
        nonlocal evaluator
        try:
            evaluator.step()
        except KilledError:
            evaluator = Evaluator(lab.store, RULES, clock=lab.clock, routes=[Route("inbox")])
            evaluator.step()

    step()
    for after_s, values in SCRIPT:
        for _ in range(round(after_s)):
            lab.hands.advance(1)
            step()
        report(lab, values)
        step()
    with suppress(KilledError):
        evaluator.stop()
    rows = sorted(map(plain, lab.store.scan_all(JOURNAL)), key=lambda row: (row["alarm"], int(row["version"])))
    return [(row["alarm"], row["what"], row["severity"]) for row in rows]


def test_a_kill_at_any_write_changes_nothing_that_happens(tmp_path: Path) -> None:
    with little_lab(tmp_path / "whole.db") as lab:
        expected = live_through(lab, lab.store)
    assert {alarm.partition("/")[0] for alarm, _, _ in expected} == set(RULES.rules)
    assert {what for _, what, _ in expected} == {"pending", "raised", "escalated", "deescalated", "cleared"}
    kills = 0
    while True:
        with little_lab(tmp_path / f"{kills}.db") as lab:
            transport = KillingTransport(lab.engine, at=kills + 1, after=kills % 2 == 0)
            happened = live_through(lab, Store(transport))
            if not transport.killed:
                break
            assert happened == expected
            told = [row["key"] for row in lab.outbox()]
            assert len(told) == len(set(told))
        kills += 3
    assert kills > 30


@pytest.mark.parametrize("after", [False, True], ids=["before the write", "after the write"])
@pytest.mark.parametrize("at", [2, 5, 8, 11, 14, 17, 20])
def test_a_kill_at_one_of_the_first_writes_changes_nothing(tmp_path: Path, at: int, after: bool) -> None:
    with little_lab(tmp_path / "whole.db") as lab:
        expected = live_through(lab, lab.store)
    with little_lab(tmp_path / "killed.db") as lab:
        transport = KillingTransport(lab.engine, at=at, after=after)
        assert live_through(lab, Store(transport)) == expected
        assert transport.killed

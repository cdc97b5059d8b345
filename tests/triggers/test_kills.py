"""The evaluator is 'killed' at every single write to the table, before and after its execution, and started again."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from iotlab.domain.notification import Route
from iotlab.domain.schema import TRACES
from iotlab.table.store import Store
from iotlab.table.values import plain
from iotlab.triggers.acknowledge import acknowledge
from iotlab.triggers.evaluator import Evaluator
from iotlab.triggers.rules import parse_rules
from tests.triggers.little_lab import KilledError, KillingTransport, LittleLab, little_lab

RULES = parse_rules(
    """
[[rule]]
id = "warm"
channel = "temperature"
above = 25
[[rule]]
id = "hot"
channel = "temperature"
above = 30
clear = 24
severity = "critical"
[[rule]]
id = "wet"
channel = "humidity"
above = 70
[[rule]]
id = "leak"
channel = "flow"
above = 12
hold_s = 60
""",
    "rules.toml",
)
ROUTES = [Route("inbox"), Route("phone", ("critical",))]

Action = Callable[[LittleLab], object]


def reports(**values: float) -> Action:
    traced: dict[str, Any] = dict(values)
    return lambda lab: lab.report("room", _message_id=f"m{lab.engine.last_sequence()}", **traced)


def passes(seconds: float) -> Action:
    return lambda lab: lab.hands.advance(seconds)


SCRIPT: list[list[Action]] = [
    [reports(temperature=20, humidity=50)],
    [reports(temperature=31, humidity=80)],
    [reports(temperature=26), reports(temperature=24), reports(temperature=33), reports(temperature=20, humidity=10)],
    [lambda lab: lab.report("tap", flow=13), passes(30)],
    [passes(30)],
    [passes(2)],
    [lambda lab: acknowledge(lab.store, "leak/tap", by="anna", clock=lab.clock)],
    [lambda lab: lab.report("tap", flow=1), passes(1), lambda lab: lab.report("tap", flow=13)],
    [lambda lab: lab.report("tap", flow=1), passes(120)],
]

EXPECTED = {
    "warm/room": ["raised", "cleared", "raised", "cleared"],
    "hot/room": ["raised", "cleared", "raised", "cleared"],
    "wet/room": ["raised", "cleared"],
    "leak/tap": ["pending", "raised", "acknowledged", "cleared", "pending"],
}


def live_through(lab: LittleLab, transport: KillingTransport | None) -> None:
    """Let the script run; the evaluator that is killed is replaced by a new one on the same table."""
    store = lab.store if transport is None else Store(transport)
    evaluator = Evaluator(store, RULES, clock=lab.clock, routes=ROUTES)
    for actions in [[], *SCRIPT, []]:
        for action in actions:
            action(lab)
        for _ in range(3):
            try:
                evaluator.step()
            except KilledError:
                evaluator = Evaluator(lab.store, RULES, clock=lab.clock, routes=ROUTES)
                evaluator.step()
    with suppress(KilledError):
        evaluator.stop()


def check(lab: LittleLab) -> None:
    assert {alarm: lab.steps(alarm) for alarm in EXPECTED} == EXPECTED
    notified = [(alarm, version) for alarm, version, to in lab.journal() if to != "pending"]
    assert [(row["alarm"], row["version"]) for row in lab.outbox() if row["channel"] == "inbox"] == notified
    critical = [(alarm, version) for alarm, version in notified if alarm == "hot/room"]
    assert [(row["alarm"], row["version"]) for row in lab.outbox() if row["channel"] == "phone"] == critical
    assert len({row["key"] for row in lab.outbox()}) == len(notified) + len(critical)
    traces = [plain(row) for row in lab.store.scan_all(TRACES)]
    judged = [row["id"] for row in traces if row["stop"] in {"record", "evaluate"}]
    assert len(judged) == 2 * len(set(judged)) == 2 * 6
    linked = {(row["alarm"], row["version"], row["id"]) for row in traces if row["stop"].startswith("alarm/")}
    told = {(row["alarm"], row["version"], row["message_id"]) for row in lab.outbox() if row.get("message_id")}
    assert told <= linked
    assert {(alarm, version) for alarm, version, _ in linked} <= {step[:2] for step in lab.journal()}
    assert len(linked) + len(judged) == len(traces)
    assert {alarm: lab.alarm(alarm)["state"] for alarm in EXPECTED} == dict.fromkeys(EXPECTED, "cleared")


def test_the_script_without_a_kill_does_what_the_table_says(lab: LittleLab) -> None:
    live_through(lab, None)
    check(lab)


@pytest.mark.parametrize("after", [False, True], ids=["before the write", "after the write"])
def test_a_kill_at_any_write_neither_loses_nor_doubles_a_transition(tmp_path: Path, after: bool) -> None:
    kills = 0
    while True:
        with little_lab(tmp_path / f"{kills}.db") as lab:
            transport = KillingTransport(lab.engine, at=kills + 1, after=after)
            live_through(lab, transport)
            if not transport.killed:
                break
            check(lab)
        kills += 1
    assert kills > 15

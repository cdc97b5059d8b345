"""The evaluator over a stream whose shards roll, with the lab's one shard and with several."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from iotlab.domain.schema import CHECKPOINTS
from iotlab.table.values import item
from iotlab.triggers.acknowledge import acknowledge
from tests.triggers.little_lab import LittleLab, little_lab
from tests.triggers.test_evaluator import evaluator, settle

ROLL_S = 4 * 3600
OVENS = [f"oven-{number}" for number in range(8)]
LIFE = ["raised", "cleared", "raised"]


@pytest.fixture(params=[1, 4])
def wide(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[LittleLab]:
    with little_lab(tmp_path / "table.db", shards=int(request.param)) as lab:
        yield lab


def report(lab: LittleLab, temperature: float) -> None:
    for oven in OVENS:
        lab.report(oven, temperature=temperature)


def test_alarms_go_on_over_a_roll_and_a_restart(wide: LittleLab) -> None:
    running = evaluator(wide)
    running.step()
    report(wide, 31)
    settle(running)
    wide.hands.advance(ROLL_S)
    report(wide, 20)
    running.stop()
    wide.hands.advance(ROLL_S)
    report(wide, 31)
    second = evaluator(wide)
    settle(second)
    assert [wide.steps(f"hot/{oven}") for oven in OVENS] == [LIFE] * len(OVENS)
    assert (running.stats().resyncs, second.stats().resyncs) == (0, 0)


def test_every_record_is_judged_before_and_after_a_roll_that_comes_between_two_pages(wide: LittleLab) -> None:
    running = evaluator(wide)
    running.step()
    report(wide, 31)
    running.step()
    wide.hands.advance(ROLL_S)
    report(wide, 20)
    running.step()
    report(wide, 31)
    settle(running)
    assert [wide.steps(f"hot/{oven}") for oven in OVENS] == [LIFE] * len(OVENS)


def test_a_quiet_week_needs_no_new_start_from_the_present_state(wide: LittleLab) -> None:
    running = evaluator(wide)
    running.step()
    report(wide, 31)
    settle(running)
    for _ in range(7 * 6):
        wide.hands.advance(ROLL_S)
        wide.engine.housekeeping()
        running.step()
    running.stop()
    report(wide, 20)
    second = evaluator(wide)
    settle(second)
    assert [wide.steps(f"hot/{oven}") for oven in OVENS] == [["raised", "cleared"]] * len(OVENS)
    assert second.stats().resyncs == 0


def test_a_bare_checkpoint_of_an_older_program_is_gone_on_from(wide: LittleLab) -> None:
    first = evaluator(wide)
    first.step()
    report(wide, 31)
    settle(first)
    first.stop()
    bare = {"consumer": "triggers", "sequence_number": f"{wide.engine.last_sequence():021d}", "at_us": 1}
    wide.store.put_item(CHECKPOINTS, item(bare))
    wide.hands.advance(ROLL_S)
    report(wide, 20)
    second = evaluator(wide)
    assert settle(second) == len(OVENS)
    assert second.stats().resyncs == 0


def test_acknowledgements_are_seen_over_a_roll(wide: LittleLab) -> None:
    running = evaluator(wide)
    running.step()
    report(wide, 31)
    settle(running)
    wide.hands.advance(ROLL_S)
    for oven in OVENS:
        acknowledge(wide.store, f"hot/{oven}", by="anna", clock=wide.clock)
    settle(running)
    report(wide, 20)
    settle(running)
    wanted = ["raised", "acknowledged", "cleared"]
    assert [wide.steps(f"hot/{oven}") for oven in OVENS] == [wanted] * len(OVENS)
    assert running.stats().conflicts == 0

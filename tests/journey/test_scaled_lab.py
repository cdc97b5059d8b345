"""A whole lab at 600 times: broker, bridge, emulator and receiver as processes of their own, and a kill in a hold."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from iotlab.clock import US_PER_S, SystemClock
from iotlab.domain.schema import ALARMS
from iotlab.lab.demo import Demo
from iotlab.lab.pace import lab_clock
from iotlab.lab.runtime import read_runtime
from iotlab.table.values import plain
from tests.journey.home_day import SCENARIO, only

ALARM = "freezer-open/kitchen-freezer"
LASTS_S = 6_600
HOLD_US = 1_800 * US_PER_S
LATE_US = 60 * US_PER_S
READY_S = 6.0


def two_hours_of_two_freezers() -> str:
    """Return the day with its freezers alone: one is left open from 00:10 on, the other for six minutes."""
    scenario = SCENARIO.replace("lasts_s = 86400", f"lasts_s = {LASTS_S}")
    scenario = scenario.replace("start_s = [43200, 46800]\nrise_s = 1800", "start_s = [600, 600]\nrise_s = 60")
    scenario = scenario.replace("start_s = [64800, 70000]", "start_s = [1200, 1800]")
    return only("kitchen-freezer", "cellar-freezer", scenario=scenario)


@pytest.mark.timeout(120)
def test_a_hold_of_half_an_hour_survives_a_kill_of_the_bridge_at_600_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("iotlab.lab.demo._READY_S", READY_S)
    file = tmp_path / "freezers.toml"
    file.write_text(two_hours_of_two_freezers(), encoding="utf-8")
    directory = tmp_path / "data"
    demo = Demo(directory, seed=7, clock=SystemClock(), scenario=str(file), speed=600)
    try:
        demo.start()
        assert demo.end_s is not None
        until_pending(demo)
        runtime = read_runtime(directory)
        assert runtime is not None
        os.kill(runtime.pid, signal.SIGKILL)
        while time.monotonic() < demo.end_s:
            demo.watch()
            time.sleep(0.1)
        report = demo.finish()
    finally:
        demo.stop()
    assert report.restarts["bridge"] == 1
    assert report.shortcomings() == []
    assert report.alarms == {"expected": 1, "raised": 1, "missed": 0, "unexpected": 0, "near_misses": 1}
    at_us = {row["to"]: row["at_us"] for row in report.alarm_details if row["alarm"] == ALARM}
    # The hold counts from the reading, the journal from when it was judged: a tenth of the machine's seconds later at
    # most. How long the bridge takes to be there again is the machine's affair: there is no limit on the other side.
    assert at_us["raised"] - at_us["pending"] >= HOLD_US - LATE_US
    # After the demo the data directory is an ordinary one again.
    assert lab_clock(directory).speed == 1


def until_pending(demo: Demo) -> None:
    store = demo.store()
    assert demo.end_s is not None
    while time.monotonic() < demo.end_s:
        found = store.get_item(ALARMS, {"alarm": {"S": ALARM}})
        if found is not None and plain(found)["state"] == "pending":
            return
        time.sleep(0.02)
    pytest.fail("the freezer's alarm was never pending")

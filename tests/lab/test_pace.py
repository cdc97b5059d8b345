"""The pace of a lab in its data directory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec

from iotlab.clock import US_PER_S, SystemClock
from iotlab.lab.pace import FILE_NAME, Pace, end_pace, lab_clock, set_pace

START_US = 1_763_942_400 * US_PER_S


def test_every_process_on_the_directory_gets_the_same_time(tmp_path: Path) -> None:
    own = set_pace(tmp_path, speed=600, start_us=START_US)
    imports = "from pathlib import Path; from iotlab.lab.pace import lab_clock"
    program = f"{imports}; print(lab_clock(Path({str(tmp_path)!r})).now_us())"
    before_us = own.now_us()
    other_us = int(subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True).stdout)
    assert START_US <= before_us <= other_us <= own.now_us()


def test_without_a_pace_and_after_its_end_the_time_is_the_machines(tmp_path: Path) -> None:
    assert isinstance(lab_clock(tmp_path), SystemClock)
    set_pace(tmp_path, speed=600, start_us=START_US)
    assert lab_clock(tmp_path).speed == 600
    end_pace(tmp_path)
    assert isinstance(lab_clock(tmp_path), SystemClock)


def test_the_pace_of_a_demo_that_was_killed_does_not_hold(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    (tmp_path / FILE_NAME).write_bytes(msgspec.json.encode(Pace(child.pid, 600, START_US, 0.0)))
    assert isinstance(lab_clock(tmp_path), SystemClock)

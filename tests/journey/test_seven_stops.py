"""One message through a whole lab: broker, bridge, table, stream, alarm, notification, window."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from iotlab.clock import SystemClock
from iotlab.domain.schema import STOPS, TRACES
from iotlab.lab.demo import Demo
from iotlab.table.values import plain


@pytest.mark.timeout(120)
def test_a_message_with_an_id_is_seen_at_all_seven_stops_in_order(tmp_path: Path) -> None:
    demo = Demo(tmp_path, seed=7, clock=SystemClock())
    try:
        demo.start()
        demo.open_window(["--offscreen"])
        store = demo.store()
        command = [sys.executable, "-m", "iotlab.cli", "trace", "--data-dir", str(tmp_path)]
        deadline_s = time.monotonic() + 60
        shown = ""
        # The window needs a moment to attach; a message before that never reaches it.
        while "not reached" in shown or not shown:
            assert time.monotonic() < deadline_s, shown
            done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
            shown = done.stdout
        message_id = shown.split()[1]
        page = store.query(TRACES, "id = :id", values={":id": {"S": message_id}})
        at = {row["stop"]: row["at_us"] for row in map(plain, page.items)}
        assert set(STOPS) <= set(at)
        times = [at[stop] for stop in ("receive", "decode", "commit", "evaluate", "deliver")]
        assert times == sorted(times)
        assert at["commit"] <= at["record"] <= at["apply"]
    finally:
        demo.stop()

"""kill -9 of triggers and notifier at named places, and a receiver that fails three times in ten.

`IOTLAB_TEST_NOTIFY_KILLS` sets the number of kills; there are ten transitions for each.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from iotlab.domain.schema import OUTBOX, TABLES
from iotlab.table.engine import Engine
from iotlab.table.store import Store
from tests.notify.receiver import Receiver

ROOT = Path(__file__).parents[2]
KILLS = int(os.environ.get("IOTLAB_TEST_NOTIFY_KILLS", "10"))
TRANSITIONS = 10 * KILLS
POINTS = (
    "notify_after_send",
    "before_commit",
    "notify_after_claim",
    "after_commit_before_answer",
    "notify_before_claim",
    "notify_after_settle",
)


class Loop:
    """The process that runs the loop once for each order."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.notify.loop_child"]
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def run(self, path: Path, url: str, failpoints: str = "") -> int:
        """Let it go on until all is done or it dies; return its exit code."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        order = {"path": str(path), "url": url, "failpoints": failpoints, "transitions": TRANSITIONS}
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def close(self) -> None:
        self._process.communicate(timeout=30)


@pytest.fixture
def loop() -> Iterator[Loop]:
    loop = Loop()
    yield loop
    loop.close()


@pytest.mark.timeout(max(120, 4 * KILLS))
def test_nothing_is_lost_or_doubled_by_key_and_every_repeat_is_marked(loop: Loop, tmp_path: Path) -> None:
    chance = random.Random(4)
    path = tmp_path / "table.db"
    killed = dict.fromkeys(POINTS, 0)
    with Receiver(lambda _: 500 if chance.random() < 0.3 else 200) as receiver:
        for point in itertools.islice(itertools.cycle(POINTS), KILLS):
            # About ten notifications a life: a reading, a transition, a claim and a settlement are a commit each.
            passage = chance.randint(1, 40 if "commit" in point else 12)
            killed[point] += loop.run(path, receiver.web_url, f"{point}=kill@{passage}") == -signal.SIGKILL
        assert loop.run(path, receiver.web_url) == 0
    # A place that is never reached proves nothing.
    assert sum(killed.values()) >= 0.9 * KILLS, killed
    assert all(killed.values()), killed
    _judge(receiver, path, sum(killed.values()))


def _judge(receiver: Receiver, path: Path, kills: int) -> None:
    expected = {f"hot/d{number}:{version}" for number in range(TRANSITIONS // 2) for version in (1, 2)}
    taken = receiver.keys()
    assert set(taken) == expected
    assert receiver.requests > len(receiver.got), "the receiver never failed"
    seen: set[str] = set()
    repeats = []
    for got in receiver.got:
        if got.key in seen:
            repeats.append(got)
        seen.add(got.key)
    assert len(repeats) <= kills
    assert all(got.is_marked for got in repeats)
    engine = Engine.open(path)
    engine.ensure_tables(TABLES)
    rows = list(Store(engine).scan_all(OUTBOX))
    engine.close()
    assert len(rows) == TRANSITIONS
    assert {row["status"]["S"] for row in rows} == {"sent"}
    assert {got.key for got in repeats} <= {
        row["key"]["S"].rpartition("@")[0] for row in rows if row["possible_repeat"]["BOOL"]
    }

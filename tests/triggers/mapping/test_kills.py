"""The process is killed with SIGKILL between the effect and its checkpoint, at every place that has a name.

Counted: every record is handled or among the dead letters, and no stored position is ever ahead of that. With the
position stored before the invocation instead, the test finds records that are passed over.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from iotlab import failpoints
from iotlab.clock import SystemClock
from iotlab.domain.schema import TABLES
from iotlab.table.engine import Engine
from iotlab.table.lineage import list_lineage
from iotlab.table.store import Store
from iotlab.table.values import item
from iotlab.triggers.mapping.dead_letters import list_dead_letters
from iotlab.triggers.mapping.positions import Positions
from iotlab.triggers.mapping.record import lane_of
from tests.triggers.mapping.killed import THINGS, is_poison

ROOT = Path(__file__).parents[3]
KILLS = int(os.environ.get("IOTLAB_TEST_MAPPING_KILLS", "12"))
RECORDS = 60
PLACES = ("mapping_invoked", "mapping_before_save", "mapping_gave_up")


def run(directory: Path, failpoint: str) -> int:
    """Run the process and return how it ended."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), failpoints.VARIABLE: failpoint}
    command = [sys.executable, "-m", "tests.triggers.mapping.killed", str(directory)]
    return subprocess.run(command, env=environment, cwd=ROOT, timeout=60, check=False).returncode


def fill(directory: Path) -> None:
    engine = Engine.open(directory / "table.db", clock=SystemClock())
    engine.ensure_tables([*TABLES, THINGS])
    store = Store(engine)
    for number in range(RECORDS):
        store.put_item("things", item({"k": str(number), "v": "x"}))
    engine.close()


def check(directory: Path) -> int:
    """Compare positions with effects; return how many records are not done."""
    engine = Engine.open(directory / "table.db", clock=SystemClock())
    store = Store(engine)
    effects = directory / "effects"
    done = set(effects.read_text(encoding="ascii").split()) if effects.exists() else set()
    done |= {letter.sequence_number for letter in list_dead_letters(store, "m")}
    arn = store.stream_arn("things")
    assert arn is not None
    positions = Positions(store, "m", SystemClock()).load()
    missing = 0
    for shard in list_lineage(store, arn).starts:
        lanes = positions[shard].lanes if shard in positions else ("", "")
        for record in store.get_records(store.shard_iterator(arn, shard, "TRIM_HORIZON")).records:
            handled = lanes[lane_of(record, len(lanes))]
            if record.sequence_number not in done:
                missing += 1
                assert not handled or int(handled) < int(record.sequence_number), (
                    "the position is ahead of its effects"
                )
    engine.close()
    return missing


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_kill_anywhere_leaves_no_record_behind_the_position_unhandled(tmp_path: Path) -> None:
    chance = random.Random(20_251_124)
    fill(tmp_path)
    kills = 0
    while kills < KILLS and check(tmp_path):
        place = PLACES[kills % len(PLACES)]
        kills += run(tmp_path, f"{place}=kill@{chance.randint(1, 2)}") == -signal.SIGKILL
    assert kills >= min(KILLS, 6)
    assert run(tmp_path, "") == 0
    assert check(tmp_path) == 0
    engine = Engine.open(tmp_path / "table.db", clock=SystemClock())
    letters = list(list_dead_letters(Store(engine), "m"))
    engine.close()
    assert len(letters) == sum(is_poison(str(number)) for number in range(RECORDS))

"""A small process that runs one mapping until nothing is left; a failpoint may kill it at any place before.

Run as ``python -m tests.triggers.mapping.killed DIRECTORY``. The function writes down each record that it gets, and
fails on one of seven: its effects are in the file ``effects``, one sequence number a line.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from iotlab.clock import SystemClock
from iotlab.domain.schema import TABLES, LabTable
from iotlab.table.engine import Engine
from iotlab.table.store import Store
from iotlab.triggers.mapping.mapping import EventSourceMapping
from iotlab.triggers.mapping.settings import MappingSettings
from tests.triggers.mapping.functions import Event, Function

THINGS = LabTable("things", ("k", "S"), stream="NEW_AND_OLD_IMAGES", shards=2)
SETTINGS = MappingSettings(
    name="m",
    table="things",
    handler="function",
    starting_position="TRIM_HORIZON",
    batch_size=5,
    parallelization_factor=2,
    maximum_retry_attempts=1,
    function_response_types=("ReportBatchItemFailures",),
)


def is_poison(key: str) -> bool:
    """Return whether the function fails on the item."""
    return int(key) % 7 == 3


class Effects:
    """What the function does: it writes down what it handled, durably, before it returns."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="ascii")

    def handle(self, event: Event) -> object:
        """Handle a batch up to its first poison."""
        for record in event["Records"]:
            change = record["dynamodb"]
            if is_poison(change["Keys"]["k"]["S"]):
                return {"batchItemFailures": [{"itemIdentifier": change["SequenceNumber"]}]}
            self._file.write(f"{change['SequenceNumber']}\n")
            self._file.flush()
            os.fsync(self._file.fileno())
        return None


def main(directory: Path) -> None:
    """Run the mapping until all records of the stream are handled or given up."""
    engine = Engine.open(directory / "table.db", clock=SystemClock())
    engine.ensure_tables([*TABLES, THINGS])
    function = Function(Effects(directory / "effects").handle)
    mapping = EventSourceMapping(Store(engine), SETTINGS, function, clock=SystemClock())
    while True:
        mapping.run_until_idle()
        if not mapping.stats().lag_records:
            break
    mapping.stop()
    engine.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))

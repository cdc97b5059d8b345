"""A process that opens a data file, writes, then reads and writes at random and tells its memory.

``python -m benchmarks.use_table FILE ITEMS CALLS`` prints ``open``, then ``written`` once its first write is durable,
then its resident memory now and at its highest, in MB.
"""

from __future__ import annotations

import random
import resource
import sys
from pathlib import Path

from benchmarks import items
from iotlab.table.engine import Engine


def main(path: Path, count: int, calls: int) -> None:
    """Open, write, use, tell."""
    engine = Engine.open(path)
    print("open", flush=True)
    _put(engine, 0)
    print("written", flush=True)
    for _ in range(calls // 2):
        _put(engine, random.randrange(count))
        request = {"TableName": items.TABLE, "Key": items.key(random.randrange(count))}
        assert "Item" in engine.call("GetItem", request)
    print(_memory_mb("VmRSS"), _memory_mb("VmHWM"), flush=True)
    engine.close()


def _put(engine: Engine, number: int) -> None:
    engine.call("PutItem", {"TableName": items.TABLE, "Item": items.item(number, random.randrange(1_000_000))})


def _memory_mb(name: str) -> float:
    status = Path("/proc/self/status")
    if status.exists():
        found = next(line for line in status.read_text().splitlines() if line.startswith(f"{name}:"))
        return int(found.split()[1]) * 1024 / 1e6
    # macOS tells only the highest, in bytes.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))

"""One poison record on one shard, on threads and in real time: the other shards' lag stays below a second."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from iotlab.clock import SystemClock
from iotlab.table.store import Store
from iotlab.table.values import item
from iotlab.triggers.mapping.dead_letters import DeadLetter
from iotlab.triggers.mapping.mapping import EventSourceMapping
from iotlab.triggers.mapping.settings import MappingSettings
from tests.triggers.mapping.functions import Bench, Event, Function, values

RECORDS = 400
LONGEST_LAG_S = 1.0


def keys_of(store: Store, letter: DeadLetter) -> set[str]:
    """Return the keys of the items of the shard that a dead letter came from."""
    arn = store.stream_arn("things")
    assert arn is not None
    page = store.get_records(store.shard_iterator(arn, letter.shard, "TRIM_HORIZON"))
    return {record.keys["k"]["S"] for record in page.records}


def test_while_poison_is_retried_the_other_shards_lag_is_below_a_second(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "table.db", shards=4, is_real_time=True)
    lags, lock = dict[str, float](), threading.Lock()

    def body(event: Event) -> None:
        if "poison" in values(event):
            raise ValueError("poison")
        with lock:
            for record in event["Records"]:
                image = record["dynamodb"]["NewImage"]
                lags[image["k"]["S"]] = time.monotonic() - float(image["sent"]["N"])

    settings = MappingSettings(name="m", table="things", handler="f", batch_size=20, maximum_retry_attempts=5)
    mapping = EventSourceMapping(bench.store, settings, Function(body), clock=SystemClock())
    mapping.start()
    try:
        bench.put("poison")
        for number in range(RECORDS):
            bench.store.put_item("things", item({"k": str(number), "v": "x", "sent": time.monotonic()}))
            mapping.wake()
        until_s = time.monotonic() + 20
        while time.monotonic() < until_s and (len(lags) < RECORDS or not bench.letters()):
            time.sleep(0.02)
    finally:
        mapping.stop()
    (letter,) = bench.letters()
    behind = keys_of(bench.store, letter)
    bench.close()
    others = sorted(lag for key, lag in lags.items() if key not in behind)
    assert (len(lags), letter.error_type, 0 < len(others) < RECORDS) == (RECORDS, "ValueError", True)
    assert others[len(others) * 99 // 100] < LONGEST_LAG_S

"""Triggers and notifier in a process that is killed meanwhile, over and over, on the same data file.

It forks a process for each order on its standard input, so that a kill does not cost the start of an interpreter.
"""

from __future__ import annotations

import json
import os
import random
import sys
import threading
import time
from pathlib import Path

from iotlab import failpoints
from iotlab.clock import SystemClock
from iotlab.domain.schema import DEVICES, JOURNAL, OUTBOX, TABLES
from iotlab.notify.channels import ChannelConfig, open_channels
from iotlab.notify.notifier import Notifier
from iotlab.table.engine import Engine
from iotlab.table.store import Store
from iotlab.table.values import item
from iotlab.triggers.evaluator import Evaluator
from iotlab.triggers.rules import parse_rules

RULES = parse_rules('[[rule]]\nid = "hot"\nchannel = "temperature"\nabove = 30', "rules.toml")
LONGEST_S = 60.0


class Hasty(random.Random):
    """Makes the pauses between attempts a fiftieth, so that a test does not last as long as an outage."""

    def uniform(self, a: float, b: float) -> float:
        return super().uniform(a, b) / 50


def run(path: Path, url: str, transitions: int) -> None:
    """Go on until every transition has happened and every notification is settled."""
    clock = SystemClock()
    engine = Engine.open(path, clock=clock)
    engine.ensure_tables(TABLES)
    store = Store(engine)
    config = ChannelConfig("hook", "webhook", url)
    notifier = Notifier(store, open_channels([config], store), clock=clock, chance=Hasty())
    evaluator = Evaluator(store, RULES, clock=clock, routes=[config.route], after_commit=notifier.wake)
    notifier.start()
    evaluator.start()
    threading.Thread(target=report, args=(store, transitions, clock), daemon=True).start()
    until_s = time.monotonic() + LONGEST_S
    while not is_done(store, transitions):
        if time.monotonic() > until_s:
            sys.exit("it takes too long")
        time.sleep(0.02)
    notifier.stop()
    evaluator.stop()
    engine.close()


def report(store: Store, transitions: int, clock: SystemClock) -> None:
    """Let each device be hot once and then cold: two transitions each. What is stored already is not repeated."""
    for number in range(transitions // 2):
        device = f"d{number}"
        found = store.get_item(DEVICES, {"device": {"S": device}})
        stored = int(found["stored"]["N"]) if found else 0
        for step in range(stored, 2):
            now_us = clock.now_us()
            entry = {"value": 20 if step else 31, "at_us": now_us}
            times = {"received_us": now_us, "measured_us": now_us, "stored": step + 1}
            store.put_item(DEVICES, item({"device": device, "channels": {"temperature": entry}} | times))


def is_done(store: Store, transitions: int) -> bool:
    rows = list(store.scan_all(OUTBOX))
    settled = [row for row in rows if row["status"]["S"] == "sent"]
    return len(settled) == len(rows) == transitions == len(list(store.scan_all(JOURNAL)))


def serve() -> None:
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            failpoints.arm(order["failpoints"])
            run(Path(order["path"]), order["url"], order["transitions"])
            os._exit(0)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve()

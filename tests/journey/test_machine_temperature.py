"""Episodes of a machine's temperature are found exactly, whatever network and clock do to the readings.

`IOTLAB_TEST_SERIES` sets the number of seeds.
"""

from __future__ import annotations

import os
from collections import Counter
from itertools import groupby
from pathlib import Path

import pytest

from iotlab.bridge.arrival import Arrival
from iotlab.bridge.conventions import Resolver, conventions
from iotlab.bridge.stores.embedded import EmbeddedStore
from iotlab.clock import ManualClock
from iotlab.domain.schema import JOURNAL, READINGS
from iotlab.mqtt.message import Message
from iotlab.table.values import plain
from iotlab.triggers.evaluator import Evaluator
from iotlab.triggers.rules import parse_rules
from tests.journey.machine_temperature import READINGS as COUNT
from tests.journey.machine_temperature import RULES, START_US, Series
from tests.triggers.little_lab import LittleLab, little_lab
from tests.triggers.rule_cases import live_until

TOPIC = "lab/machine-1/telemetry"
NOTICED = ("raised", "escalated", "deescalated", "cleared")
SEEDS = range(1, 1 + int(os.environ.get("IOTLAB_TEST_SERIES", "4")))


def run(lab: LittleLab, series: Series, rules: str = RULES) -> Counter[str]:
    """Let a series through decoding, commit, stream and evaluation; return what became of its messages."""
    bridge, resolver = EmbeddedStore(lab.engine), Resolver(conventions(), lab.clock)
    evaluator = Evaluator(lab.store, parse_rules(rules, "rules.toml"), clock=lab.clock)
    evaluator.step()
    redelivered: set[str] = set()
    fates: Counter[str] = Counter()
    for arrives_us, group in groupby(series.deliveries, key=lambda one: one.arrives_us):
        live_until(evaluator, lab.hands, arrives_us)
        messages = [Message(TOPIC, one.payload, qos=1, mid=1, received_at_us=arrives_us) for one in group]
        arrivals = [Arrival(message, decoded=resolver.decode(message)) for message in messages]
        bridge.batch(arrivals, redelivered).commit()
        fates.update(arrival.fate for arrival in arrivals)
        while evaluator.step():
            pass
    return fates


def noticed(lab: LittleLab) -> list[tuple[int, str, str, str]]:
    rows = [plain(row) for row in lab.store.scan_all(JOURNAL)]
    return sorted(
        (
            int(row["at_us"]),
            row["alarm"].partition("/")[0],
            row["what"],
            "" if row["what"] == "cleared" else row["severity"],
        )
        for row in rows
        if row["what"] in NOTICED
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_the_episodes_are_exactly_those_that_were_made(tmp_path: Path, seed: int) -> None:
    series = Series(seed)
    with little_lab(tmp_path / "table.db", ManualClock(START_US)) as lab:
        fates = run(lab, series)
        found = noticed(lab)
        stored = sum(1 for _ in lab.store.scan_all(READINGS))
    assert found == series.expected
    assert stored == fates["stored"] == COUNT
    assert fates["repeat"] == len(series.deliveries) - COUNT > 80


def test_a_series_is_as_hard_as_it_says() -> None:
    series = Series(1)
    order = [one.number for one in series.deliveries]
    assert order != sorted(order)
    assert len(series.expected) == 3 * 4 + 3 * 2 + 2 + 2 * 2
    assert [off_s for _, off_s in series.clock_was_set] == [-3600, 0, 3600, 0]
    assert max(Counter(one.arrives_us for one in series.deliveries).values()) >= 12


def test_a_rule_that_waits_five_minutes_longer_is_seen_to_raise_later(tmp_path: Path) -> None:
    series = Series(1)
    with little_lab(tmp_path / "table.db", ManualClock(START_US)) as lab:
        run(lab, series, RULES.replace("hold_s = 900", "hold_s = 1200"))
        found = noticed(lab)
    wrong = {what[1:3] for what in {*found} ^ {*series.expected}}
    # The severity rises no earlier than the alarm is raised.
    assert wrong == {("overheat", "raised"), ("overheat", "escalated")}

"""Alarm rules: what 10,000 of them cost beside 100, and how fast a rule is tried on a day's history.

The cost is CPU time for each message, with the same messages of the same 1,000 devices. Each message carries one
channel that ten rules watch. On the one side 100 rules, by type of device: ten for each of ten types. On the other
10,000 rules, by device: ten for each device. So both judge ten rules for a message; what is compared is how they are
found.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from benchmarks.references import CACHE
from benchmarks.report import Report
from iotlab.clock import US_PER_S
from iotlab.domain.schema import DEVICES, READINGS, TABLES, reading_sort_key
from iotlab.table.engine import Engine
from iotlab.table.store import Put, Store, StreamRecord
from iotlab.table.values import Item, item
from iotlab.triggers.preview import Rehearsal, preview
from iotlab.triggers.rules import parse_rules
from iotlab.triggers.ruleset import Rule, RuleSet

COST_LIMIT = 1.3
PREVIEW_LIMIT_S = 10.0
_TYPES = 10
_RULES_A_DEVICE = 10
_START_US = 1_763_958_000 * US_PER_S
_DAY_US = 86_400 * US_PER_S


class Size(msgspec.Struct, frozen=True):
    """How much is measured.

    Attributes:
        devices: Devices, of ten types.
        messages: Messages in each round.
        rounds: Rounds of both sides in turn.
        history: Messages of the day that a rule is tried on; of 100 devices.
    """

    devices: int = 1000
    messages: int = 20_000
    rounds: int = 7
    history: int = 1_000_000


def measure(report: Report, size: Size) -> None:
    """Measure both and put figures and promises into the report."""
    _cost(report, size)
    _preview(report, size)


def _cost(report: Report, size: Size) -> None:
    few = RuleSet(_rule(f"t{kind}-{n}", n, device_type=f"t{kind}") for kind in range(_TYPES) for n in range(10))
    many = RuleSet(
        _rule(f"d{device}-{n}", n, device=f"d{device}") for device in range(size.devices) for n in range(10)
    )
    messages = list(_messages(size))
    # Each round begins with rules that have met every device: what a device is first met with is shown apart.
    sides = [(rules, Rehearsal(rules)) for rules in (few, many)]
    first = [_cpu_us(rehearsal, messages) for _, rehearsal in sides]
    rounds = [[_cpu_us(rehearsal, messages) for _, rehearsal in sides] for _ in range(size.rounds)]
    report.figure(f"a message, {len(few)} rules", "µs", [one for one, _ in rounds])
    report.figure(f"a message, {len(many)} rules", "µs", [other for _, other in rounds])
    report.figure("the first messages, finding rules among them", "µs", [first[1]])
    ratios = [other / one for one, other in rounds]
    report.promise(f"{len(many)} rules: ratio of CPU to {len(few)}", "", ratios, "at most", COST_LIMIT)


def _rule(rule_id: str, number: int, *, device: str | None = None, device_type: str | None = None) -> Rule:
    limit = 90.0 + number
    return Rule(
        id=rule_id, name=rule_id, channel="v", device=device, device_type=device_type, above=limit, clear=limit - 5
    )


def _messages(size: Size) -> Iterator[StreamRecord]:
    draw = random.Random(7)
    before: dict[str, bytes] = {}
    for number in range(size.messages):
        device = f"d{number % size.devices}"
        at_us = _START_US + number * 1000
        image = msgspec.json.encode(_image(device, at_us, draw.uniform(0, 85)))
        yield StreamRecord(
            sequence_number=str(number),
            event_name="MODIFY",
            keys={"device": {"S": device}},
            new_image=image,
            old_image=before.get(device),
        )
        before[device] = image


def _image(device: str, at_us: int, value: float) -> Item:
    kind = int(device[1:]) % _TYPES
    channels = {"v": {"value": round(value, 3), "at_us": at_us, "unit": "W"}}
    channels |= {f"other-{n}": {"value": n, "at_us": at_us - 60 * US_PER_S, "unit": "Cel"} for n in range(4)}
    known = {"device": device, "type": f"t{kind}", "room": "hall", "name": device, "convention": "native"}
    return item(known | {"received_us": at_us, "measured_us": at_us, "stored": 1, "channels": channels})


def _cpu_us(rehearsal: Rehearsal, messages: list[StreamRecord]) -> float:
    # Records are decoded when they are first asked for: each round is given its own.
    fresh = [
        StreamRecord(
            sequence_number=one.sequence_number,
            event_name="MODIFY",
            keys=one.keys,
            new_image=msgspec.json.encode(one.new_image),
            old_image=msgspec.json.encode(one.old_image) if one.old_image is not None else None,
        )
        for one in messages
    ]
    began_s = time.process_time()
    for record in fresh:
        if record.new_image is not None:
            rehearsal.see(record.keys["device"]["S"], record.new_image, record)
    return (time.process_time() - began_s) / len(fresh) * 1e6


RULES = {
    "above, with a hold": 'channel = "v"\nabove = 30\nclear = 25\nhold_s = 60',
    "rises within ten minutes": 'channel = "v"\nrises_by = 10\nwithin_s = 600',
    "moves within ten minutes": 'channel = "v"\nmoves_by = 30\nwithin_s = 600',
    "unchanged for ten minutes": 'channel = "v"\nstuck_s = 600',
    "above and rises": 'all = [{ channel = "v", above = 30 }, { channel = "v", rises_by = 3, within_s = 600 }]',
}


def _preview(report: Report, size: Size) -> None:
    CACHE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        engine = Engine.open(Path(folder) / "table.db")
        try:
            engine.ensure_tables(TABLES)
            store = Store(engine)
            fill_day(store, devices=100, messages=size.history)
            for name, text in RULES.items():
                rule = parse_rules(f'[[rule]]\nid = "r"\n{text}', "bench").rules["r"]
                took_s = [_preview_s(store, rule) for _ in range(3)]
                about = f"{name}: tried on 24 h of {size.history} messages"
                report.promise(about, "s", took_s, "at most", PREVIEW_LIMIT_S * size.history / 1_000_000)
        finally:
            engine.close()


def _preview_s(store: Store, rule: Rule) -> float:
    began_s = time.perf_counter()
    preview(store, rule, _START_US, _START_US + _DAY_US)
    return time.perf_counter() - began_s


def fill_day(store: Store, *, devices: int, messages: int) -> None:
    """Store a day of messages of some devices, with a burst of high values now and then."""
    draw = random.Random(7)
    each = messages // devices
    for number in range(devices):
        device = f"d{number}"
        store.put_item(DEVICES, _image(device, _START_US + _DAY_US, 20))
        rows = []
        for n in range(each):
            at_us = _START_US + n * _DAY_US // each
            high = 25 if n % 997 < 9 else 0
            values = {"v": round(10 + draw.random() * 5 + high, 3), "w": n}
            row = {"device": device, "at": reading_sort_key(at_us, f"b.{n}"), "received_us": at_us + 3000}
            more = {"decoded_us": at_us + 3100, "measured_us": at_us, "boot_id": "b", "seq": n, "topic": device}
            rows.append(Put(READINGS, item(row | more | {"values": values})))
        store.batch_write(rows)

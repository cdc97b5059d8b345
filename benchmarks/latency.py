"""From a device's publish to the notification in a receiver's hands, beside publish to a bare paho callback.

A lab as it is run takes 1,000 messages a second at QoS 1; about 20 of them each raise or clear an alarm, of which a
webhook tells a receiver in another process at once. The bare side is the same publisher, pace and broker, and a paho
subscriber behind it. Both take turns within each round, so that the one does not slow the other. The same subscriber
also hears the messages of the lab's turn: that is the bare side beside a lab at work.
"""

from __future__ import annotations

import contextlib
import itertools
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from benchmarks.lab import Lab, lab, wait_until
from benchmarks.paced_publisher import Sent, Slice
from benchmarks.references import CACHE
from benchmarks.report import Report
from benchmarks.talking import Child, child
from benchmarks.timed_receiver import Told
from benchmarks.timed_subscriber import Heard
from iotlab.domain.schema import TRACES
from iotlab.table.engine import Engine
from iotlab.table.store import Store
from iotlab.table.values import plain

LIMIT_MS = 50.0
RATIO_LIMIT = 5.0
_RULE = '[[rule]]\nid = "high"\nname = "Too high"\nchannel = "v"\nabove = 1000\nclear = 500\n'
_URL_VARIABLE = "BENCH_RECEIVER"
_CHANNEL = f'[{{name="receiver", kind="webhook", url="env:{_URL_VARIABLE}"}}]'
_HOPS = ("receive", "decode", "commit", "record", "evaluate", "told")


class Size(msgspec.Struct, frozen=True):
    """How much is measured.

    Attributes:
        rounds: Rounds of both sides in turn.
        slice_s: How long each side takes of a round.
        rate, probes: Messages a second, and those of them that raise or clear an alarm.
    """

    rounds: int = 9
    slice_s: float = 6.0
    rate: int = 1000
    probes: int = 20


class Round(msgspec.Struct):
    """The latencies of one round, in ms, and when each probe was told, by the wall clock in µs.

    Attributes:
        told_ms: To the receiver, of each probe.
        bare_ms, beside_ms: To the bare callback, of each message: with nothing beside it, and beside the lab.
        told_us: A probe's value → when the receiver had it.
    """

    told_ms: list[float]
    bare_ms: list[float]
    beside_ms: list[float]
    told_us: dict[int, int]


def measure(report: Report, size: Size) -> None:
    """Measure both sides and put figures and promises into the report."""
    CACHE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as name:
        folder = Path(name)
        with _parts(folder) as (publisher, bare, receiver):
            # What meets a lab first, such as a device's first message, is not measured.
            _round(size, publisher, bare, receiver)
            rounds = [_round(size, publisher, bare, receiver) for _ in range(size.rounds)]
        _report(report, rounds)
        _report_hops(report, folder, rounds)


@contextlib.contextmanager
def _parts(folder: Path) -> Iterator[tuple[Child, Child, Child]]:
    (folder / "rules.toml").write_text(_RULE)
    with child("timed_receiver") as receiver:
        environment = {
            "IOTLAB_NOTIFY_CHANNEL": _CHANNEL,
            "IOTLAB_BRIDGE_SUBSCRIPTIONS": '["lab/#"]',
            _URL_VARIABLE: f"http://127.0.0.1:{receiver.greeting}/",
        }
        with lab(folder, environment) as running, _clients(running) as (publisher, bare):
            yield publisher, bare, receiver


@contextlib.contextmanager
def _clients(running: Lab) -> Iterator[tuple[Child, Child]]:
    filters = ("bare/+/telemetry", "lab/+/telemetry")
    with (
        child("paced_publisher", running.port) as publisher,
        child("timed_subscriber", running.port, *filters) as bare,
    ):
        yield publisher, bare


def _round(size: Size, publisher: Child, bare: Child, receiver: Child) -> Round:
    published = _publish(publisher, size, "lab")
    probes = {one.value: one.at_ns for one in published if one.value}
    told: dict[int, Told] = {}

    def all_are_told() -> bool:
        told.update({one.value: one for one in msgspec.convert(receiver.ask(), list[Told])})
        return len(told) >= len(probes)

    wait_until(all_are_told)
    beside_ms = heard_ms(bare, published)
    return Round(
        told_ms=[(told[value].at_ns - at_ns) / 1e6 for value, at_ns in probes.items()],
        bare_ms=heard_ms(bare, _publish(publisher, size, "bare")),
        beside_ms=beside_ms,
        told_us={value: told[value].at_us for value in probes},
    )


def heard_ms(bare: Child, sent: Sequence[Sent]) -> list[float]:
    """Return how long each message took to the bare subscriber, once it has heard all."""
    heard: dict[tuple[str, int], int] = {}

    def all_are_heard() -> bool:
        heard.update({(one.topic, one.seq): one.at_ns for one in msgspec.convert(bare.ask(), list[Heard])})
        return len(heard) >= len(sent)

    wait_until(all_are_heard)
    return [(heard[one.topic, one.seq] - one.at_ns) / 1e6 for one in sent]


def _publish(publisher: Child, size: Size, root: str) -> list[Sent]:
    wanted = Slice(root, size.slice_s, rate=size.rate, probes=size.probes)
    sent = msgspec.convert(publisher.ask(msgspec.to_builtins(wanted)), list[Sent])
    time.sleep(0.2)
    return sent


def percentile(samples: Sequence[float], part: float) -> float:
    """Return the value that this part of the samples is below."""
    ordered = sorted(samples)
    return ordered[min(round(part * len(ordered)), len(ordered) - 1)]


def _report(report: Report, rounds: Sequence[Round]) -> None:
    for part in (0.5, 0.99):
        name = f"publish to a bare callback, p{part * 100:.0f}"
        report.figure(name, "ms", [percentile(one.bare_ms, part) for one in rounds])
        report.figure(f"{name}, beside the lab", "ms", [percentile(one.beside_ms, part) for one in rounds])
    report.figure("publish to a notification, p50", "ms", [percentile(one.told_ms, 0.5) for one in rounds])
    every = [sample for one in rounds for sample in one.told_ms]
    report.figure(f"publish to a notification, p99 of all {len(every)}", "ms", [percentile(every, 0.99)])
    p99s = [percentile(one.told_ms, 0.99) for one in rounds]
    report.promise("publish to a notification, p99", "ms", p99s, "at most", LIMIT_MS)
    ratios = [percentile(one.told_ms, 0.99) / percentile(one.beside_ms, 0.99) for one in rounds]
    report.figure("its ratio to the bare one beside the lab", "", ratios)
    ratios = [percentile(one.told_ms, 0.99) / percentile(one.bare_ms, 0.99) for one in rounds]
    report.promise("its ratio to the bare one", "", ratios, "at most", RATIO_LIMIT)


def _report_hops(report: Report, folder: Path, rounds: Sequence[Round]) -> None:
    """Report how long the probes took from stop to stop, as the lab's own trace has them."""
    engine = Engine.open(folder / "table.db")
    try:
        at: dict[str, dict[str, int]] = {}
        for row in map(plain, Store(engine).scan_all(TRACES)):
            at.setdefault(row["id"], {})[row["stop"]] = row["at_us"]
    finally:
        engine.close()
    for before, after in itertools.pairwise(_HOPS):
        hops = [
            [(stops[after] - stops[before]) / 1000 for stops in _stops(one, at) if {before, after} <= stops.keys()]
            for one in rounds
        ]
        for part in (0.5, 0.99):
            name = f"{before} to {after}, p{part * 100:.0f}"
            report.figure(name, "ms", [percentile(hop, part) for hop in hops if hop] or [0.0])


def _stops(one: Round, at: dict[str, dict[str, int]]) -> list[dict[str, int]]:
    return [at.get(f"probe {value}", {}) | {"told": told_us} for value, told_us in one.told_us.items()]

"""Ingest while handlers attack, beside ingest while they rest: the time from publish to the device's acknowledgement.

A lab as it is run takes messages at QoS 1. In every other turn a table's stream feeds a handler that does, one after
the other, what no handler should: loops, forks, prints, writes and allocates without end. The acknowledgement is the
bridge's own, ``lab/<device>/ack``, which it publishes once a message is durable.
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
from benchmarks.latency import percentile
from benchmarks.paced_publisher import Sent, Slice
from benchmarks.references import CACHE
from benchmarks.report import Report
from benchmarks.talking import Child, child
from benchmarks.timed_subscriber import Heard
from iotlab.lab.runtime import read_runtime
from iotlab.table import credentials
from iotlab.table.engine import Engine
from iotlab.table.remote import connect
from iotlab.table.store import Store
from iotlab.triggers.host.containment import containment
from tests.triggers.host.attacks import ATTACKS, TIMEOUT_S, Attack

RATIO_LIMIT = 2.0
_TABLE = "attacks"
_EVERY_S = 0.1
_DECLARED = f"""
[[handler]]
name = "attacker"
code = "attacker.py"
timeout_s = {TIMEOUT_S}

[[mapping]]
name = "attack"
table = "{_TABLE}"
handler = "attacker"
batch_size = 1
maximum_retry_attempts = 0
starting_position = "TRIM_HORIZON"
"""
_HANDLER = """
SOURCES = {sources!r}
def handler(event, context):
    parts = {{}}
    exec(SOURCES[event["Records"][0]["dynamodb"]["Keys"]["attack"]["S"]], parts)
    return parts["handler"](event, context)
"""


class Size(msgspec.Struct, frozen=True):
    """How much is measured.

    Attributes:
        rounds: Rounds of both sides in turn.
        slice_s: How long each side takes of a round.
        rate: Messages a second.
    """

    rounds: int = 9
    slice_s: float = 6.0
    rate: int = 1000


def measure(report: Report, size: Size) -> None:
    """Measure both sides and put figures and promises into the report."""
    CACHE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as name, _parts(Path(name)) as (running, publisher, devices):
        attackers = Attackers(running)
        for turn in (False, True):
            # What meets a lab first, such as a device's first message, is not measured.
            _turn(size, publisher, devices, attackers if turn else None)
        rounds = [[_turn(size, publisher, devices, side) for side in (None, attackers)] for _ in range(size.rounds)]
        attacked = attackers.done()
    for part in (0.5, 0.99):
        for number, side in enumerate(("at rest", f"under {attacked} attacks")):
            name = f"publish to acknowledgement, p{part * 100:.0f}, {side}"
            report.figure(name, "ms", [percentile(one[number], part) for one in rounds])
    ratios = [percentile(under, 0.99) / percentile(rest, 0.99) for rest, under in rounds]
    report.promise("its p99: ratio under attack to at rest", "", ratios, "at most", RATIO_LIMIT)


class Attackers:
    """Puts attacks into the table whose stream feeds the handler.

    Args:
        running: The lab.
    """

    def __init__(self, running: Lab) -> None:
        self._lab = running
        runtime = read_runtime(running.folder)
        assert runtime is not None
        self._store: Store = connect(runtime.endpoint_url, credentials.load(running.folder))
        self._rotation: Iterator[Attack] = itertools.cycle(harmless_here())
        self._asked = 0

    def keep_busy(self) -> None:
        """Have the next attack wait behind the one in work."""
        if self._asked <= self.done() + 1:
            self._store.put_item(_TABLE, {"attack": {"S": next(self._rotation).name}, "n": {"N": str(self._asked)}})
            self._asked += 1

    def done(self) -> int:
        """Return how many attacks are over."""
        [mapping] = self._lab.health()["mappings"]
        counted: int = mapping["counters"]["handled"] + mapping["counters"]["dead_letters"]
        return counted

    def rest(self) -> None:
        """Wait until all that was asked for is over."""
        wait_until(lambda: self.done() >= self._asked)


def harmless_here() -> list[Attack]:
    """Return the attacks that reach nobody else on this machine."""
    return [attack for attack in ATTACKS if not attack.is_harmful or containment().has_namespaces]


@contextlib.contextmanager
def _parts(folder: Path) -> Iterator[tuple[Lab, Child, Child]]:
    (folder / "triggers.toml").write_text(_DECLARED)
    sources = {attack.name: attack.source for attack in harmless_here()}
    (folder / "attacker.py").write_text(_HANDLER.format(sources=sources))
    _create_table(folder)
    with (
        lab(folder, {}) as running,
        child("paced_publisher", running.port) as publisher,
        child("timed_subscriber", running.port, "lab/+/ack") as devices,
    ):
        yield running, publisher, devices


def _create_table(folder: Path) -> None:
    engine = Engine.open(folder / "table.db")
    try:
        engine.call(
            "CreateTable",
            {
                "TableName": _TABLE,
                "BillingMode": "PAY_PER_REQUEST",
                "KeySchema": [{"AttributeName": "attack", "KeyType": "HASH"}],
                "AttributeDefinitions": [{"AttributeName": "attack", "AttributeType": "S"}],
                "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
            },
        )
    finally:
        engine.close()


def _turn(size: Size, publisher: Child, devices: Child, attackers: Attackers | None) -> list[float]:
    wanted = Slice("lab", size.slice_s, rate=size.rate, probes=0)
    publisher.tell(msgspec.to_builtins(wanted))
    end_s = time.monotonic() + size.slice_s
    while time.monotonic() < end_s:
        if attackers is not None:
            attackers.keep_busy()
        time.sleep(_EVERY_S)
    sent = msgspec.convert(publisher.hear(), list[Sent])
    if attackers is not None:
        attackers.rest()
    return acknowledged_ms(devices, sent)


def acknowledged_ms(devices: Child, sent: Sequence[Sent]) -> list[float]:
    """Return how long each message took until an acknowledgement of it or of a later one came.

    Args:
        devices: The subscriber of all acknowledgements.
        sent: The messages, with the numbers of each device in order.
    """
    waiting: dict[str, list[Sent]] = {}
    for one in sent:
        waiting.setdefault(one.topic.replace("/telemetry", "/ack"), []).append(one)
    took_ms: list[float] = []

    def all_are_acknowledged() -> bool:
        for ack in msgspec.convert(devices.ask(), list[Heard]):
            left = waiting.get(ack.topic, [])
            while left and left[0].seq <= ack.seq:
                took_ms.append((ack.at_ns - left.pop(0).at_ns) / 1e6)
        return not any(waiting.values())

    wait_until(all_are_acknowledged)
    return took_ms

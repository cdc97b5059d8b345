"""A scenario played in one process under a manual clock, through the real parts from decoding to a local receiver.

The messages of each two minutes of the lab arrive together at their end. Only broker and network are left out.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from iotlab.bridge.arrival import Arrival
from iotlab.bridge.conventions import Resolver, conventions
from iotlab.bridge.stores.embedded import EmbeddedStore
from iotlab.clock import US_PER_S, ManualClock
from iotlab.domain.schema import TABLES
from iotlab.emulator import ledger
from iotlab.emulator.cast import Script, cast
from iotlab.emulator.chance import seeded_boot_id
from iotlab.emulator.speaker import Publication
from iotlab.emulator.truth import Truth
from iotlab.emulator.types import default_devices_dir
from iotlab.lab.report import Report, make_report
from iotlab.lab.resources import assets_dir
from iotlab.mqtt.message import Message
from iotlab.notify.channels import ChannelConfig, open_channels
from iotlab.notify.notifier import Notifier
from iotlab.table.engine import Engine
from iotlab.table.store import Store
from iotlab.triggers.evaluator import Evaluator
from iotlab.triggers.rules import parse_rules
from iotlab.triggers.ruleset import RuleSet
from tests.triggers.rule_cases import live_until

MIDNIGHT_US = 1_763_942_400 * US_PER_S
SCENARIO = (default_devices_dir() / "scenarios" / "home-day.toml").read_text(encoding="utf-8")
RULES = (assets_dir() / "rules-home-day.toml").read_text(encoding="utf-8")
STEP_S = 120


def only(*devices: str, scenario: str = SCENARIO) -> str:
    """Return the scenario with these devices and what goes wrong on them alone."""
    return "\n\n".join(block for block in scenario.split("\n\n") if _is_about(block, devices))


def _is_about(block: str, devices: tuple[str, ...]) -> bool:
    tables = [*tomllib.loads(block).get("device", []), *tomllib.loads(block).get("incident", [])]
    # What is no table belongs to the whole scenario.
    return all(set(table.get("candidates", [table.get("id")])) <= set(devices) for table in tables)


def without_rule(rule: str) -> str:
    """Return the rules of the home day without one of them."""
    head, *blocks = RULES.split("[[rule]]")
    return "[[rule]]".join([head, *(block for block in blocks if f'id = "{rule}"' not in block)])


@contextmanager
def receiver(file: Path) -> Iterator[str]:
    """Run the receiver that the demo has, as a process of its own; yield its URL for a channel."""
    command = [sys.executable, "-m", "iotlab.lab.receiver", str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield f"json://127.0.0.1:{int(process.stdout.readline())}/"
        assert process.stdin is not None
        process.stdin.close()


class HomeDay:
    """One run of a scenario.

    Args:
        directory: Where its files are.
        engine: The table.
        url: Of the receiver.
        clock: Everybody's time.
        script, rules: What is played, and what watches it.
    """

    def __init__(
        self, directory: Path, engine: Engine, url: str, *, clock: ManualClock, script: Script, rules: RuleSet
    ) -> None:
        self._clock = clock
        self._seed = script.seed
        self._ledger = directory / "ledger.json"
        self._received = directory / "received.jsonl"
        self._store = Store(engine)
        self._bridge = EmbeddedStore(engine)
        self._resolver = Resolver(conventions(), clock)
        channel = ChannelConfig("receiver", "apprise", url)
        self._notifier = Notifier(self._store, open_channels([channel], self._store), clock=clock)
        self.evaluator = Evaluator(self._store, rules, clock=clock, routes=[channel.route])
        self._company = cast(script, clock=clock, boot_id=seeded_boot_id)
        self._truth = Truth(self._company.calendar, MIDNIGHT_US, {})
        self._redelivered: set[str] = set()

    def play(self, lasts_s: int) -> Report:
        """Play so many seconds of the lab's time, and return the report of them."""
        self.evaluator.step()
        self._store_all([device.birth for device in self._company.numbered.values()])
        for end_s in range(STEP_S, lasts_s + 1, STEP_S):
            spoken = list(self._speak(end_s))
            live_until(self.evaluator, self._clock, MIDNIGHT_US + end_s * US_PER_S)
            self._store_all(spoken)
            while self.evaluator.step():
                pass
            self._notifier.step()
        return self._report(float(lasts_s))

    def _speak(self, end_s: float) -> Iterator[Publication]:
        timeline = self._company.timeline
        while timeline.next_s <= end_s:
            for name, due_s in timeline.due(timeline.next_s):
                device = self._company.numbered[name]
                device.sample(due_s, MIDNIGHT_US + round(due_s * US_PER_S))
                self._truth.note(name, due_s)
                if (publication := device.next()) is not None:
                    yield publication

    def _store_all(self, publications: list[Publication]) -> None:
        now_us = self._clock.now_us()
        messages = [
            Message(one.topic.decode(), one.payload, qos=1, retain=False, received_at_us=now_us, mid=1)
            for one in publications
        ]
        arrivals = [Arrival(message, decoded=self._resolver.decode(message)) for message in messages]
        committed = self._bridge.batch(arrivals, self._redelivered).commit()
        for (device, boot_id), seq in committed.stored.items():
            payload = msgspec.json.encode({"boot_id": boot_id, "seq": seq})
            self._company.numbered[device].received(f"lab/{device}/ack", payload)

    def _report(self, elapsed_s: float) -> Report:
        devices = self._company.numbered.values()
        books = ledger.Ledger(
            seed=self._seed,
            scenario=self._company.scenario.name,
            started_us=MIDNIGHT_US,
            ended_us=self._clock.now_us(),
            devices=ledger.device_rows(devices),
            foreign={},
            incidents=self._truth.rows(elapsed_s, ended=True),
            incidents_earlier={"total": 0, "expected": 0},
            skipped=0,
        )
        ledger.write(books, self._ledger)
        return make_report(
            self._store,
            ledger=self._ledger,
            received=self._received,
            health={},
            window={},
            since_us=MIDNIGHT_US,
            restarts={},
        )


def play(
    directory: Path, *, seed: int = 7, scenario: str = SCENARIO, rules: str = RULES, lasts_s: int = 86_400
) -> Report:
    """Play a day of a scenario and return the report; see `HomeDay`."""
    file = directory / "home-day.toml"
    file.write_text(scenario, encoding="utf-8")
    clock = ManualClock(MIDNIGHT_US)
    with receiver(directory / "received.jsonl") as url:
        engine = Engine.open(directory / "table.db", clock=clock)
        try:
            engine.ensure_tables(TABLES)
            script = Script(scenario=str(file), seed=seed)
            in_force = parse_rules(rules, "rules.toml")
            return HomeDay(directory, engine, url, clock=clock, script=script, rules=in_force).play(lasts_s)
        finally:
            engine.close()

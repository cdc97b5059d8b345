"""Readings to a real receiver: evaluator and notifier are 'killed' at every write to the table, and started again."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from iotlab.notify.channels import ChannelConfig, open_channels
from iotlab.notify.notifier import Notifier
from iotlab.table.store import Store, Transport
from iotlab.triggers.evaluator import Evaluator
from iotlab.triggers.rules import parse_rules
from tests.notify.receiver import Receiver
from tests.triggers.little_lab import KilledError, KillingTransport, LittleLab, little_lab

RULES = parse_rules('[[rule]]\nid = "hot"\nchannel = "temperature"\nabove = 30', "rules.toml")
TRANSITIONS = 3


class Parts:
    """Evaluator and notifier over one transport, made anew after each kill."""

    def __init__(self, lab: LittleLab, receiver: Receiver, transport: Transport) -> None:
        self._lab = lab
        self._receiver = receiver
        self.kills = 0
        self._make(transport)

    def step(self) -> None:
        try:
            self._evaluator.step()
            self._notifier.step()
        except KilledError:
            self.kills += 1
            self._make(self._lab.engine)

    def _make(self, transport: Transport) -> None:
        configs = [ChannelConfig("inbox", "inbox"), ChannelConfig("hook", "apprise", self._receiver.url)]
        store = Store(transport)
        clock, routes = self._lab.clock, [config.route for config in configs]
        self._evaluator = Evaluator(store, RULES, clock=clock, routes=routes)
        channels = open_channels(configs, store)
        self._notifier = Notifier(store, channels, clock=clock, chance=random.Random(self.kills))


def live_through(lab: LittleLab, parts: Parts) -> None:
    parts.step()
    for number in range(TRANSITIONS):
        lab.report("oven", temperature=20 if number % 2 else 31)
        parts.step()
        lab.hands.advance(0.5)
    for _ in range(60):
        parts.step()
        if {row["status"] for row in lab.outbox()} == {"sent"}:
            break
        lab.hands.advance(2)


def check(lab: LittleLab, receiver: Receiver, parts: Parts) -> None:
    expected = [f"hot/oven:{version}" for version in range(1, TRANSITIONS + 1)]
    assert [f"{alarm}:{version}" for alarm, version, _ in lab.journal()] == expected
    assert {row["status"] for row in lab.outbox()} == {"sent"}
    taken = receiver.keys()
    assert sorted(taken) == expected
    repeats = sum(taken.values()) - len(taken)
    assert repeats <= parts.kills
    assert sum(got.body.get("possible_repeat") == "yes" for got in receiver.got) >= repeats
    inbox = [item["key"]["S"] for item in lab.store.scan_all("inbox")]
    assert sorted(inbox) == expected


@pytest.mark.parametrize("after", [False, True], ids=["before the write", "after the write"])
def test_each_transition_arrives_once_by_key_whenever_the_process_dies(tmp_path: Path, after: bool) -> None:
    kills = 0
    while True:
        chance = random.Random(kills)
        broken = Receiver(lambda _, chance=chance: 500 if chance.random() < 0.3 else 200)  # type: ignore[misc]
        with little_lab(tmp_path / f"{kills}.db") as lab, broken as receiver:
            transport = KillingTransport(lab.engine, at=kills + 1, after=after)
            parts = Parts(lab, receiver, transport)
            live_through(lab, parts)
            check(lab, receiver, parts)
            assert parts.kills == int(transport.killed)
            if not transport.killed or kills > 120:
                break
        kills += 1
    assert kills > 15


def test_a_death_between_the_answer_and_its_record_repeats_once_and_is_marked(tmp_path: Path) -> None:
    class DiesAtSettling:
        def __init__(self, lab: LittleLab) -> None:
            self._lab = lab
            self.armed = True

        def call(self, operation: str, request: dict[str, object]) -> dict[str, object]:
            if (
                self.armed
                and operation == "TransactWriteItems"
                and "outbox" in str(request)
                and "Update" in str(request)
            ):
                self.armed = False
                raise KilledError(operation)
            return self._lab.engine.call(operation, request)

    with little_lab(tmp_path / "table.db") as lab, Receiver() as receiver:
        parts = Parts(lab, receiver, DiesAtSettling(lab))
        live_through(lab, parts)
        check(lab, receiver, parts)
        assert parts.kills == 1


def test_a_receiver_that_takes_a_notification_and_hangs_up_gets_it_again_marked(tmp_path: Path) -> None:
    with little_lab(tmp_path / "table.db") as lab, Receiver(lambda n: "drop" if n == 1 else 200) as receiver:
        parts = Parts(lab, receiver, lab.engine)
        live_through(lab, parts)
        assert receiver.keys()["hot/oven:1"] == 2
        assert [got.body.get("possible_repeat") for got in receiver.got if got.key == "hot/oven:1"] == [None, "yes"]
        assert {row["possible_repeat"] for row in lab.outbox() if row["key"] == "hot/oven:1@hook"} == {True}

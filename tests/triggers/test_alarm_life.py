"""What people and time do to an alarm: each step is one transaction with its journal row and its notifications."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from iotlab.domain.notification import Route
from iotlab.domain.schema import JOURNAL
from iotlab.errors import AlarmError
from iotlab.table.store import Store
from iotlab.table.values import plain
from iotlab.triggers.acts import Person
from iotlab.triggers.alarms import Alarm, Flapping, Wording, raised_again
from iotlab.triggers.alarms import cleared as after_clear
from iotlab.triggers.caretaker import Caretaker
from iotlab.triggers.evaluator import Evaluator
from iotlab.triggers.happenings import what_happened
from iotlab.triggers.rules import parse_rules
from iotlab.triggers.severity import deescalated, escalated
from tests.triggers.little_lab import KilledError, KillingTransport, LittleLab, little_lab

RULES = parse_rules('[[rule]]\nid = "hot"\nchannel = "temperature"\nabove = 30\nseverity = "warning"', "rules.toml")
ROUTES = [Route("phone"), Route("boss", after_s=600), Route("siren", repeat_s=300)]
KEY = "hot/oven"


class Home:
    """A lab with one oven, its evaluator and its caretaker."""

    def __init__(self, lab: LittleLab, routes: list[Route] | None = None) -> None:
        self.lab = lab
        self.evaluator = Evaluator(lab.store, RULES, clock=lab.clock, routes=routes or [Route("phone")])
        self.caretaker = Caretaker(lab.store, clock=lab.clock, routes=routes or [Route("phone")])
        self.anna = Person(lab.store, "anna", lab.clock)
        self.step()

    def oven(self, *temperatures: float) -> None:
        for temperature in temperatures:
            self.lab.report("oven", temperature=temperature, _room="kitchen", _type="oven")
            self.step()
            self.lab.hands.advance(1)

    def step(self) -> None:
        self.evaluator.step()
        self.caretaker.step()

    def passes(self, seconds: float) -> None:
        self.lab.hands.advance(seconds)
        self.step()

    def told(self, channel: str = "phone") -> list[str]:
        rows = [row for row in self.lab.outbox() if row["channel"] == channel]
        return [row["what"] for row in sorted(rows, key=lambda row: int(row["version"]))]

    def journal(self) -> list[dict[str, Any]]:
        rows = [plain(row) for row in self.lab.store.scan_all(JOURNAL)]
        return sorted(rows, key=lambda row: int(row["version"]))

    @property
    def alarm(self) -> dict[str, Any]:
        return self.lab.alarm(KEY)


@pytest.fixture
def home(lab: LittleLab) -> Home:
    return Home(lab)


def test_every_act_is_in_the_journal_with_who_when_and_what(home: Home) -> None:
    home.oven(31)
    anna, ben = home.anna, Person(home.lab.store, "ben", home.lab.clock)
    anna.acknowledge(KEY)
    anna.unacknowledge(KEY)
    ben.comment(KEY, "  the door was open ")
    ben.assign(KEY, "carla")
    anna.shelve(KEY, 60)
    anna.unshelve(KEY)
    anna.clear(KEY)
    assert [(row["what"], row["to"], row["by"], row.get("note")) for row in home.journal()] == [
        ("raised", "raised", "rule", None),
        ("acknowledged", "acknowledged", "anna", None),
        ("unacknowledged", "raised", "anna", None),
        ("commented", "raised", "ben", "the door was open"),
        ("assigned", "raised", "ben", "to carla"),
        ("shelved", "raised", "anna", "until 2025-11-24T04:21:01.000Z"),
        ("unshelved", "raised", "anna", None),
        ("cleared", "cleared", "anna", None),
    ]
    assert [row["version"] for row in home.journal()] == list(range(1, 9))
    assert {row["at_us"] for row in home.journal()[1:]} == {home.lab.clock.now_us()}
    # Comments and assignments are for who looks, and notify nobody.
    assert home.told() == ["raised", "acknowledged", "unacknowledged", "shelved", "unshelved", "cleared"]
    assert [row["what"] for row in home.journal() if row.get("told") == ["phone"]] == home.told()


FORBIDDEN: dict[str, tuple[list[float], Callable[[Person], object], str]] = {
    "unacknowledge a raised one": ([31], lambda anna: anna.unacknowledge(KEY), "it is raised"),
    "acknowledge a cleared one": ([31, 20], lambda anna: anna.acknowledge(KEY), "it has cleared by itself"),
    "clear a cleared one": ([31, 20], lambda anna: anna.clear(KEY), "it has cleared"),
    "unshelve one that is not shelved": ([31], lambda anna: anna.unshelve(KEY), "is not shelved"),
    "shelve it for no time": ([31], lambda anna: anna.shelve(KEY, 0), "can't be shelved for 0 s"),
    "shelve it for ever": ([31], lambda anna: anna.shelve(KEY, 1e9), "can't be shelved"),
    "shelve it for a time that is no number": ([31], lambda anna: anna.shelve(KEY, float("nan")), "can't be shelved"),
    "say nothing": ([31], lambda anna: anna.comment(KEY, " \n"), "1 to 1000 characters"),
    "say too much": ([31], lambda anna: anna.comment(KEY, "x" * 1001), "1 to 1000 characters"),
    "assign it to nobody twice": ([31], lambda anna: anna.assign(KEY, ""), "assigned to nobody already"),
    "assign it to a line break": ([31], lambda anna: anna.assign(KEY, "a\nb"), "can't be a person's name"),
    "act on what is not there": ([], lambda anna: anna.clear(KEY), "there is no alarm"),
    "act on what has changed": ([31], lambda anna: anna.clear(KEY, seen_version=0), "changed meanwhile"),
}


@pytest.mark.parametrize(("temperatures", "act", "said"), FORBIDDEN.values(), ids=FORBIDDEN)
def test_what_the_state_forbids_is_refused_and_changes_nothing(
    home: Home, temperatures: list[float], act: Callable[[Person], object], said: str
) -> None:
    home.oven(*temperatures)
    before = home.alarm, home.journal(), home.lab.outbox()
    with pytest.raises(AlarmError, match=said):
        act(home.anna)
    assert (home.alarm, home.journal(), home.lab.outbox()) == before


@pytest.mark.parametrize("name", ["", "rule", "timer", "x" * 65, "a\u202eb"])
def test_a_person_has_a_name_that_can_be_shown_and_is_not_the_labs(lab: LittleLab, name: str) -> None:
    with pytest.raises(AlarmError, match="can't be a person's name"):
        Person(lab.store, name, lab.clock)


def test_an_alarm_that_was_cleared_by_hand_is_raised_again_by_the_next_reading_beyond(home: Home) -> None:
    home.oven(31)
    home.anna.clear(KEY)
    home.oven(32)
    assert home.lab.steps(KEY) == ["raised", "cleared", "raised"]


def test_a_shelved_alarm_goes_on_without_a_notification_and_its_shelving_ends_by_itself(home: Home) -> None:
    home.oven(31)
    home.anna.shelve(KEY, 3600)
    home.oven(20, 31)
    assert home.told() == ["raised", "shelved"]
    home.passes(3590)
    assert home.alarm["shelved_by"] == "anna"
    home.passes(10)
    assert "shelved_until_us" not in home.alarm
    assert home.told() == ["raised", "shelved", "unshelved"]
    assert home.journal()[-1]["by"] == "timer"
    assert [row["what"] for row in home.journal()] == ["raised", "shelved", "cleared", "raised", "unshelved"]


def test_a_shelving_that_ends_on_a_cleared_alarm_tells_nobody(home: Home) -> None:
    home.oven(31)
    home.anna.shelve(KEY, 3600)
    home.oven(20)
    home.passes(3600)
    assert home.told() == ["raised", "shelved"]
    assert home.journal()[-1]["what"] == "unshelved"


def test_a_shelving_ends_although_the_lab_was_off_at_its_end(tmp_path: Path) -> None:
    with little_lab(tmp_path / "table.db") as lab:
        home = Home(lab)
        home.oven(31)
        home.anna.shelve(KEY, 3600)
        clock = lab.clock
    lab.hands.advance(7200)
    with little_lab(tmp_path / "table.db", clock) as lab:
        home = Home(lab)
        assert home.told() == ["raised", "shelved", "unshelved"]


def test_a_hold_timer_goes_on_while_its_alarm_is_shelved(lab: LittleLab) -> None:
    rules = parse_rules('[[rule]]\nid = "hot"\nchannel = "temperature"\nabove = 30\nhold_s = 60', "rules.toml")
    evaluator = Evaluator(lab.store, rules, clock=lab.clock, routes=[Route("phone")])
    evaluator.step()
    lab.report("oven", temperature=31)
    evaluator.step()
    Person(lab.store, "anna", lab.clock).shelve(KEY, 3600)
    lab.hands.advance(61)
    evaluator.step()
    lab.hands.advance(1)
    evaluator.step()
    assert lab.alarm(KEY)["state"] == "raised"
    assert lab.outbox() == []


def test_the_sixth_change_within_five_minutes_says_flapping_once_and_then_all_is_quiet_until_calm(home: Home) -> None:
    home.oven(*[31, 20] * 10)
    assert home.told() == ["raised", "cleared", "raised", "cleared", "raised", "flapping"]
    assert home.lab.steps(KEY) == ["raised", "cleared"] * 10
    assert (home.alarm["flaps"], home.alarm["transitions"]) == (20, 20)
    flapping = next(row for row in home.lab.outbox() if row["what"] == "flapping")
    assert flapping["title"] == "Flapping: hot, oven"
    assert flapping["body"].startswith("It was raised and cleared 6 times within 5 s.")
    home.passes(290)
    assert home.told()[-1] == "flapping"
    home.passes(10)
    assert home.told()[-1] == "calm"
    calm = home.journal()[-1]
    assert (calm["what"], calm["by"], calm["note"]) == ("calm", "timer", "after 20 changes")
    home.oven(31)
    assert home.told()[-2:] == ["calm", "raised"]


def test_changes_that_are_far_enough_apart_are_not_flapping(home: Home) -> None:
    for _ in range(10):
        home.oven(31)
        home.passes(60)
        home.oven(20)
        home.passes(60)
    assert set(home.told()) == {"raised", "cleared"}
    assert len(home.told()) == 20


def test_flapping_can_be_switched_off() -> None:
    alarm = Alarm(
        alarm=KEY,
        rule="hot",
        device="oven",
        channel="temperature",
        severity="warning",
        state="cleared",
        version=0,
        title="",
        message="",
        value="",
        threshold="",
        since_us=0,
        evaluated_us=0,
    )
    off = Flapping(transitions=0)
    for at_us in range(100):
        alarm = after_clear(raised_again(alarm, at_us, off), at_us, off)
    assert (alarm.transitions, alarm.is_flapping) == (200, False)


def test_a_clock_that_is_set_back_makes_no_alarm_flap(home: Home) -> None:
    home.oven(31, 20, 31)
    home.lab.hands.step(-86_400)
    home.oven(20)
    assert "flapping" not in home.told()


def test_nobody_acknowledges_so_the_next_channel_is_told_and_one_is_told_again(lab: LittleLab) -> None:
    home = Home(lab, ROUTES)
    home.oven(31)
    assert (home.told(), home.told("boss"), home.told("siren")) == (["raised"], [], ["raised"])
    home.passes(299)
    assert home.told("siren") == ["raised", "reminded"]
    home.passes(300)
    assert home.told("boss") == ["reminded"]
    assert home.told("siren") == ["raised", "reminded", "reminded"]
    [boss] = [row for row in home.lab.outbox() if row["channel"] == "boss"]
    assert boss["title"] == "Warning, not acknowledged: hot, oven"
    assert boss["body"].startswith("Nobody has acknowledged it for 10 min.")
    home.anna.acknowledge(KEY)
    home.passes(3600)
    assert home.told("boss") == ["reminded", "acknowledged"]
    assert home.told() == ["raised", "acknowledged"]


def test_reminders_that_were_missed_while_the_lab_was_off_come_once(lab: LittleLab) -> None:
    home = Home(lab, ROUTES)
    home.oven(31)
    lab.hands.advance(86_400)
    Home(lab, ROUTES).passes(0)
    assert home.told("siren") == ["raised", "reminded"]
    assert home.told("boss") == ["reminded"]


def test_an_alarm_that_clears_in_time_never_reaches_the_next_channel(lab: LittleLab) -> None:
    home = Home(lab, ROUTES)
    home.oven(31, 20)
    home.passes(3600)
    assert home.told("boss") == []


def test_an_answer_acknowledges_only_the_waiting_that_it_was_made_for(home: Home) -> None:
    home.oven(31)
    [row] = home.lab.outbox()
    waiting_us = int(row["facts"]["waiting"])
    home.anna.comment(KEY, "a new version changes nothing")
    assert home.anna.answer(KEY, waiting_us).what == "acknowledged"
    home.anna.unacknowledge(KEY)
    with pytest.raises(AlarmError, match="changed meanwhile"):
        home.anna.answer(KEY, waiting_us)


def stored(home: Home) -> Alarm:
    return home.evaluator._book.alarms[KEY]


def test_a_higher_severity_waits_for_acknowledgement_anew_and_a_lower_one_does_not(home: Home) -> None:
    home.oven(31)
    home.anna.acknowledge(KEY)
    home.step()
    words = Wording("Hot, oven", "it is 60", "60", "above 50", notify=("pager",))
    worse = escalated(stored(home), "critical", words, 5)
    assert (worse.state, worse.acknowledged_by, worse.notify) == ("raised", None, ("phone", "pager"))
    assert what_happened(stored(home), worse) == "escalated"
    better = deescalated(worse, "warning", words)
    assert (better.state, what_happened(worse, better)) == ("raised", "deescalated")
    with pytest.raises(ValueError, match="can't rise to info"):
        escalated(worse, "info", words, 6)
    with pytest.raises(ValueError, match="can't fall to critical"):
        deescalated(worse, "critical", words)


@pytest.mark.parametrize("after", [False, True], ids=["before the write", "after the write"])
def test_a_kill_at_any_write_of_the_caretaker_neither_loses_nor_doubles_a_step(tmp_path: Path, after: bool) -> None:
    kills = 0
    while True:
        with little_lab(tmp_path / f"{kills}.db") as lab:
            home = Home(lab, ROUTES)
            home.oven(*[31, 20] * 3, 31)
            transport = KillingTransport(lab.engine, at=kills + 1, after=after)
            caretaker = Caretaker(Store(transport), clock=lab.clock, routes=ROUTES)
            for _ in range(8):
                lab.hands.advance(200)
                try:
                    caretaker.step()
                except KilledError:
                    caretaker = Caretaker(lab.store, clock=lab.clock, routes=ROUTES)
                    caretaker.step()
            versions = [row["version"] for row in home.journal()]
            assert versions == list(range(1, len(versions) + 1))
            assert home.told("boss") == ["reminded"]
            assert home.told("siren").count("calm") == 1
            assert home.told("siren").count("reminded") == 3
            if not transport.killed:
                break
        kills += 1
    assert kills == 5


def test_an_item_that_cannot_be_read_is_counted_and_stops_nobody(home: Home) -> None:
    home.lab.store.put_item("alarms", {"alarm": {"S": "bad"}, "state": {"N": "1"}})
    home.oven(31)
    home.anna.shelve(KEY, 60)
    home.passes(60)
    assert home.caretaker.stats().malformed == 1
    assert home.caretaker.stats().transitions == 1


def test_what_two_people_do_at_once_happens_once_each(home: Home) -> None:
    home.oven(31)

    def talk(name: str) -> None:
        for number in range(20):
            Person(home.lab.store, name, home.lab.clock).comment(KEY, f"{name} {number}")

    talkers = [threading.Thread(target=talk, args=(name,)) for name in ("anna", "ben")]
    for talker in talkers:
        talker.start()
    for talker in talkers:
        talker.join()
    assert home.alarm["comments"] == 40
    for name in ("anna", "ben"):
        assert [row["note"] for row in home.journal() if row["by"] == name] == [f"{name} {n}" for n in range(20)]

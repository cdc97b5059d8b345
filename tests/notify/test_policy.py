"""Hours, quiet hours, digests and groups: what a channel's notifications wait for, and that none gets lost."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from iotlab.clock import ManualClock
from iotlab.domain.alarm import Severity
from iotlab.domain.notification import Notification, Route, told_of
from iotlab.notify.channels import ChannelConfig
from iotlab.notify.notifier import Notifier
from iotlab.notify.policy import Hold, Policy
from iotlab.table.store import Store, Transport
from tests.notify.scripted import RETRY, ScriptedChannel, notification, put
from tests.triggers.little_lab import KilledError, KillingTransport, LittleLab, little_lab

BERLIN = "Europe/Berlin"


def us(text: str, zone: str = BERLIN) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1_000_000)


def policy(**keys: Any) -> Policy:
    return ChannelConfig("phone", "apprise", timezone=BERLIN, **keys).manner.policy


def told(at: str, severity: Severity = "warning") -> Notification:
    return Notification("hot/oven", 1, "phone", "raised", severity, "t", "b", us(at))


HOLDS: dict[str, tuple[dict[str, Any], str, Severity, str, str | None]] = {
    "by day at once": ({"quiet": "22:00-07:00"}, "2026-03-10T12:00", "warning", "2026-03-10T12:00", None),
    "at the beginning held": (
        {"quiet": "22:00-07:00"},
        "2026-03-10T22:00",
        "warning",
        "2026-03-10T22:00",
        "2026-03-11T07:00",
    ),
    "after midnight held": (
        {"quiet": "22:00-07:00"},
        "2026-03-11T03:00",
        "info",
        "2026-03-11T03:00",
        "2026-03-11T07:00",
    ),
    "at the end free": ({"quiet": "22:00-07:00"}, "2026-03-11T03:00", "warning", "2026-03-11T07:00", None),
    "critical passes": ({"quiet": "22:00-07:00"}, "2026-03-11T03:00", "critical", "2026-03-11T03:00", None),
    "critical need not pass": (
        {"quiet": "22:00-07:00", "passes": ()},
        "2026-03-11T03:00",
        "critical",
        "2026-03-11T03:00",
        "2026-03-11T07:00",
    ),
    "a nap at noon": (
        {"quiet": "13:00-14:00"},
        "2026-03-11T13:30",
        "warning",
        "2026-03-11T13:30",
        "2026-03-11T14:00",
    ),
    "the night in which the clocks go forward": (
        {"quiet": "22:00-07:00"},
        "2026-03-28T23:00",
        "warning",
        "2026-03-28T23:00",
        "2026-03-29T07:00",
    ),
    "the night in which they go back": (
        {"quiet": "22:00-07:00"},
        "2026-10-24T23:00",
        "warning",
        "2026-10-24T23:00",
        "2026-10-25T07:00",
    ),
    "a digest the next morning": (
        {"digest_at": "08:00"},
        "2026-03-10T09:00",
        "warning",
        "2026-03-10T09:00",
        "2026-03-11T08:00",
    ),
    "a digest that was missed is due": (
        {"digest_at": "08:00"},
        "2026-03-10T07:00",
        "warning",
        "2026-03-10T09:00",
        None,
    ),
    "critical waits for no digest": (
        {"digest_at": "08:00"},
        "2026-03-10T09:00",
        "critical",
        "2026-03-10T09:00",
        None,
    ),
}


@pytest.mark.parametrize(("keys", "created", "severity", "now", "until"), HOLDS.values(), ids=HOLDS)
def test_what_waits_until_when(
    keys: dict[str, Any], created: str, severity: Severity, now: str, until: str | None
) -> None:
    hold = policy(**keys).hold(told(created, severity), us(now))
    assert (None if hold is None else hold.until_us) == (None if until is None else us(until))


def test_a_policy_without_a_zone_goes_by_the_machines_clock() -> None:
    own = ChannelConfig("phone", "apprise", quiet="22:00-07:00").manner.policy
    night = round(datetime(2026, 3, 10, 23).astimezone().timestamp() * 1_000_000)
    morning = round(datetime(2026, 3, 11, 7).astimezone().timestamp() * 1_000_000)
    at_night = msgspec.structs.replace(told("2026-03-10T23:00"), created_us=night)
    assert own.hold(at_night, night) == Hold(morning, "quiet hours until 07:00")


def test_utc_is_a_zone_like_any_other() -> None:
    zoned = msgspec.structs.replace(policy(quiet="22:00-07:00"), zone=UTC)
    night = us("2026-03-10T23:00", "UTC")
    hold = zoned.hold(msgspec.structs.replace(told("2026-03-10T23:00"), created_us=night), night)
    assert hold is not None
    assert hold.until_us == us("2026-03-11T07:00", "UTC")


ROUTED: dict[str, tuple[Route, bool]] = {
    "everything": (Route("c"), True),
    "its severity": (Route("c", ("critical",)), True),
    "another severity": (Route("c", ("info",)), False),
    "its id": (Route("c", devices=("oven-1",)), True),
    "a glob": (Route("c", devices=("tap-*", "oven-*")), True),
    "another glob": (Route("c", devices=("tap-*",)), False),
    "its type": (Route("c", device_types=("oven",)), True),
    "another type": (Route("c", device_types=("tap",)), False),
    "its room": (Route("c", rooms=("kitchen", "hall")), True),
    "another room": (Route("c", rooms=("hall",)), False),
    "the glob and another room": (Route("c", devices=("oven-*",), rooms=("hall",)), False),
}


@pytest.mark.parametrize(("route", "wanted"), ROUTED.values(), ids=ROUTED)
def test_a_channel_is_told_of_what_its_selectors_choose(route: Route, wanted: bool) -> None:
    assert told_of([route], "critical", "oven-1", "oven", "kitchen")[0] == (("c",) if wanted else ())


def test_a_channel_for_later_is_not_told_at_once() -> None:
    assert told_of([Route("a"), Route("b", after_s=5)], "info", "d", "", "") == (("a",), ("b",))


class Night:
    """A lab at a time of day in Berlin, with one channel."""

    def __init__(self, path: Path, at: str, phone: ScriptedChannel, **keys: Any) -> None:
        self.lab = LittleLab(path, ManualClock(us(at)))
        self.phone = phone
        self.manner = ChannelConfig("phone", "apprise", timezone=BERLIN, **keys).manner
        self.start()

    def start(self, transport: Transport | None = None) -> None:
        store = self.lab.store if transport is None else Store(transport)
        self.notifier = Notifier(
            store, [self.phone], clock=self.lab.clock, chance=random.Random(1), manners={"phone": self.manner}
        )

    def put(self, alarm: str, version: int = 1, severity: Severity = "warning", **keys: Any) -> None:
        made = notification(self.lab, alarm=alarm, version=version, **keys)
        put(self.lab, msgspec.structs.replace(made, severity=severity, title=f"{severity}: {alarm} {version}"))
        self.notifier.step()

    def passes(self, hours: float) -> None:
        self.lab.hands.advance(hours * 3600)
        self.notifier.step()

    def statuses(self) -> list[str]:
        return [row["status"] for row in self.lab.outbox()]


def test_a_night_is_delivered_in_the_morning_as_one_message_with_a_count(tmp_path: Path) -> None:
    night = Night(tmp_path / "t.db", "2026-03-10T23:00", ScriptedChannel(), quiet="22:00-07:00")
    night.put("hot/a")
    night.put("hot/b")
    night.put("hot/a", 2, to="cleared")
    night.passes(1)
    assert night.phone.attempts == []
    assert {row.get("held") for row in night.lab.outbox()} == {"quiet hours until 07:00", None}
    night.passes(7)
    [attempt] = night.phone.attempts
    assert attempt.title == "3 notifications of 2 alarms (3 warning)"
    assert attempt.body.splitlines()[:3] == [
        "22:00:00 warning: hot/a 1",
        "22:00:00 warning: hot/a 2",
        "22:00:00 warning: hot/b 1",
    ]
    assert night.statuses() == ["sent"] * 3
    stats = night.notifier.stats().channels[0]
    assert (stats.sent, stats.messages, stats.held, stats.waiting) == (3, 1, 2, 0)
    night.put("hot/c")
    assert [attempt.key for attempt in night.phone.attempts][1:] == ["hot/c:1"]


def test_what_is_critical_passes_at_night_and_takes_its_own_story_with_it(tmp_path: Path) -> None:
    night = Night(tmp_path / "t.db", "2026-03-10T23:00", ScriptedChannel(), quiet="22:00-07:00")
    night.put("hot/a")
    night.put("hot/b")
    night.put("hot/a", 2, "critical")
    [attempt] = night.phone.attempts
    assert [member.version for member in attempt.about] == [1, 2]
    assert {member.alarm for member in attempt.about} == {"hot/a"}
    assert attempt.notification.severity == "critical"
    night.passes(9)
    assert [member.alarm for member in night.phone.attempts[1].about] == ["hot/b"]


def test_many_alarms_within_the_window_are_one_message(tmp_path: Path) -> None:
    day = Night(tmp_path / "t.db", "2026-03-10T12:00", ScriptedChannel(), group_s=30)
    for number in range(25):
        day.put(f"hot/{number:02}")
        day.lab.hands.advance(1)
    assert day.phone.attempts == []
    day.lab.hands.advance(6)
    day.notifier.step()
    [attempt] = day.phone.attempts
    assert attempt.title == "25 notifications of 25 alarms (25 warning)"
    assert "… and 5 more" in attempt.body
    assert set(day.statuses()) == {"sent"}


def test_more_than_fit_in_one_message_are_several_and_none_is_lost(tmp_path: Path) -> None:
    day = Night(tmp_path / "t.db", "2026-03-10T12:00", ScriptedChannel(), group_s=30)
    for number in range(100):
        put(day.lab, notification(day.lab, alarm=f"hot/{number:03}"))
    day.notifier.step()
    day.lab.hands.advance(31)
    day.notifier.step()
    assert [len(attempt.about) for attempt in day.phone.attempts] == [40, 40, 20]
    assert len({member.key for attempt in day.phone.attempts for member in attempt.about}) == 100


def test_a_message_about_several_that_fails_is_repeated_as_the_same_message(tmp_path: Path) -> None:
    day = Night(tmp_path / "t.db", "2026-03-10T12:00", ScriptedChannel([RETRY]), group_s=30)
    for alarm in ("hot/a", "hot/b"):
        day.put(alarm)
    day.lab.hands.advance(31)
    day.notifier.step()
    day.put("hot/c")
    day.lab.hands.advance(31)
    day.notifier.step()
    groups = [(attempt.key, len(attempt.about)) for attempt in day.phone.attempts]
    assert groups[0] == groups[1]
    assert groups[0][0].startswith("group:")
    assert [key for key, _ in groups[2:]] == ["hot/c:1"]
    assert set(day.statuses()) == {"sent"}


def test_what_happens_outside_a_channels_hours_is_skipped_and_says_so(tmp_path: Path) -> None:
    day = Night(tmp_path / "t.db", "2026-03-10T20:00", ScriptedChannel(), hours="08:00-18:00")
    day.put("hot/a", severity="critical")
    [row] = day.lab.outbox()
    assert (row["status"], row["error"]) == ("skipped", "it happened outside of the channel's hours, 08:00-18:00")
    day.passes(13)
    day.put("hot/b")
    assert [attempt.key for attempt in day.phone.attempts] == ["hot/b:1"]
    assert day.notifier.stats().channels[0].skipped == 1


def test_a_digest_that_fails_at_first_is_still_tried_for_a_day(tmp_path: Path) -> None:
    day = Night(tmp_path / "t.db", "2026-03-10T08:01", ScriptedChannel([RETRY] * 5), digest_at="08:00")
    day.put("hot/a")
    day.passes(24)
    assert len(day.phone.attempts) == 1
    for _ in range(20):
        day.passes(0.1)
    assert day.statuses() == ["sent"]


@pytest.mark.parametrize("after", [False, True], ids=["before the write", "after the write"])
def test_a_kill_at_any_write_repeats_at_most_the_same_message_marked(tmp_path: Path, after: bool) -> None:
    kills = 0
    while True:
        phone = ScriptedChannel(repeats="keyed")
        night = Night(tmp_path / f"{kills}-{after}.db", "2026-03-10T23:00", phone, quiet="22:00-07:00")
        transport = KillingTransport(night.lab.engine, at=kills + 1, after=after)
        night.start(transport)
        for alarm in ("hot/a", "hot/b", "hot/c"):
            put(night.lab, msgspec.structs.replace(notification(night.lab, alarm=alarm), severity="warning"))
        for _ in range(12):
            try:
                night.notifier.step()
            except KilledError:
                night.start()
            night.lab.hands.advance(3600)
        assert set(night.statuses()) == {"sent"}
        assert len({attempt.key for attempt in phone.attempts}) == 1
        assert [attempt.possible_repeat for attempt in phone.attempts] in ([False], [True], [False, True])
        assert {len(attempt.about) for attempt in phone.attempts} == {3}
        night.lab.close()
        if not transport.killed:
            break
        kills += 1
    assert kills >= 5


def test_a_group_of_which_somebody_deleted_a_row_is_sent_without_it_in_the_end(tmp_path: Path) -> None:
    with little_lab(tmp_path / "t.db") as lab:
        for alarm in ("hot/a", "hot/b"):
            put(lab, notification(lab, alarm=alarm), status="sending", attempts=1, group="group:1", group_size=3)
        phone = ScriptedChannel()
        notifier = Notifier(lab.store, [phone], clock=lab.clock)
        notifier.step()
        assert phone.attempts == []
        for _ in range(70):
            lab.hands.advance(0.5)
            notifier.step()
        [attempt] = phone.attempts
        assert (attempt.key, len(attempt.about), attempt.possible_repeat) == ("group:1", 2, True)

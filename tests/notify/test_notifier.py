from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotlab.clock import SystemClock
from iotlab.domain.schema import OUTBOX, TRACES
from iotlab.errors import UnavailableError
from iotlab.notify.channels.channel import SENT, Attempt, Channel, Outcome
from iotlab.notify.channels.inbox import InboxChannel
from iotlab.notify.notifier import Notifier
from iotlab.notify.schedule import LONGEST_BACKOFF_S, backoff_s
from iotlab.table.store import Store
from iotlab.table.values import item, plain
from tests.notify.scripted import REFUSED, RETRY, UNKNOWN, ScriptedChannel, notification, put
from tests.triggers.little_lab import LittleLab, little_lab


def notifier(lab: LittleLab, *channels: Channel, store: Store | None = None, **options: Any) -> Notifier:
    return Notifier(store or lab.store, channels, clock=lab.clock, chance=random.Random(7), **options)


def statuses(lab: LittleLab) -> dict[str, str]:
    return {row["key"]: row["status"] for row in lab.outbox()}


def wait_until(condition: Callable[[], bool], *, within_s: float = 5.0) -> None:
    until_s = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < until_s, "it did not happen in time"
        time.sleep(0.005)


def test_a_new_row_is_sent_once_and_recorded(lab: LittleLab) -> None:
    phone = ScriptedChannel()
    running = notifier(lab, phone)
    running.step()
    put(lab, notification(lab))
    lab.hands.advance(0.02)
    assert running.step() == 1
    lab.hands.advance(3600)
    assert running.step() == 0
    [row] = lab.outbox()
    assert (row["status"], row["attempts"], row["possible_repeat"]) == ("sent", 1, False)
    assert row["done_us"] - row["created_us"] == 20_000
    assert phone.keys == ["leak/tap:1"]
    stats = running.stats()
    assert (stats.waiting, stats.conflicts, stats.deliver_us.p50, stats.channels[0].sent) == (0, 0, 20_000, 1)


def test_rows_that_waited_for_the_start_are_sent(lab: LittleLab) -> None:
    put(lab, notification(lab, alarm="leak/a"))
    put(lab, notification(lab, alarm="leak/b"), status="sent", attempts=1, done_us=5)
    put(lab, notification(lab, alarm="leak/c"), status="failed", attempts=1, done_us=5)
    put(lab, notification(lab, alarm="leak/d"), status="unknown", attempts=1, done_us=5)
    phone = ScriptedChannel()
    notifier(lab, phone).step()
    assert phone.keys == ["leak/a:1"]


def test_a_failed_attempt_is_repeated_with_growing_pauses_until_it_succeeds(lab: LittleLab) -> None:
    phone = ScriptedChannel([RETRY] * 3)
    running = notifier(lab, phone)
    put(lab, notification(lab))
    pauses: list[float] = []
    while statuses(lab) != {"leak/tap:1@phone": "sent"}:
        if running.step() == 0:
            pauses[-1] += 0.1
            lab.hands.advance(0.1)
        else:
            pauses.append(0.0)
            assert lab.outbox()[0].get("error", "") in {RETRY.error, ""}
    assert len(pauses) == 4
    assert all(pause <= 2.0**number + 0.2 for number, pause in enumerate(pauses[:3]))
    assert lab.outbox()[0]["attempts"] == 4
    assert running.stats().channels[0].retries == 3
    assert running.stats().channels[0].last_error == RETRY.error


@given(st.integers(1, 10_000), st.integers())
def test_a_pause_is_never_longer_than_its_limit(attempts: int, seed: int) -> None:
    assert 0 <= backoff_s(attempts, random.Random(seed)) <= min(2.0 ** min(attempts - 1, 20), LONGEST_BACKOFF_S)


def test_a_refusal_is_final_and_visible(lab: LittleLab) -> None:
    running = notifier(lab, ScriptedChannel([REFUSED]))
    put(lab, notification(lab))
    running.step()
    [row] = lab.outbox()
    assert (row["status"], row["error"], "done_us" in row) == ("failed", REFUSED.error, True)
    assert running.stats().channels[0].failed == 1


@pytest.mark.parametrize(("outcome", "final"), [(RETRY, "failed"), (UNKNOWN, "unknown")])
def test_what_cannot_be_delivered_for_a_day_is_given_up(lab: LittleLab, outcome: Outcome, final: str) -> None:
    phone = ScriptedChannel([outcome] * 10_000)
    running = notifier(lab, phone)
    put(lab, notification(lab))
    for _ in range(2 * 24 * 4):
        running.step()
        lab.hands.advance(900)
    [row] = lab.outbox()
    assert (row["status"], row["error"]) == (final, f"given up: {outcome.error}")
    assert 20 < row["attempts"] < 200
    assert row["done_us"] - row["created_us"] <= 86_400_000_000 + 900_000_000
    assert running.stats().waiting == 0


REPEATS = {
    "people may see it twice": ("visible", True, "This may repeat an earlier notification."),
    "the receiver knows the key": ("keyed", True, "flow is 14"),
    "a repeat is impossible": ("impossible", False, "flow is 14"),
}


@pytest.mark.parametrize(("repeats", "marked", "last_line"), REPEATS.values(), ids=REPEATS)
def test_an_attempt_that_may_have_arrived_is_repeated_and_marked(
    lab: LittleLab, repeats: Any, marked: bool, last_line: str
) -> None:
    phone = ScriptedChannel([UNKNOWN], repeats=repeats)
    running = notifier(lab, phone)
    put(lab, notification(lab))
    running.step()
    assert statuses(lab) == {"leak/tap:1@phone": "unknown"}
    lab.hands.advance(1)
    running.step()
    [row] = lab.outbox()
    assert (row["status"], row["possible_repeat"]) == ("sent", marked)
    assert [attempt.possible_repeat for attempt in phone.attempts] == [False, marked]
    assert phone.attempts[1].body.splitlines()[-1] == last_line
    assert running.stats().channels[0].possible_repeats == int(marked)


def test_a_row_that_was_being_sent_when_the_process_died_is_sent_again_and_marked(lab: LittleLab) -> None:
    put(lab, notification(lab), status="sending", attempts=1)
    phone = ScriptedChannel()
    notifier(lab, phone).step()
    [row] = lab.outbox()
    assert (row["status"], row["attempts"], row["possible_repeat"]) == ("sent", 2, True)


def test_a_pause_goes_on_after_a_restart(lab: LittleLab) -> None:
    put(lab, notification(lab), attempts=3, next_us=lab.clock.now_us() + 60_000_000)
    phone = ScriptedChannel()
    running = notifier(lab, phone)
    running.step()
    lab.hands.advance(59)
    running.step()
    assert phone.keys == []
    lab.hands.advance(1)
    running.step()
    assert phone.keys == ["leak/tap:1"]


def test_nobody_reads_cleared_before_raised(lab: LittleLab) -> None:
    phone = ScriptedChannel([RETRY])
    running = notifier(lab, phone)
    put(lab, notification(lab, version=12, to="cleared"))
    put(lab, notification(lab, version=9))
    lab.hands.advance(0.001)
    put(lab, notification(lab, alarm="hot/oven"))
    running.step()
    assert phone.keys == ["leak/tap:9", "hot/oven:1"]
    lab.hands.advance(1)
    running.step()
    assert phone.keys[2:] == ["leak/tap:9", "leak/tap:12"]


def test_a_late_notification_says_when_it_happened(lab: LittleLab) -> None:
    phone = ScriptedChannel()
    put(lab, notification(lab))
    lab.hands.advance(61)
    notifier(lab, phone).step()
    assert phone.attempts[0].body == "flow is 14\nThis is late: it happened at 2025-11-24T04:20:00.000Z."


def test_a_row_for_a_channel_that_is_not_configured_fails_with_its_reason(lab: LittleLab) -> None:
    put(lab, notification(lab, channel="pager"))
    running = notifier(lab, ScriptedChannel())
    running.step()
    [row] = lab.outbox()
    assert (row["status"], row["error"]) == ("failed", "there is no channel 'pager' in the settings")
    assert running.stats().orphans == 1


def test_a_failed_row_that_a_person_opens_again_is_sent(lab: LittleLab) -> None:
    phone = ScriptedChannel([REFUSED])
    running = notifier(lab, phone)
    wanted = put(lab, notification(lab))
    running.step()
    lab.store.update_item(
        OUTBOX,
        {"key": {"S": wanted.key}},
        "SET #s = :p REMOVE done_us",
        names={"#s": "status"},
        values={":p": {"S": "pending"}},
    )
    running.step()
    assert statuses(lab) == {wanted.key: "sent"}


def test_a_row_that_cannot_be_read_is_counted_and_left_alone(
    lab: LittleLab, caplog: pytest.LogCaptureFixture
) -> None:
    lab.store.put_item(OUTBOX, item({"key": "odd", "status": "pending"}))
    phone = ScriptedChannel()
    running = notifier(lab, phone)
    with caplog.at_level(logging.WARNING):
        running.step()
        put(lab, notification(lab))
        running.step()
    assert (running.stats().malformed, phone.keys) == (1, ["leak/tap:1"])
    assert "'odd'" in caplog.text


def test_a_channel_with_a_bug_is_kept_and_its_text_is_not_shown(
    lab: LittleLab, caplog: pytest.LogCaptureFixture
) -> None:
    phone = ScriptedChannel([RuntimeError("https://service/s3cr3t-token")])
    running = notifier(lab, phone)
    put(lab, notification(lab))
    with caplog.at_level(logging.DEBUG):
        running.step()
    lab.hands.advance(1)
    running.step()
    [row] = lab.outbox()
    assert (row["status"], row["attempts"]) == ("sent", 2)
    assert "RuntimeError" in caplog.text
    assert "s3cr3t" not in caplog.text + str(row) + str(running.stats())


def test_a_notifier_that_nobody_called_for_an_hour_scans_anew(lab: LittleLab) -> None:
    phone = ScriptedChannel()
    running = notifier(lab, phone)
    running.step()
    put(lab, notification(lab))
    lab.hands.advance(3600)
    running.step()
    assert phone.keys == ["leak/tap:1"]
    assert running.stats().reopened == 1


def test_the_trace_of_a_message_has_its_first_delivery(lab: LittleLab) -> None:
    phone, mail = ScriptedChannel([RETRY]), ScriptedChannel(name="mail")
    running = notifier(lab, phone, mail)
    put(lab, notification(lab, message_id="m-1"))
    put(lab, notification(lab, message_id="m-1", channel="mail"))
    lab.hands.advance(1)
    running.step()
    first_us = lab.clock.now_us()
    lab.hands.advance(1)
    running.step()
    assert set(statuses(lab).values()) == {"sent"}
    [trace] = map(plain, lab.store.scan_all(TRACES))
    assert trace == {"id": "m-1", "stop": "deliver", "at_us": first_us, "detail": "raised: sent to mail at attempt 1"}


class FailingTransport:
    """The table, which can't be reached for some calls, before or after it executed them."""

    def __init__(self, lab: LittleLab, operation: str, *, times: int, after: bool) -> None:
        self._lab = lab
        self._operation = operation
        self._times = times
        self._after = after

    def call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        if operation != self._operation or self._times == 0:
            return self._lab.engine.call(operation, request)
        self._times -= 1
        if self._after:
            self._lab.engine.call(operation, request)
        raise UnavailableError("the disk is full")


@pytest.mark.parametrize("after", [False, True], ids=["not executed", "executed, answer lost"])
@pytest.mark.parametrize("operation", ["UpdateItem", "TransactWriteItems", "GetRecords", "Scan"])
def test_a_table_that_fails_for_a_while_costs_neither_a_loss_nor_a_second_send(
    lab: LittleLab, operation: str, after: bool
) -> None:
    phone = ScriptedChannel()
    running = notifier(lab, phone, store=Store(FailingTransport(lab, operation, times=2, after=after)))
    put(lab, notification(lab))
    put(lab, notification(lab, version=2, to="cleared"))
    failures = 0
    for _ in range(8):
        try:
            running.step()
        except UnavailableError:
            failures += 1
        lab.hands.advance(2)
    # Where the first call was executed, the second one finds the row changed and looks again.
    assert failures == (1 if after and operation in {"UpdateItem", "TransactWriteItems"} else 2)
    assert phone.keys == ["leak/tap:1", "leak/tap:2"]
    assert set(statuses(lab).values()) == {"sent"}


def test_a_dead_channel_delays_no_other(tmp_path: Path) -> None:
    class Stuck(ScriptedChannel):
        def __init__(self) -> None:
            super().__init__(name="stuck")
            self.entered = threading.Event()
            self.leave = threading.Event()

        def send(self, attempt: Attempt) -> Outcome:
            self.entered.set()
            self.leave.wait(10)
            return super().send(attempt)

    with little_lab(tmp_path / "table.db", SystemClock()) as lab:
        stuck, inbox = Stuck(), InboxChannel("inbox", lab.store)
        running = notifier(lab, stuck, inbox)
        running.start()
        try:
            for version in range(1, 6):
                put(lab, notification(lab, version=version, channel="stuck"))
                put(lab, notification(lab, version=version, channel="inbox"))
                running.wake()
            assert stuck.entered.wait(5)
            wait_until(lambda: [status for key, status in statuses(lab).items() if "inbox" in key] == ["sent"] * 5)
            assert running.stats().channels[0].waiting == 5
            assert not running.stop(timeout_s=0.05)
        finally:
            stuck.leave.set()
            assert running.stop()
        assert [status for key, status in statuses(lab).items() if "stuck" in key] == ["sent", *["pending"] * 4]


def test_threads_deliver_soon_after_the_row_is_committed(tmp_path: Path) -> None:
    with little_lab(tmp_path / "table.db", SystemClock()) as lab:
        phone = ScriptedChannel()
        running = notifier(lab, phone)
        running.start()
        lab.engine.on_commit(lambda _: running.wake())
        try:
            for version in range(1, 21):
                put(lab, notification(lab, version=version))
            wait_until(lambda: set(statuses(lab).values()) == {"sent"})
        finally:
            running.stop()
        assert phone.keys == [f"leak/tap:{version}" for version in range(1, 21)]
        assert running.stats().deliver_us.p50 < 500_000


def test_a_notifier_whose_threads_find_the_table_gone_goes_on_when_it_is_back(tmp_path: Path) -> None:
    with little_lab(tmp_path / "table.db", SystemClock()) as lab:
        phone = ScriptedChannel([SENT])
        running = notifier(lab, phone, store=Store(FailingTransport(lab, "UpdateItem", times=1, after=False)))
        running.start()
        try:
            put(lab, notification(lab))
            wait_until(lambda: set(statuses(lab).values()) == {"sent"})
        finally:
            running.stop()
        assert running.stats().errors == 1
        assert "disk is full" in running.stats().last_error
        assert phone.keys == ["leak/tap:1"]

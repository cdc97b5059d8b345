from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from iotlab.clock import SystemClock
from iotlab.domain.notification import Route
from iotlab.domain.schema import ALARMS, DEVICES, OUTBOX, TRACES
from iotlab.errors import AlarmError, UnavailableError
from iotlab.table.store import Put, Store
from iotlab.table.values import item, plain
from iotlab.triggers.acknowledge import acknowledge
from iotlab.triggers.evaluator import Evaluator
from iotlab.triggers.rules import parse_rules
from iotlab.triggers.ruleset import RuleSet
from tests.triggers.little_lab import LittleLab, little_lab

RULES = parse_rules(
    """
[[rule]]
id = "leak"
name = "Water leak"
channel = "flow"
above = 12
clear = 10
hold_s = 60
severity = "critical"
message = "{name} in {room}: {channel} is {value} {unit}, limit {threshold}"

[[rule]]
id = "hot"
channel = "temperature"
above = 30
severity = "info"

[[rule]]
id = "door"
channel = "open"
above = 0.5
device_type = "door"
""",
    "rules.toml",
)
ROUTES = [Route("inbox"), Route("phone", ("critical",))]


def evaluator(lab: LittleLab, rules: RuleSet = RULES, **options: Any) -> Evaluator:
    return Evaluator(options.pop("store", lab.store), rules, clock=lab.clock, routes=ROUTES, **options)


def settle(evaluator: Evaluator) -> int:
    """Step until the stream is read to its end; return the number of records."""
    records = 0
    while done := evaluator.step():
        records += done
    return records


def wait_until(condition: Callable[[], bool], *, within_s: float = 5.0) -> None:
    until_s = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < until_s, "it did not happen in time"
        time.sleep(0.005)


@pytest.fixture
def running(lab: LittleLab) -> Evaluator:
    running = evaluator(lab)
    running.step()
    return running


def test_a_value_beyond_the_limit_is_one_alarm_with_journal_and_notifications(
    lab: LittleLab, running: Evaluator
) -> None:
    lab.report("oven", temperature=31.0, units={"temperature": "Cel"}, _name="Oven")
    lab.report("oven", temperature=33.5, units={"temperature": "Cel"}, _name="Oven")
    settle(running)
    alarm = lab.alarm("hot/oven")
    assert (alarm["state"], alarm["version"], alarm["episodes"]) == ("raised", 1, 1)
    assert (alarm["value"], alarm["threshold"], alarm["title"]) == ("31 °C", "above 30 °C", "hot, Oven")
    assert alarm["message"] == "Oven: temperature is 31 °C, limit 30 °C"
    assert lab.journal() == [("hot/oven", 1, "raised")]
    assert [(row["key"], row["status"], row["to"], row["title"]) for row in lab.outbox()] == [
        ("hot/oven:1@inbox", "pending", "raised", "Info: hot, Oven")
    ]


def test_a_hold_is_stored_before_it_ends_and_pending_is_not_notified(lab: LittleLab, running: Evaluator) -> None:
    lab.report("tap", flow=14.25, units={"flow": "L/min"}, _room="kitchen", _name="Tap")
    settle(running)
    alarm = lab.alarm("leak/tap")
    assert (alarm["state"], alarm["deadline_us"] - alarm["since_us"]) == ("pending", 60_000_000)
    assert (lab.steps("leak/tap"), lab.outbox()) == (["pending"], [])
    lab.hands.advance(59.9)
    settle(running)
    assert lab.alarm("leak/tap")["state"] == "pending"
    lab.hands.advance(0.1)
    settle(running)
    assert lab.steps("leak/tap") == ["pending", "raised"]
    assert [row["key"] for row in lab.outbox()] == ["leak/tap:2@inbox", "leak/tap:2@phone"]
    assert lab.outbox()[0]["body"] == "Tap in kitchen: flow is 14.25 L/min, limit 12"


def test_a_hold_that_ends_leaves_no_notification_and_is_counted(lab: LittleLab, running: Evaluator) -> None:
    lab.report("tap", flow=14)
    settle(running)
    lab.report("tap", flow=11)
    settle(running)
    lab.hands.advance(120)
    settle(running)
    assert (lab.steps("leak/tap"), lab.outbox()) == (["pending"], [])
    assert (lab.alarm("leak/tap")["state"], lab.alarm("leak/tap")["episodes"]) == ("cleared", 0)
    assert running.stats().holds_ended == 1


def test_a_whole_life_is_journalled_and_notified_step_by_step(lab: LittleLab, running: Evaluator) -> None:
    lab.report("tap", flow=14)
    settle(running)
    lab.hands.advance(60)
    settle(running)
    acknowledge(lab.store, "leak/tap", by="anna", clock=lab.clock)
    lab.hands.advance(132)
    lab.report("tap", flow=9)
    settle(running)
    assert lab.steps("leak/tap") == ["pending", "raised", "acknowledged", "cleared"]
    told = [(row["to"], row["title"], row["body"]) for row in lab.outbox() if row["channel"] == "phone"]
    assert told == [
        ("raised", "Critical: Water leak, tap", "tap in: flow is 14, limit 12"),
        (
            "acknowledged",
            "Acknowledged: Water leak, tap",
            "Acknowledged by anna. tap in: flow is 14, limit 12",
        ),
        (
            "cleared",
            "Cleared: Water leak, tap",
            "flow is 9; cleared after 2 min 12 s. It was: tap in: flow is 14, limit 12",
        ),
    ]


def test_only_channels_that_came_with_the_message_are_judged(lab: LittleLab, running: Evaluator) -> None:
    lab.report("oven", temperature=20)
    lab.report("oven", temperature=31)
    settle(running)
    acknowledge(lab.store, "hot/oven", by="anna", clock=lab.clock)
    lab.hands.advance(1)
    lab.report("oven", humidity=40)
    settle(running)
    assert lab.steps("hot/oven") == ["raised", "acknowledged"]
    assert running.stats().late == 0


@pytest.mark.parametrize("value", ["99", "NaN", "n/a", {"deep": 99}, [99]])
def test_a_value_that_is_no_number_is_no_reading(lab: LittleLab, running: Evaluator, value: Any) -> None:
    lab.report("oven", temperature=31)
    lab.report("tap", flow=14)
    lab.hands.advance(1)
    lab.report("oven", temperature=value)
    lab.report("tap", flow=value)
    settle(running)
    assert (lab.steps("hot/oven"), lab.steps("leak/tap")) == (["raised"], ["pending"])
    assert running.stats().no_reading == 2
    lab.hands.advance(59)
    settle(running)
    assert lab.steps("leak/tap") == ["pending", "raised"]


def test_a_boolean_is_one_or_zero(lab: LittleLab, running: Evaluator) -> None:
    lab.report("d1", open=True, _type="door")
    lab.report("d2", open=True, _type="window")
    settle(running)
    lab.hands.advance(1)
    lab.report("d1", open=False, _type="door")
    settle(running)
    assert lab.journal() == [("door/d1", 1, "raised"), ("door/d1", 2, "cleared")]


def test_a_device_that_moves_to_another_type_gets_other_rules(lab: LittleLab, running: Evaluator) -> None:
    lab.report("d1", open=True)
    settle(running)
    lab.hands.advance(1)
    lab.report("d1", open=True, _type="door")
    settle(running)
    assert lab.journal() == [("door/d1", 1, "raised")]


def test_a_late_reading_neither_clears_nor_fires_again(lab: LittleLab, running: Evaluator) -> None:
    now_us = lab.clock.now_us()
    lab.report("oven", temperature=31)
    lab.hands.advance(1)
    lab.report("oven", temperature=20, at_us=now_us - 3_600_000_000)
    settle(running)
    assert lab.steps("hot/oven") == ["raised"]
    lab.report("oven", temperature=21)
    lab.report("oven", temperature=40, at_us=now_us - 1_800_000_000)
    settle(running)
    assert lab.steps("hot/oven") == ["raised", "cleared"]
    assert running.stats().late == 2


def test_a_late_reading_of_a_device_without_alarm_raises_none(lab: LittleLab, running: Evaluator) -> None:
    lab.report("oven", temperature=20)
    lab.report("oven", temperature=40, at_us=lab.clock.now_us() - 1_000_000)
    settle(running)
    assert (lab.journal(), running.stats().late) == ([], 1)


def test_a_clock_that_once_ran_ahead_blocks_nothing(lab: LittleLab, running: Evaluator) -> None:
    lab.report("oven", temperature=31, at_us=lab.clock.now_us() + 3_600_000_000)
    settle(running)
    lab.hands.advance(1)
    lab.report("oven", temperature=20)
    settle(running)
    assert lab.steps("hot/oven") == ["raised", "cleared"]


def test_messages_that_waited_for_hours_are_judged_by_the_time_they_were_measured(
    lab: LittleLab, running: Evaluator
) -> None:
    now_us = lab.clock.now_us()
    for minute, flow in ((120, 14), (119, 5), (60, 14), (58, 14), (30, 5)):
        lab.report("tap", flow=flow, at_us=now_us - minute * 60_000_000)
    settle(running)
    assert lab.steps("leak/tap") == ["pending", "pending", "raised", "cleared"]


@pytest.mark.parametrize("hours", [1, -1, -24 * 400])
def test_setting_the_wall_clock_neither_fires_nor_delays_a_timer(
    lab: LittleLab, running: Evaluator, hours: int
) -> None:
    lab.report("tap", flow=14)
    settle(running)
    lab.hands.step(hours * 3600)
    settle(running)
    assert lab.steps("leak/tap") == ["pending"]
    lab.hands.advance(60)
    settle(running)
    assert lab.steps("leak/tap") == ["pending", "raised"]


def test_a_hold_timer_goes_on_after_a_restart(tmp_path: Path) -> None:
    with little_lab(tmp_path / "table.db") as lab:
        first = evaluator(lab)
        first.step()
        lab.report("tap", flow=14)
        settle(first)
        hands = lab.hands
        hands.advance(30)
    with little_lab(tmp_path / "table.db", hands) as lab:
        second = evaluator(lab)
        settle(second)
        hands.advance(29.9)
        settle(second)
        assert lab.steps("leak/tap") == ["pending"]
        hands.advance(0.1)
        settle(second)
        assert lab.steps("leak/tap") == ["pending", "raised"]


def test_a_timer_that_ran_out_while_nobody_ran_waits_for_what_the_broker_kept(lab: LittleLab) -> None:
    first = evaluator(lab)
    first.step()
    lab.report("tap", flow=14)
    lab.report("bath", flow=14)
    settle(first)
    lab.hands.advance(600)
    second = evaluator(lab)
    settle(second)
    lab.report("tap", flow=3, at_us=lab.clock.now_us() - 590_000_000)
    settle(second)
    lab.hands.advance(1)
    settle(second)
    assert (lab.steps("leak/tap"), lab.steps("leak/bath")) == (["pending"], ["pending", "raised"])


def test_a_timer_waits_for_records_that_are_older_than_its_end(lab: LittleLab, running: Evaluator) -> None:
    lab.report("tap", flow=14)
    settle(running)
    lab.hands.advance(30)
    lab.report("tap", flow=5)
    lab.hands.advance(60)
    settle(running)
    assert lab.steps("leak/tap") == ["pending"]


def test_a_restart_goes_on_behind_the_checkpoint(lab: LittleLab) -> None:
    first = evaluator(lab)
    first.step()
    lab.report("oven", temperature=31)
    lab.report("oven", temperature=20)
    settle(first)
    lab.report("oven", temperature=31)
    second = evaluator(lab)
    assert settle(second) == 1
    assert lab.steps("hot/oven") == ["raised", "cleared", "raised"]
    assert second.stats().resyncs == 0


def test_records_without_transitions_move_the_checkpoint_after_a_second_and_at_the_end(
    lab: LittleLab, running: Evaluator
) -> None:
    for temperature in range(10):
        lab.report("oven", temperature=temperature)
    settle(running)
    assert lab.checkpoint() == "TRIM_HORIZON"
    lab.hands.advance(1)
    lab.report("oven", temperature=10)
    settle(running)
    last = lab.engine.last_sequence()
    assert int(lab.checkpoint()) == last
    lab.report("oven", temperature=11)
    settle(running)
    running.stop()
    assert int(lab.checkpoint()) == last + 1


def test_a_thousand_records_without_transitions_cost_one_checkpoint(lab: LittleLab, running: Evaluator) -> None:
    for number in range(10):
        devices = [lab.next_item(f"oven-{n}", temperature=number) for n in range(100)]
        lab.store.transact_write([Put(DEVICES, item(device)) for device in devices])
    commits = lab.engine.commits
    assert settle(running) == 1000
    assert lab.engine.commits - commits == 1
    assert int(lab.checkpoint()) == lab.engine.last_sequence()


def test_a_trimmed_stream_starts_over_from_the_present_state_and_says_so(
    lab: LittleLab, caplog: pytest.LogCaptureFixture
) -> None:
    first = evaluator(lab)
    first.step()
    lab.report("oven", temperature=20)
    lab.report("cellar", temperature=20)
    settle(first)
    first.stop()
    lab.report("oven", temperature=31)
    lab.hands.advance(30 * 3600)
    lab.report("cellar", temperature=19)
    lab.engine.trim_streams()
    second = evaluator(lab)
    with caplog.at_level(logging.WARNING):
        settle(second)
    assert lab.journal() == [("hot/oven", 1, "raised")]
    assert second.stats().resyncs == 1
    assert "no longer keeps" in second.stats().resync_reason
    assert "present state of 2 devices" in caplog.text


def test_a_stream_that_is_trimmed_under_a_sleeping_evaluator_starts_over(lab: LittleLab, running: Evaluator) -> None:
    lab.report("oven", temperature=20)
    settle(running)
    lab.report("oven", temperature=31)
    lab.hands.advance(30 * 3600)
    lab.engine.trim_streams()
    settle(running)
    assert (lab.steps("hot/oven"), running.stats().resyncs) == (["raised"], 1)


def test_an_evaluator_that_nobody_called_for_an_hour_goes_on_where_it_was(lab: LittleLab, running: Evaluator) -> None:
    lab.report("oven", temperature=20)
    settle(running)
    lab.report("oven", temperature=31)
    lab.report("oven", temperature=20)
    lab.hands.advance(3600)
    settle(running)
    assert (lab.steps("hot/oven"), running.stats().resyncs) == (["raised", "cleared"], 0)


def test_an_old_record_behind_a_snapshot_is_not_judged_twice(lab: LittleLab) -> None:
    lab.report("oven", temperature=31)
    lab.report("oven", temperature=20)
    fresh = evaluator(lab)
    fresh.step()
    assert lab.journal() == []
    assert fresh.stats().resyncs == 1
    lab.report("oven", temperature=31)
    settle(fresh)
    assert lab.steps("hot/oven") == ["raised"]


def test_a_snapshot_judges_every_channel_and_not_only_those_of_the_last_message(lab: LittleLab) -> None:
    lab.report("oven", temperature=31)
    lab.hands.advance(1)
    lab.report("oven", humidity=40)
    evaluator(lab).step()
    assert lab.journal() == [("hot/oven", 1, "raised")]


def test_the_first_start_of_an_empty_lab_is_no_resync(running: Evaluator) -> None:
    assert running.stats().resyncs == 0


def test_the_alarm_of_a_rule_that_is_gone_is_cleared_and_its_hold_ends(lab: LittleLab, running: Evaluator) -> None:
    lab.report("oven", temperature=31)
    lab.report("tap", flow=14)
    settle(running)
    evaluator(lab, RuleSet()).step()
    assert (lab.steps("hot/oven"), lab.steps("leak/tap")) == (["raised", "cleared"], ["pending"])
    assert lab.alarm("leak/tap")["state"] == "cleared"
    assert "Its rule was removed" in lab.outbox()[1]["body"]


def test_the_alarm_of_a_rule_that_selects_other_devices_now_is_cleared(lab: LittleLab, running: Evaluator) -> None:
    lab.report("oven", temperature=31)
    settle(running)
    narrowed = parse_rules('[[rule]]\nid = "hot"\nchannel = "temperature"\nabove = 30\ndevice = "cellar"', "r")
    evaluator(lab, narrowed).step()
    assert lab.steps("hot/oven") == ["raised", "cleared"]


def test_an_item_that_is_not_as_it_should_be_stops_nobody(
    lab: LittleLab, running: Evaluator, caplog: pytest.LogCaptureFixture
) -> None:
    broken = {
        "device": "bad",
        "stored": 1,
        "measured_us": "x",
        "channels": {"temperature": {"value": 99, "at_us": 1}},
    }
    with caplog.at_level(logging.WARNING):
        lab.store.put_item(DEVICES, item(broken))
        lab.store.put_item(DEVICES, item({"device": "worse", "channels": 7, "message_id": 5, "measured_us": 1}))
        lab.report("oven", temperature=31)
        settle(running)
    assert lab.journal() == [("hot/oven", 1, "raised")]
    assert running.stats().malformed == 2
    assert "'bad'" in caplog.text


def test_a_status_message_and_a_deleted_device_change_nothing(lab: LittleLab, running: Evaluator) -> None:
    lab.report("oven", temperature=31)
    settle(running)
    lab.hands.advance(1)
    lab.report("oven", _status="offline")
    lab.store.delete_item(DEVICES, {"device": {"S": "oven"}})
    settle(running)
    assert lab.steps("hot/oven") == ["raised"]


def test_an_acknowledgement_of_somebody_else_is_not_overwritten(lab: LittleLab, running: Evaluator) -> None:
    lab.report("oven", temperature=31)
    settle(running)
    lab.report("oven", temperature=20)
    # The evaluator has read both streams when the person acknowledges: its own write then fails and is decided anew.
    reads = lab.store.get_records

    def read_then_acknowledge(iterator: str, *, limit: int = 1000) -> Any:
        page = reads(iterator, limit=limit)
        if any(record.keys == {"device": {"S": "oven"}} for record in page.records):
            acknowledge(Store(lab.engine), "hot/oven", by="anna", clock=lab.clock)
        return page

    lab.store.get_records = read_then_acknowledge  # type: ignore[method-assign]
    settle(running)
    assert lab.steps("hot/oven") == ["raised", "acknowledged", "cleared"]
    assert running.stats().conflicts == 1


def test_acknowledging_tells_what_stands_in_the_way(lab: LittleLab, running: Evaluator) -> None:
    lab.report("oven", temperature=31)
    settle(running)
    with pytest.raises(AlarmError, match="there is no alarm 'hot/stove'"):
        acknowledge(lab.store, "hot/stove", by="anna", clock=lab.clock)
    with pytest.raises(AlarmError, match=r"changed meanwhile: it is raised \(version 1\)"):
        acknowledge(lab.store, "hot/oven", by="anna", clock=lab.clock, seen_version=0)
    done = acknowledge(lab.store, "hot/oven", by="anna", clock=lab.clock, seen_version=1)
    assert (done.key, done.to, done.by) == ("hot/oven:2", "acknowledged", "anna")
    with pytest.raises(AlarmError, match="was acknowledged by anna already"):
        acknowledge(lab.store, "hot/oven", by="ben", clock=lab.clock)


def test_two_people_who_acknowledge_at_once_make_one_transition(lab: LittleLab, running: Evaluator) -> None:
    lab.report("oven", temperature=31)
    settle(running)
    results: list[str] = []
    gate = threading.Barrier(4)

    def person(name: str) -> None:
        gate.wait()
        try:
            results.append(acknowledge(lab.store, "hot/oven", by=name, clock=lab.clock).by)
        except AlarmError:
            results.append("")

    people = [threading.Thread(target=person, args=(f"p{number}",)) for number in range(4)]
    for thread in people:
        thread.start()
    for thread in people:
        thread.join()
    assert sorted(map(bool, results)) == [False, False, False, True]
    assert lab.steps("hot/oven") == ["raised", "acknowledged"]
    assert [row["key"] for row in lab.outbox()] == ["hot/oven:1@inbox", "hot/oven:2@inbox"]


def test_the_figures_follow_what_people_do(lab: LittleLab, running: Evaluator) -> None:
    lab.report("oven", temperature=31)
    lab.report("stove", temperature=31)
    lab.report("tap", flow=14)
    settle(running)
    acknowledge(lab.store, "hot/oven", by="anna", clock=lab.clock)
    running.step()
    stats = running.stats()
    assert stats.alarms == {"acknowledged": 1, "raised": 1, "pending": 1}
    assert (stats.records, stats.transitions, stats.lag_records) == (3, 3, 0)
    assert stats.evaluate_us.count == stats.record_us.count == 3


def test_a_traced_message_leaves_the_stops_record_and_evaluate_and_leads_to_its_alarm(
    lab: LittleLab, running: Evaluator
) -> None:
    lab.report("oven", temperature=31, _message_id="m-1")
    lab.report("oven", humidity=31)
    settle(running)
    rows = {row["stop"]: row for row in map(plain, lab.store.scan_all(TRACES))}
    assert set(rows) == {"record", "evaluate", "alarm/0000000001/hot/oven"}
    assert rows["evaluate"]["detail"] == "hot: raise"
    assert rows["record"]["at_us"] <= rows["evaluate"]["at_us"]
    assert [row.get("message_id") for row in lab.outbox()] == ["m-1"]


def test_the_trace_of_a_hold_follows_the_alarm_that_its_timer_raises(lab: LittleLab, running: Evaluator) -> None:
    lab.report("tap", flow=14, _message_id="m-1")
    settle(running)
    lab.hands.advance(60)
    settle(running)
    assert {row.get("message_id") for row in lab.outbox()} == {"m-1"}
    acknowledge(lab.store, "leak/tap", by="anna", clock=lab.clock)
    assert [row.get("message_id") for row in lab.outbox() if row["to"] == "acknowledged"] == [None, None]


def test_a_table_that_fails_is_waited_for(lab: LittleLab) -> None:
    class Failing:
        def __init__(self) -> None:
            self.fails = False

        def call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
            if self.fails and operation == "TransactWriteItems":
                raise UnavailableError("the disk is full")
            return lab.engine.call(operation, request)

    transport = Failing()
    running = evaluator(lab, store=Store(transport))
    running.start()
    transport.fails = True
    try:
        lab.report("oven", temperature=31)
        wait_until(lambda: running.stats().errors >= 1)
        assert "disk is full" in running.stats().last_error
        transport.fails = False
        wait_until(lambda: lab.steps("hot/oven") == ["raised"])
    finally:
        running.stop()


def test_a_thread_that_is_woken_raises_at_once_and_wakes_the_notifier(tmp_path: Path) -> None:
    with little_lab(tmp_path / "table.db", SystemClock()) as lab:
        woken = threading.Event()
        running = evaluator(lab, after_commit=woken.set)
        running.start()
        lab.engine.on_commit(lambda _: running.wake())
        try:
            lab.report("oven", temperature=31)
            assert woken.wait(2)
            assert lab.steps("hot/oven") == ["raised"]
        finally:
            running.stop()
        assert not running.is_alive


def test_a_hold_of_a_real_second_is_raised_by_the_thread(tmp_path: Path) -> None:
    quick = parse_rules('[[rule]]\nid = "q"\nchannel = "flow"\nabove = 1\nhold_s = 0.3', "r")
    with little_lab(tmp_path / "table.db", SystemClock()) as lab:
        running = evaluator(lab, quick)
        running.start()
        try:
            lab.report("tap", flow=2)
            wait_until(lambda: lab.steps("q/tap") == ["pending", "raised"])
        finally:
            running.stop()
        alarm = lab.alarm("q/tap")
        assert 0.3 <= (alarm["raised_us"] - alarm["since_us"]) / 1e6 < 1.3


def test_an_alarm_item_that_cannot_be_read_is_left_alone(lab: LittleLab, caplog: pytest.LogCaptureFixture) -> None:
    lab.store.put_item(ALARMS, item({"alarm": "hot/bad", "state": "melted"}))
    with caplog.at_level(logging.WARNING):
        first = evaluator(lab)
        first.step()
    lab.report("oven", temperature=31)
    settle(first)
    assert "hot/bad" in caplog.text
    assert lab.journal() == [("hot/oven", 1, "raised")]
    assert not any(row["alarm"] == "hot/bad" for row in map(plain, lab.store.scan_all(OUTBOX)))

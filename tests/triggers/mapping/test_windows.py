"""Tumbling windows: the state that the function keeps over the batches of a window. The facts are Lambda's."""

from __future__ import annotations

from typing import Any

import pytest

from iotlab.table.values import plain
from tests.triggers.mapping.functions import ROLL_S, Bench, Event, Function, values


def counts(event: Event) -> Any:
    """Count the records of each value, as the documentation's example does."""
    state = dict(event["state"])
    for value in values(event):
        state[value] = state.get(value, 0) + 1
    return {"state": state}


def finals(function: Function) -> list[tuple[Any, bool]]:
    """Return state and early termination of each window's last invocation."""
    return [
        (event["state"], event["isWindowTerminatedEarly"])
        for event in function.events
        if event["isFinalInvokeForWindow"]
    ]


def test_the_event_has_the_windows_members(bench: Bench) -> None:
    function = Function(counts)
    bench.put("a")
    mapping = bench.mapping(function, tumbling_window_s=300)
    mapping.run_until_idle()
    (event,) = function.events
    (record,) = event.pop("Records")
    assert event == {
        "window": {"start": "2025-11-24T04:20:00Z", "end": "2025-11-24T04:25:00Z"},
        "state": {},
        "shardId": event["shardId"],
        "eventSourceARN": record["eventSourceARN"],
        "isFinalInvokeForWindow": False,
        "isWindowTerminatedEarly": False,
    }
    assert event["shardId"].startswith("shardId-")


def test_the_state_goes_from_batch_to_batch_and_ends_with_its_window(bench: Bench) -> None:
    function = Function(counts)
    mapping = bench.mapping(function, tumbling_window_s=60)
    for minute in range(2):
        bench.put("a", "b", key="k")
        mapping.run_until_idle()
        bench.put("a", key=f"{minute}")
        mapping.run_until_idle()
        bench.clock.advance(60)
    bench.settle(mapping, seconds=3)
    assert finals(function) == [({"a": 2, "b": 1}, False)] * 2
    assert mapping.stats().windows == 2


def test_a_batch_never_holds_records_of_two_windows(bench: Bench) -> None:
    function = Function(counts)
    bench.put("a", "b")
    bench.clock.advance(60)
    bench.put("c")
    bench.mapping(function, tumbling_window_s=60).run_until_idle()
    assert function.batches == [["a", "b"], [], ["c"]]
    assert [event["isFinalInvokeForWindow"] for event in function.events] == [False, True, False]


def test_a_restart_goes_on_with_the_windows_state(bench: Bench) -> None:
    function = Function(counts)
    for value in "ab":
        bench.put(value)
        mapping = bench.mapping(function, tumbling_window_s=60)
        mapping.run_until_idle()
        mapping.stop()
    bench.clock.advance(61)
    bench.mapping(function, tumbling_window_s=60).run_until_idle()
    assert finals(function) == [({"a": 1, "b": 1}, False)]


def test_a_response_without_a_state_is_a_failed_invocation(bench: Bench) -> None:
    function = Function(len)
    mapping = bench.mapping(function, tumbling_window_s=60, maximum_retry_attempts=1)
    bench.put("a")
    bench.settle(mapping, seconds=5)
    (letter,) = bench.letters()
    assert letter.error_message.startswith("the response has no state")
    assert function.batches == [["a"], ["a"]]


def test_a_failed_batch_leaves_the_state_as_it_was(bench: Bench) -> None:
    def body(event: Event) -> Any:
        if "p" in values(event):
            raise ValueError("poison")
        return counts(event)

    function = Function(body)
    mapping = bench.mapping(function, tumbling_window_s=60, batch_size=1)
    bench.put("a", "p", "b")
    bench.settle(mapping, seconds=65)
    assert finals(function) == [({"a": 1, "b": 1}, False)]
    assert len(bench.letters()) == 1


def test_the_end_of_a_shard_ends_its_window_early(bench: Bench) -> None:
    function = Function(counts)
    mapping = bench.mapping(function, tumbling_window_s=900)
    bench.clock.advance(ROLL_S - 100)
    bench.put("a")
    mapping.run_until_idle()
    bench.clock.advance(100)
    bench.put("b")
    mapping.run_until_idle()
    assert finals(function) == [({"a": 1}, True)]
    assert function.events[-1]["state"] == {}
    assert values(function.events[-1]) == ["b"]


def test_a_state_of_more_than_a_megabyte_ends_its_window_early(bench: Bench) -> None:
    function = Function(lambda event: {"state": event["state"] | dict.fromkeys(values(event), "x" * 600000)})
    mapping = bench.mapping(function, tumbling_window_s=60, batch_size=1)
    bench.put("a", "b", "c")
    mapping.run_until_idle()
    ((state, is_early),) = finals(function)
    assert (set(state), is_early) == ({"a", "b"}, True)
    assert (values(function.events[-1]), function.events[-1]["state"]) == (["c"], {})


def test_a_large_state_survives_a_restart(bench: Bench) -> None:
    function = Function(lambda event: {"state": event["state"] | dict.fromkeys(values(event), "ü" * 200000)})
    for value in "ab":
        bench.put(value)
        mapping = bench.mapping(function, tumbling_window_s=60)
        mapping.run_until_idle()
        mapping.stop()
    assert function.events[-1]["state"] == {"a": "ü" * 200_000}
    bench.clock.advance(61)
    bench.settle(bench.mapping(function, tumbling_window_s=60), seconds=2)
    rows = [plain(row) for row in bench.store.scan_all("trigger_checkpoints")]
    assert sorted(str(row["shard"])[:8] for row in rows) == ["#mapping", "shardId-"]


def test_a_last_invocation_that_fails_is_kept_with_its_state(bench: Bench) -> None:
    def body(event: Event) -> Any:
        if event["isFinalInvokeForWindow"]:
            raise ValueError("no")
        return counts(event)

    mapping = bench.mapping(Function(body), tumbling_window_s=60)
    bench.put("a")
    bench.settle(mapping, seconds=90)
    (letter,) = bench.letters()
    assert (letter.record, letter.attempts, letter.sequence_number) == ('{"a":1}', 4, "")


@pytest.mark.parametrize("step_s", [-600, 600])
def test_a_wall_clock_that_is_set_loses_no_record(bench: Bench, step_s: float) -> None:
    function = Function(counts)
    mapping = bench.mapping(function, tumbling_window_s=60)
    bench.put("a")
    mapping.run_until_idle()
    bench.clock.step(step_s)
    bench.put("b")
    bench.settle(mapping, seconds=700)
    assert sum(count for state, _ in finals(function) for count in state.values()) == 2

"""Event source mappings on a real table: batches, positions, shards, lanes."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from iotlab.clock import SystemClock
from iotlab.domain.schema import TRIGGER_CHECKPOINTS
from iotlab.errors import UnavailableError
from iotlab.table.values import item
from iotlab.triggers.invoke import InvocationResult
from iotlab.triggers.mapping.mapping import EventSourceMapping
from iotlab.triggers.mapping.settings import MappingSettings
from tests.triggers.mapping.functions import ROLL_S, Bench, Event, Function, values


def test_a_record_arrives_in_the_form_of_a_lambda_event(bench: Bench) -> None:
    function = Function()
    bench.clock.advance(0.75)
    bench.put("one")
    bench.mapping(function).run_until_idle()
    (record,) = function.events[0]["Records"]
    change = record.pop("dynamodb")
    arn = bench.store.stream_arn("things")
    assert record.pop("eventID") == f"{int(change['SequenceNumber']):032x}"
    assert record == {
        "eventName": "INSERT",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "eventSourceARN": arn,
    }
    assert len(change.pop("SequenceNumber")) == 21
    assert change == {
        "ApproximateCreationDateTime": 1_763_958_000,
        "Keys": {"k": {"S": "one"}},
        "NewImage": {"k": {"S": "one"}, "v": {"S": "one"}},
        "SizeBytes": 12,
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    }


def test_a_record_of_the_time_to_live_names_its_service_with_small_letters(bench: Bench) -> None:
    request = {"TableName": "things", "TimeToLiveSpecification": {"Enabled": True, "AttributeName": "until"}}
    bench.store.call("UpdateTimeToLive", request)
    bench.store.put_item("things", item({"k": "old", "until": 1_763_958_010}))
    bench.clock.advance(60)
    bench.engine.housekeeping()
    function = Function()
    bench.mapping(function).run_until_idle()
    removed = function.events[-1]["Records"][-1]
    assert removed["eventName"] == "REMOVE"
    assert removed["userIdentity"] == {"type": "Service", "principalId": "dynamodb.amazonaws.com"}


def test_batches_have_the_batch_size_and_keep_the_order(bench: Bench) -> None:
    function = Function()
    bench.put(*(f"{number:02d}" for number in range(25)))
    bench.mapping(function, batch_size=10).run_until_idle()
    assert [len(batch) for batch in function.batches] == [10, 10, 5]
    assert [value for batch in function.batches for value in batch] == [f"{number:02d}" for number in range(25)]


def test_a_batch_ends_at_six_megabytes(bench: Bench) -> None:
    function = Function()
    for number in range(20):
        bench.store.put_item("things", item({"k": str(number), "v": "x" * 390_000}))
    # A page of GetRecords has 1 MB: only a mapping that waits for more collects several.
    bench.settle(bench.mapping(function, maximum_batching_window_s=1), seconds=3)
    assert [len(event["Records"]) for event in function.events] == [16, 4]


def test_a_batching_window_waits_for_more_records_and_no_longer(bench: Bench) -> None:
    function = Function()
    mapping = bench.mapping(function, batch_size=3, maximum_batching_window_s=10)
    bench.put("a")
    mapping.run_until_idle()
    bench.clock.advance(9)
    mapping.run_until_idle()
    assert function.batches == []
    bench.clock.advance(1)
    mapping.run_until_idle()
    assert function.batches == [["a"]]
    bench.put("b", "c", "d")
    mapping.run_until_idle()
    assert function.batches == [["a"], ["b", "c", "d"]]


def test_latest_begins_with_what_comes_after_the_start_and_keeps_that_over_a_restart(bench: Bench) -> None:
    function = Function()
    bench.put("before")
    bench.clock.advance(1)
    first = bench.mapping(function, starting_position="LATEST")
    first.run_until_idle()
    first.stop()
    bench.put("while nobody reads")
    second = bench.mapping(function, starting_position="LATEST")
    second.run_until_idle()
    bench.put("after")
    second.run_until_idle()
    assert function.batches == [["while nobody reads"], ["after"]]


def test_latest_misses_nothing_when_the_wall_clock_is_set_back(bench: Bench) -> None:
    function = Function()
    mapping = bench.mapping(function, starting_position="LATEST")
    mapping.run_until_idle()
    bench.clock.step(-3600)
    bench.put("a")
    mapping.run_until_idle()
    assert function.batches == [["a"]]


def test_a_restart_goes_on_behind_what_was_handled(wide: Bench) -> None:
    function = Function()
    for part in range(3):
        wide.put(*(f"{part}{number}" for number in range(20)))
        mapping = wide.mapping(function)
        mapping.run_until_idle()
        mapping.stop()
        wide.clock.advance(ROLL_S)
    handled = sorted(value for batch in function.batches for value in batch)
    assert handled == sorted(f"{part}{number}" for part in range(3) for number in range(20))


def test_the_records_of_one_item_keep_their_order_over_rolls_and_lanes(wide: Bench) -> None:
    function = Function()
    mapping = wide.mapping(function, parallelization_factor=4, batch_size=7)
    for number in range(60):
        for key in "abcdefgh":
            wide.put(f"{key}{number:03d}", key=key)
        if number % 20 == 10:
            mapping.run_until_idle()
            wide.clock.advance(ROLL_S)
    mapping.run_until_idle()
    seen = [value for batch in function.batches for value in batch]
    for key in "abcdefgh":
        assert [value for value in seen if value[0] == key] == [f"{key}{number:03d}" for number in range(60)]


def test_another_number_of_lanes_loses_nothing(bench: Bench) -> None:
    seen: list[str] = []

    def refuse_some(event: Event) -> None:
        if "stuck" in values(event):
            raise ValueError("not now")
        seen.extend(values(event))

    function = Function(refuse_some)
    bench.put("stuck", *(f"{number}" for number in range(50)))
    mapping = bench.mapping(function, parallelization_factor=5, maximum_retry_attempts=-1, batch_size=1)
    mapping.run_until_idle()
    mapping.stop()
    function.body = lambda event: seen.extend(values(event))
    second = bench.mapping(function, parallelization_factor=2)
    second.run_until_idle()
    assert set(seen) == {"stuck", *(f"{number}" for number in range(50))}


def test_a_disabled_mapping_keeps_its_position_also_over_a_restart(bench: Bench) -> None:
    function = Function()
    mapping = bench.mapping(function)
    bench.put("a")
    mapping.run_until_idle()
    mapping.switch(enabled=False)
    bench.put("b")
    mapping.run_until_idle()
    mapping.stop()
    second = bench.mapping(function)
    second.run_until_idle()
    assert (function.batches, second.stats().state) == ([["a"]], "disabled")
    second.switch(enabled=True)
    second.run_until_idle()
    assert (function.batches, second.stats().state) == ([["a"], ["b"]], "enabled")


def test_filtered_records_are_passed_over_counted_and_not_read_again(bench: Bench) -> None:
    function = Function()
    pattern = '{"dynamodb": {"NewImage": {"v": {"S": [{"prefix": "yes"}]}}}}'
    mapping = bench.mapping(function, filters=(pattern,))
    bench.put("no 1", "yes 1", "no 2")
    mapping.run_until_idle()
    bench.clock.advance(2)
    mapping.run_until_idle()
    mapping.stop()
    assert (function.batches, mapping.stats().filtered) == ([["yes 1"]], 2)
    second = bench.mapping(function, filters=(pattern,))
    second.run_until_idle()
    assert second.stats().records == 0


def test_a_table_whose_stream_is_opened_anew_is_read_from_the_new_ones_beginning(bench: Bench) -> None:
    function = Function()
    mapping = bench.mapping(function)
    bench.put("a")
    mapping.run_until_idle()
    bench.put("b")
    bench.store.call("UpdateTable", {"TableName": "things", "StreamSpecification": {"StreamEnabled": False}})
    specification = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    bench.store.call("UpdateTable", {"TableName": "things", "StreamSpecification": specification})
    bench.put("c")
    bench.settle(mapping, seconds=3)
    assert function.batches == [["a"], ["b"], ["c"]]


def test_records_that_the_stream_no_longer_keeps_are_counted_as_a_gap(bench: Bench) -> None:
    function = Function()
    mapping = bench.mapping(function)
    bench.put("a")
    mapping.run_until_idle()
    mapping.stop()
    bench.put("lost")
    for _ in range(8):
        bench.clock.advance(ROLL_S)
        bench.engine.housekeeping()
    bench.put("b")
    second = bench.mapping(function)
    second.run_until_idle()
    assert (function.batches, second.stats().gaps) == ([["a"], ["b"]], 1)


def test_a_quiet_week_is_no_gap(bench: Bench) -> None:
    function = Function()
    mapping = bench.mapping(function)
    bench.put("a")
    for _ in range(42):
        mapping.run_until_idle()
        bench.clock.advance(ROLL_S)
        bench.engine.housekeeping()
    bench.put("b")
    mapping.run_until_idle()
    assert (function.batches, mapping.stats().gaps) == ([["a"], ["b"]], 0)
    rows = bench.store.scan(TRIGGER_CHECKPOINTS).items
    assert len(rows) < 12


class Gone(Function):
    """A function whose host has no process for it, for a while."""

    left = 3

    def invoke(self, event: bytes, *, request_id: str = "") -> InvocationResult:
        self.left -= 1
        if self.left >= 0:
            raise UnavailableError("no process can be started")
        return super().invoke(event, request_id=request_id)


def test_a_host_that_is_not_there_uses_up_no_retries(bench: Bench) -> None:
    function = Gone()
    mapping = bench.mapping(function, maximum_retry_attempts=0)
    bench.put("a")
    mapping.step()
    for _ in range(3):
        with pytest.raises(UnavailableError):
            mapping.step_lanes()
    mapping.run_until_idle()
    assert (function.batches, bench.letters()) == ([["a"]], [])


def test_on_threads_a_lane_that_is_stuck_holds_up_no_other_shard(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "table.db", shards=4, is_real_time=True)
    release, seen, lock = threading.Event(), set[str](), threading.Lock()

    def body(event: Event) -> None:
        if "stuck" in values(event):
            release.wait(10)
        with lock:
            seen.update(values(event))

    settings = MappingSettings(name="m", table="things", handler="function", starting_position="TRIM_HORIZON")
    mapping = EventSourceMapping(bench.store, settings, Function(body), clock=SystemClock())
    try:
        mapping.start()
        bench.put("stuck")
        mapping.wake()
        bench.put(*(f"{number}" for number in range(40)))
        mapping.wake()
        waiting = threading.Event()
        for _ in range(100):
            if len(seen) >= 20:
                break
            waiting.wait(0.05)
        assert "stuck" not in seen
        assert len(seen) >= 20
        release.set()
        for _ in range(100):
            if len(seen) == 41:
                break
            waiting.wait(0.05)
        assert len(seen) == 41
    finally:
        release.set()
        mapping.stop()
        bench.close()

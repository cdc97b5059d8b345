"""A function once more over the past of its mapping: the same code is equal, another one shows where it differs."""

from __future__ import annotations

from typing import Any

import pytest

from iotlab.domain.schema import INVOCATIONS, TRIGGER_CHECKPOINTS, TRIGGER_DEAD_LETTERS
from iotlab.errors import UnavailableError
from iotlab.table.fork import ForkedWrite
from iotlab.table.rewind import digest
from iotlab.triggers.mapping import past
from iotlab.triggers.mapping.rerun import Rerun, Verdict, rerun
from iotlab.triggers.mapping.settings import MappingSettings
from tests.triggers.mapping.functions import START_US, Bench, Event, Function, values


def again(bench: Bench, function: Function, *, start_us: int = START_US, **settings: Any) -> Rerun:
    """Re-run a function over all that the mapping ``m`` was given since a time."""
    declared = MappingSettings(name="m", table="things", handler="function", **settings)
    taken = getattr(function, "take_writes", tuple)
    return rerun(bench.store, declared, function, start_us, bench.clock.now_us(), take_writes=taken)


def verdicts(found: Rerun) -> dict[Verdict, int]:
    return {verdict: count for verdict, count in found.counts.items() if count}


def seen(event: Event) -> dict[str, Any]:
    return {"seen": values(event)}


def refuse_poison(event: Event) -> dict[str, Any]:
    if "poison" in values(event):
        raise ValueError("poison")
    return seen(event)


def test_the_same_function_does_what_it_did(wide: Bench) -> None:
    mapping = wide.mapping(Function(seen), batch_size=3, parallelization_factor=2)
    for number in range(20):
        wide.put(f"{number}")
        mapping.run_until_idle()
        wide.clock.advance(1)
    wide.put("a", "b", "c", "d", "e")
    mapping.run_until_idle()
    found = again(wide, Function(seen), batch_size=3, parallelization_factor=2)
    assert set(verdicts(found)) == {"equal"}
    assert found.records == 25
    assert len(found.batches) >= 22


def test_another_function_differs_where_its_response_does(bench: Bench) -> None:
    mapping = bench.mapping(Function(seen))
    for text in ("a", "b", "c"):
        bench.put(text)
        mapping.run_until_idle()
    other = Function(lambda event: seen(event) if values(event) != ["b"] else {"seen": "B"})
    found = again(bench, other)
    assert verdicts(found) == {"equal": 2, "differs": 1}
    [differing] = [one for one in found.batches if one.verdict == "differs"]
    assert differing.then is not None
    assert differing.now is not None
    assert (differing.then.response, differing.now.response) == ('{"seen":["b"]}', '{"seen":"B"}')


def test_a_mended_function_needs_no_splits_and_gives_nothing_up(bench: Bench) -> None:
    bench.put("a", "poison", "b")
    bench.settle(bench.mapping(Function(refuse_poison)), seconds=5)
    found = again(bench, Function(seen))
    assert (found.given_up_then, found.given_up_now) == (1, 0)
    whole = next(one for one in found.batches if one.batch.records == 3)
    assert (whole.verdict, whole.then is not None and whole.then.outcome) == ("differs", "split")
    assert verdicts(found) == {"differs": 1, "only then": len(found.batches) - 1}


def test_a_broken_function_is_split_tried_again_and_given_up_as_it_would_be(bench: Bench) -> None:
    bench.put("a", "poison", "b")
    bench.mapping(Function(seen)).run_until_idle()
    found = again(bench, Function(refuse_poison))
    assert (found.given_up_then, found.given_up_now) == (0, 1)
    last = next(one for one in found.batches if one.now is not None and one.now.outcome == "given up")
    assert (last.verdict, last.attempts_now, last.batch.records) == ("only now", 4, 1)


def test_a_failure_of_then_and_the_same_one_now_are_equal_whatever_the_id_in_their_words(bench: Bench) -> None:
    def fails(event: Event) -> None:
        raise ValueError(f"RequestId: request-{len(broken.events)} timed out")

    broken = Function(fails)
    bench.put("a")
    bench.settle(bench.mapping(broken, maximum_retry_attempts=0), seconds=1)
    assert verdicts(again(bench, broken, maximum_retry_attempts=0)) == {"equal": 1}
    assert len(broken.events) == 2


def test_records_that_were_invoked_with_nothing_then_are_only_now(bench: Bench) -> None:
    mapping = bench.mapping(Function(seen))
    bench.put("a")
    mapping.run_until_idle()
    mapping.switch(enabled=False)
    mapping.run_until_idle()
    bench.put("b")
    found = again(bench, Function(seen))
    assert verdicts(found) == {"equal": 1, "only now": 1}


def test_only_the_records_of_the_span_are_invoked(bench: Bench) -> None:
    mapping = bench.mapping(Function(seen))
    for text in ("old", "new"):
        bench.put(text)
        mapping.run_until_idle()
        bench.clock.advance(60)
    function = Function(seen)
    found = again(bench, function, start_us=bench.clock.now_us() - 61_000_000)
    assert function.batches == [["new"]]
    assert verdicts(found) == {"equal": 1}


def test_windows_that_began_in_the_span_go_through_their_states_again(bench: Bench) -> None:
    def count(event: Event) -> dict[str, Any]:
        so_far = event["state"].get("n", 0)
        return {"state": {"n": so_far + len(event["Records"])}}

    mapping = bench.mapping(Function(count), tumbling_window_s=60)
    for number in range(6):
        bench.put(f"{number}")
        mapping.run_until_idle()
        bench.clock.advance(30)
    bench.clock.advance(90)
    mapping.run_until_idle()
    same = Function(count)
    found = again(bench, same, start_us=START_US + 10_000_000, tumbling_window_s=60)
    assert verdicts(found) == {"equal": 6}
    finals = [event["state"] for event in same.events if event["isFinalInvokeForWindow"]]
    assert finals == [{"n": 2}, {"n": 2}]


def test_a_rerun_writes_nothing_to_the_lab(bench: Bench) -> None:
    bench.put("a", "poison")
    bench.settle(bench.mapping(Function(refuse_poison), maximum_retry_attempts=0), seconds=2)
    tables = ("things", INVOCATIONS, TRIGGER_CHECKPOINTS, TRIGGER_DEAD_LETTERS)
    before = [digest(bench.store.scan_all(table)) for table in tables]
    again(bench, Function(refuse_poison))
    assert [digest(bench.store.scan_all(table)) for table in tables] == before


def test_what_the_function_asked_tables_to_change_stands_with_its_batch(bench: Bench) -> None:
    class Writing(Function):
        written: tuple[ForkedWrite, ...] = ()

        def invoke(self, event: bytes, *, request_id: str = "") -> Any:
            result = super().invoke(event, request_id=request_id)
            self.written = (ForkedWrite("PutItem", {"TableName": "orders", "n": len(self.events)}),)
            return result

        def take_writes(self) -> tuple[ForkedWrite, ...]:
            written, self.written = self.written, ()
            return written

    mapping = bench.mapping(Function(seen))
    for text in ("a", "b"):
        bench.put(text)
        mapping.run_until_idle()
    found = again(bench, Writing(seen))
    assert [[write.request["n"] for write in one.writes] for one in found.batches] == [[1], [2]]


def test_invocations_whose_records_the_stream_no_longer_has_are_counted(bench: Bench) -> None:
    mapping = bench.mapping(Function(seen))
    bench.put("old")
    mapping.run_until_idle()
    bench.clock.advance(5 * 3600)
    bench.engine.housekeeping(retention_s=3600)
    bench.put("new")
    mapping.run_until_idle()
    bench.clock.advance(4 * 3600)
    bench.engine.housekeeping(retention_s=3600)
    found = again(bench, Function(seen))
    assert found.gone >= 1
    assert found.counts["only then"] == found.gone


def test_a_span_with_too_many_records_is_refused(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(past, "MAX_RECORDS", 2)
    bench.put("a", "b", "c")
    with pytest.raises(UnavailableError, match="more than 2 records"):
        again(bench, Function(seen))

"""What a mapping invoked, as the table keeps it."""

from __future__ import annotations

from typing import Any

import pytest

from iotlab.domain.schema import INVOCATIONS, TRACES
from iotlab.errors import UnavailableError
from iotlab.table.values import item, plain
from iotlab.triggers.mapping.invocation import Invocation, list_invocations
from tests.triggers.mapping.functions import Bench, Event, Function, values


def kept(bench: Bench) -> list[Invocation]:
    return list(list_invocations(bench.store, "m"))


def stops(bench: Bench, message_id: str) -> list[dict[str, Any]]:
    page = bench.store.query(TRACES, "id = :id", values={":id": {"S": message_id}})
    return [plain(row) for row in page.items]


def refuse_poison(event: Event) -> dict[str, Any]:
    if "poison" in values(event):
        raise ValueError("poison")
    return {"seen": values(event), "a": 1}


def test_an_invocation_is_kept_with_its_records_outcome_and_response(bench: Bench) -> None:
    bench.put("a", "b")
    mapping = bench.mapping(Function(refuse_poison))
    mapping.run_until_idle()
    [one] = kept(bench)
    assert (one.outcome, one.records, one.attempt, one.error) == ("ok", 2, 1, "")
    assert one.response == '{"seen":["a","b"],"a":1}'
    assert one.first < one.last
    assert mapping.recent() == [one]


def test_splits_retries_and_the_giving_up_are_kept_each_with_its_attempt(bench: Bench) -> None:
    bench.put("a", "poison")
    bench.settle(bench.mapping(Function(refuse_poison), maximum_retry_attempts=1), seconds=5)
    found = [(one.records, one.outcome, one.attempt) for one in kept(bench)]
    assert found == [(2, "split", 1), (1, "ok", 1), (1, "retry", 1), (1, "given up", 2)]
    assert {one.error for one in kept(bench)} == {"", "ValueError: poison"}


def test_what_is_given_up_by_its_age_is_kept_although_nothing_was_invoked(bench: Bench) -> None:
    bench.put("old")
    bench.clock.advance(100)
    bench.mapping(Function(), maximum_record_age_s=60).run_until_idle()
    [one] = kept(bench)
    assert (one.outcome, one.request_id, one.records) == ("expired", "", 1)


def test_the_digest_of_a_response_does_not_depend_on_the_order_of_its_names(bench: Bench) -> None:
    function = Function(lambda event: {"a": 1, "b": 2} if values(event) == ["x"] else {"b": 2, "a": 1})
    bench.put("x", "y")
    bench.mapping(function, batch_size=1).run_until_idle()
    first, second = kept(bench)
    assert first.response != second.response
    assert first.digest == second.digest != ""


def test_a_response_that_is_too_large_to_keep_leaves_its_digest(bench: Bench) -> None:
    bench.put("x")
    bench.mapping(Function(lambda _event: "y" * 40_000)).run_until_idle()
    [one] = kept(bench)
    assert (one.response, len(one.digest)) == ("", 32)


def test_invocations_are_deleted_after_two_days(bench: Bench) -> None:
    bench.put("a")
    bench.mapping(Function()).run_until_idle()
    bench.clock.advance(47 * 3600)
    bench.engine.housekeeping()
    assert len(kept(bench)) == 1
    bench.clock.advance(2 * 3600)
    bench.engine.housekeeping()
    assert kept(bench) == []


def test_a_message_with_an_id_has_a_stop_for_each_invocation_of_its_record(bench: Bench) -> None:
    bench.store.put_item("things", item({"k": "poison", "v": "poison", "message_id": "m-1"}))
    bench.settle(bench.mapping(Function(refuse_poison), maximum_retry_attempts=1), seconds=5)
    found = stops(bench, "m-1")
    assert [row["stop"].rpartition("/")[0] for row in found] == ["handler/m"] * 2
    assert sorted(row["at"] for row in found) == [one.at for one in kept(bench)]


def test_a_change_that_came_with_no_new_message_leaves_no_stop(bench: Bench) -> None:
    bench.store.put_item("things", item({"k": "a", "v": "1", "message_id": "m-1"}))
    mapping = bench.mapping(Function())
    mapping.run_until_idle()
    bench.store.put_item("things", item({"k": "a", "v": "2", "message_id": "m-1"}))
    mapping.run_until_idle()
    assert len(kept(bench)) == 2
    assert len(stops(bench, "m-1")) == 1


def test_a_journal_that_can_not_be_written_is_counted_and_invokes_nothing_twice(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = bench.store.batch_write

    def refuse(writes: Any) -> None:
        if any(write.table == INVOCATIONS for write in writes):
            raise UnavailableError("full")
        whole(writes)

    monkeypatch.setattr(bench.store, "batch_write", refuse)
    function = Function()
    bench.put("a")
    mapping = bench.mapping(function)
    mapping.run_until_idle()
    assert (function.batches, mapping.stats().journal_errors) == ([["a"]], 1)
    assert kept(bench) == []

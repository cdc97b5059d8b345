"""Failing functions: retries, splits, partial batch responses, dead letters, replay. The facts are Lambda's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from iotlab.errors import UnavailableError
from iotlab.triggers.mapping.batch import Batch, judge_failure
from iotlab.triggers.mapping.dead_letters import list_dead_letters
from iotlab.triggers.mapping.record import Entry
from iotlab.triggers.mapping.replay import replay
from iotlab.triggers.mapping.response import read_failures
from iotlab.triggers.mapping.settings import MappingSettings
from tests.triggers.mapping.functions import Bench, Event, Function, values

REPORTS: dict[str, Any] = {"function_response_types": ("ReportBatchItemFailures",)}
ENTRIES = tuple(Entry(str(number), 0, b"{}") for number in range(100, 110))


def fails_at(*poison: str) -> Callable[[Event], None]:
    def body(event: Event) -> None:
        if set(poison) & set(values(event)):
            raise ValueError("poison")

    return body


def reports(*poison: str, handled: list[str]) -> Callable[[Event], Any]:
    """Handle records one by one; stop at the first poison and name it, as a stream's function should."""

    def body(event: Event) -> Any:
        for value, record in zip(values(event), event["Records"], strict=True):
            if value in poison:
                return {"batchItemFailures": [{"itemIdentifier": record["dynamodb"]["SequenceNumber"]}]}
            handled.append(value)
        return {"batchItemFailures": []}

    return body


@pytest.mark.parametrize(
    "response",
    ["null", "{}", "", '{"batchItemFailures": []}', '{"batchItemFailures": null}', '{"other": 1}'],
)
def test_a_response_that_names_nothing_is_complete_success(response: str) -> None:
    assert read_failures(response.encode(), ENTRIES) is None


@pytest.mark.parametrize(
    "response",
    [
        '{"batchItemFailures": [{"itemIdentifier": ""}]}',
        '{"batchItemFailures": [{"itemIdentifier": null}]}',
        '{"batchItemFailures": [{"itemIdentifer": "105"}]}',
        '{"batchItemFailures": [{"itemIdentifier": "105"}, {"itemIdentifier": "999"}]}',
        '{"batchItemFailures": ["105"]}',
        '{"batchItemFailures": "105"}',
        '"ok"',
        "nonsense",
    ],
)
def test_a_response_with_a_bad_identifier_is_complete_failure(response: str) -> None:
    failure = read_failures(response.encode(), ENTRIES)
    assert failure is not None
    assert (failure.first_failed, failure.is_named) == (0, False)


def test_of_several_identifiers_the_lowest_is_where_to_go_on() -> None:
    response = {
        "batchItemFailures": [{"itemIdentifier": "107"}, {"itemIdentifier": "103"}, {"itemIdentifier": "105"}]
    }
    failure = read_failures(msgspec.json.encode(response), ENTRIES)
    assert failure is not None
    assert (failure.first_failed, failure.is_named) == (3, True)


def test_the_cut_of_a_split_is_at_the_identifier_and_no_retry() -> None:
    settings = MappingSettings(name="m", table="t", handler="h")
    failure = read_failures(b'{"batchItemFailures": [{"itemIdentifier": "103"}]}', ENTRIES)
    assert failure is not None
    verdict = judge_failure(Batch(ENTRIES), failure, settings)
    assert (verdict.handled, verdict.again, verdict.is_retry) == (3, (Batch(ENTRIES[3:]),), False)


def test_one_poison_record_ends_alone_among_the_dead_letters_with_its_pointer_document(bench: Bench) -> None:
    function = Function(fails_at("poison"))
    mapping = bench.mapping(function)
    bench.put("a", "b", "poison", "c", "d", "e", "f")
    bench.settle(mapping)
    (letter,) = bench.letters()
    assert msgspec.json.decode(letter.record)["dynamodb"]["NewImage"]["v"]["S"] == "poison"
    document = msgspec.json.decode(letter.document)
    assert document.pop("timestamp") <= "2025-11-24T04:21:00.000Z"
    assert document["requestContext"].pop("requestId").startswith("request-")
    assert document == {
        "requestContext": {
            "functionArn": function.function_arn,
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 4,
        },
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "version": "1.0",
        "DDBStreamBatchInfo": {
            "shardId": letter.shard,
            "startSequenceNumber": letter.sequence_number,
            "endSequenceNumber": letter.sequence_number,
            "approximateArrivalOfFirstRecord": "2025-11-24T04:20:00.000Z",
            "approximateArrivalOfLastRecord": "2025-11-24T04:20:00.000Z",
            "batchSize": 1,
            "streamArn": bench.store.stream_arn("things"),
        },
    }
    alone = [batch for batch in function.batches if batch == ["poison"]]
    succeeded = [value for batch in function.batches if "poison" not in batch for value in batch]
    assert (len(alone), sorted(succeeded)) == (4, ["a", "b", "c", "d", "e", "f"])
    assert (letter.error_type, letter.error_message, letter.attempts) == ("ValueError", "poison", 4)


def test_with_reported_failures_and_splits_every_neighbour_is_handled_once(bench: Bench) -> None:
    handled: list[str] = []
    mapping = bench.mapping(Function(reports("p1", "p2", handled=handled)), **REPORTS)
    bench.put("a", "p1", "b", "c", "d", "p2", "e")
    bench.settle(mapping)
    assert handled == ["a", "b", "c", "d", "e"]
    assert [msgspec.json.decode(one.record)["dynamodb"]["Keys"]["k"]["S"] for one in bench.letters()] == ["p1", "p2"]


def test_reported_failures_are_ignored_unless_the_mapping_asks_for_them(bench: Bench) -> None:
    handled: list[str] = []
    function = Function(reports("p", handled=handled))
    bench.put("a", "p", "b")
    bench.settle(bench.mapping(function))
    assert (function.batches, bench.letters()) == ([["a", "p", "b"]], [])


def test_without_splits_the_whole_batch_is_tried_again_and_given_up(bench: Bench) -> None:
    function = Function(fails_at("p"))
    mapping = bench.mapping(function, bisect_batch_on_function_error=False, maximum_retry_attempts=2)
    bench.put("a", "p", "b")
    bench.settle(mapping)
    assert function.batches == [["a", "p", "b"]] * 3
    assert len(bench.letters()) == 3
    assert {msgspec.json.decode(one.document)["DDBStreamBatchInfo"]["batchSize"] for one in bench.letters()} == {3}


def test_unlimited_retries_go_on_until_the_records_are_too_old(bench: Bench) -> None:
    function = Function(fails_at("p"))
    mapping = bench.mapping(function, maximum_retry_attempts=-1, maximum_record_age_s=60)
    bench.put("p")
    bench.settle(mapping, seconds=40)
    bench.put("a")
    bench.settle(mapping, seconds=80)
    (letter,) = bench.letters()
    assert letter.condition == "RecordAgeExceeded"
    assert (len(function.batches) > 6, function.batches[-1], mapping.stats().expired) == (True, ["a"], 1)


def test_a_retry_waits_longer_each_time(bench: Bench) -> None:
    function = Function(fails_at("p"))
    mapping = bench.mapping(function, maximum_retry_attempts=-1)
    bench.put("p")
    counts = []
    for _ in range(16):
        mapping.run_until_idle()
        counts.append(len(function.batches))
        bench.clock.advance(0.1001)
    assert counts == [1, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4, 5]


class Sink:
    def __init__(self, error: UnavailableError | None = None) -> None:
        self.documents: list[Any] = []
        self._error = error

    def send(self, mapping: str, document: bytes) -> None:
        if self._error is not None:
            raise self._error
        self.documents.append((mapping, msgspec.json.decode(document)))


def test_a_further_destination_gets_the_document_once(bench: Bench) -> None:
    sink = Sink()
    mapping = bench.mapping(Function(fails_at("p")), on_failure="queue", sink=sink)
    bench.put("a", "p")
    bench.settle(mapping)
    ((name, document),) = sink.documents
    assert (name, document["DDBStreamBatchInfo"]["batchSize"]) == ("m", 1)


def test_a_further_destination_that_is_gone_blocks_nothing_and_is_noted(bench: Bench) -> None:
    sink = Sink(UnavailableError("the queue is gone"))
    function = Function(fails_at("p"))
    mapping = bench.mapping(function, on_failure="queue", sink=sink)
    bench.put("p", "a")
    bench.settle(mapping)
    (letter,) = bench.letters()
    assert (letter.sink_error, mapping.stats().sink_errors, function.batches[-1]) == ("the queue is gone", 1, ["a"])


def test_a_long_record_is_kept_whole(bench: Bench) -> None:
    function = Function(fails_at("x" * 390_000, "y" * 390_000))
    mapping = bench.mapping(function, maximum_retry_attempts=0)
    for value in ("x" * 390_000, "y" * 390_000):
        bench.put(value, key="k")
    bench.put("short")
    bench.settle(mapping)
    letters = bench.letters()
    assert [msgspec.json.decode(one.record)["dynamodb"]["NewImage"]["v"]["S"][:1] for one in letters] == ["x", "y"]
    images = msgspec.json.decode(letters[1].record)["dynamodb"]
    assert (len(images["OldImage"]["v"]["S"]), len(images["NewImage"]["v"]["S"])) == (390_000, 390_000)


def test_a_replay_deletes_what_is_handled_and_leaves_what_is_not(bench: Bench) -> None:
    function = Function(fails_at("p1", "p2", "p3"))
    mapping = bench.mapping(function)
    bench.put("p1", "a", "p2", "p3")
    bench.settle(mapping)
    function.body = fails_at("p2")
    report = replay(bench.store, mapping.settings, function, bench.letters())
    assert (report.handled, report.failed, report.errors) == (2, 1, ("ValueError: poison",))
    assert [one.attempts for one in list_dead_letters(bench.store, "m")] == [4]
    assert function.batches[-3:] == [["p1"], ["p2"], ["p3"]]


def test_a_replay_of_reported_failures_goes_on_behind_each_failed_record(bench: Bench) -> None:
    handled: list[str] = []
    function = Function(reports("p1", "p2", "p3", handled=handled))
    mapping = bench.mapping(function, **REPORTS)
    bench.put("p1", "p2", "p3")
    bench.settle(mapping)
    function.body = reports("p2", handled=handled)
    report = replay(bench.store, mapping.settings, function, bench.letters())
    assert (report.handled, report.failed, handled) == (2, 1, ["p1", "p3"])


def test_recent_invocations_tell_what_became_of_each(bench: Bench) -> None:
    mapping = bench.mapping(Function(fails_at("p")), maximum_retry_attempts=1)
    bench.put("a", "p")
    bench.settle(mapping)
    recent = [(one.records, one.outcome) for one in mapping.recent()]
    assert recent == [(2, "split"), (1, "ok"), (1, "retry"), (1, "given up")]
    stats = mapping.stats()
    assert (stats.errors, stats.splits, stats.retries, stats.dead_letters, stats.handled) == (3, 1, 1, 1, 1)
    assert (stats.lag_records, stats.last_error) == (0, "ValueError: poison")

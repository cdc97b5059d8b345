"""The transport against a service that fails in each way that a service may."""

from __future__ import annotations

from typing import Any

import pytest

from iotlab.clock import ManualClock
from iotlab.errors import ThrottledError, UnavailableError
from iotlab.table import errors
from iotlab.table.credentials import Credentials
from iotlab.table.remote import RemoteTransport
from iotlab.table.remote.failures import ServiceError
from iotlab.table.remote.retry import ATTEMPTS
from iotlab.table.store import Put, Store
from iotlab.table.values import item
from tests.table.remote.scripted import HANG_UP, Answer, Service, answer, error, serving

KEYS = Credentials("test", "test")
KEY = {"id": {"S": "x"}}
FOUND = answer(Item=KEY)


class Pauses(list[float]):
    """Takes the place of sleeping."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


def transport(service: Service, **more: Any) -> tuple[RemoteTransport, Pauses]:
    pauses = Pauses()
    return RemoteTransport(service.url, KEYS, sleep=pauses, **more), pauses


def get(remote: RemoteTransport) -> dict[str, Any]:
    return remote.call("GetItem", {"TableName": "t", "Key": KEY})


@pytest.mark.parametrize(
    "refusal",
    [
        error("ProvisionedThroughputExceededException"),
        error("ThrottlingException"),
        error("RequestLimitExceeded"),
        error("LimitExceededException"),
        error("InternalServerError", 500),
        error("ServiceUnavailable", 503),
        (503, b"<html>busy</html>"),
        HANG_UP,
    ],
    ids=["capacity", "throttled", "requests", "limit", "internal", "unavailable", "a proxy's page", "hang-up"],
)
def test_a_read_is_tried_again_after_a_growing_random_pause(refusal: Answer) -> None:
    with serving(refusal, refusal, FOUND) as service:
        remote, pauses = transport(service)
        assert get(remote)["Item"] == KEY
        assert len(service.requests) == 3
    assert len(pauses) == 2
    assert 0 <= pauses[0] <= 0.05
    assert 0 <= pauses[1] <= 0.1
    assert remote.stats.retries == 2
    assert remote.stats.failures == 0


@pytest.mark.parametrize(
    "code",
    [
        "ProvisionedThroughputExceededException",
        "ThrottlingException",
        "RequestLimitExceeded",
        "LimitExceededException",
    ],
)
def test_throttling_that_lasts_is_counted_and_said_with_operation_place_and_hint(code: str) -> None:
    with serving(error(code)) as service:
        remote, _ = transport(service)
        with pytest.raises(ThrottledError) as caught:
            get(remote)
        assert len(service.requests) == ATTEMPTS
        for part in (service.url, "GetItem", code, "told:"):
            assert part in caught.value.message
    assert "more slowly" in caught.value.hint
    assert (remote.stats.throttled, remote.stats.failures) == (ATTEMPTS, 1)


@pytest.mark.parametrize("lost", [HANG_UP, error("InternalServerError", 500)], ids=["hang-up", "internal"])
@pytest.mark.parametrize(
    ("operation", "request_", "attempts"),
    [
        ("PutItem", {"Item": KEY}, 2),
        ("PutItem", {"Item": KEY, "ConditionExpression": "attribute_not_exists(id)"}, 1),
        ("PutItem", {"Item": KEY, "ReturnValues": "ALL_OLD"}, 1),
        ("UpdateItem", {"Key": KEY, "UpdateExpression": "ADD n :one", "ExpressionAttributeValues": {}}, 1),
        ("DeleteItem", {"Key": KEY}, 2),
        ("DeleteItem", {"Key": KEY, "ReturnValues": "ALL_OLD"}, 1),
    ],
    ids=["put", "conditional put", "put that tells", "update", "delete", "delete that tells"],
)
def test_a_write_of_unknown_outcome_is_repeated_only_where_twice_is_as_once(
    lost: Answer, operation: str, request_: dict[str, Any], attempts: int
) -> None:
    with serving(lost, answer()) as service:
        remote, _ = transport(service)
        if attempts == 1:
            with pytest.raises(UnavailableError):
                remote.call(operation, {"TableName": "t"} | request_)
        else:
            remote.call(operation, {"TableName": "t"} | request_)
        assert len(service.requests) == attempts


def test_a_throttled_write_is_always_tried_again_for_it_was_not_done() -> None:
    with serving(error("ThrottlingException"), answer(Attributes=KEY)) as service:
        remote, _ = transport(service)
        Store(remote).update_item("t", KEY, "ADD n :one", values=item({":one": 1}))
        assert len(service.requests) == 2


def test_all_attempts_of_a_transaction_bear_one_token() -> None:
    with serving(HANG_UP, HANG_UP, answer()) as service:
        remote, _ = transport(service)
        Store(remote).transact_write([Put("t", KEY)])
        tokens = [request["ClientRequestToken"] for _, request in service.requests]
    assert len(tokens) == 3
    assert len(set(tokens)) == 1


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        (("None", "ThrottlingError"), ThrottledError),
        (("ProvisionedThroughputExceeded", "None"), ThrottledError),
        (("ThrottlingError", "ConditionalCheckFailed"), errors.TransactionCanceledException),
        (("None", "TransactionConflict"), errors.TransactionCanceledException),
    ],
)
def test_a_canceled_transaction_is_throttling_only_where_nothing_else_is_wrong(
    codes: tuple[str, str], expected: type[Exception]
) -> None:
    reasons = [{"Code": code} for code in codes]
    with serving(error("TransactionCanceledException", CancellationReasons=reasons)) as service:
        remote, _ = transport(service)
        with pytest.raises(expected) as caught:
            Store(remote).transact_write([Put("t", KEY), Put("t", KEY)])
    if isinstance(caught.value, errors.TransactionCanceledException):
        assert tuple(reason.code for reason in caught.value.reasons) == codes


def test_an_error_that_dynamodb_does_not_list_keeps_its_name() -> None:
    with serving(error("ExpiredTokenException")) as service:
        remote, _ = transport(service)
        with pytest.raises(ServiceError) as caught:
            get(remote)
        assert len(service.requests) == 1
    assert caught.value.code == "ExpiredTokenException"
    assert "ExpiredTokenException: told" in caught.value.message


@pytest.mark.parametrize("garbage", [b"<html>Please log in</html>", b'{"Item": {"id": "text"}}', b"[1]"])
def test_a_service_that_does_not_speak_dynamodb_is_named(garbage: bytes) -> None:
    with serving((200, garbage)) as service:
        remote, _ = transport(service)
        with pytest.raises(UnavailableError) as caught:
            get(remote)
        assert service.url in caught.value.message
    assert "table.endpoint_url" in caught.value.hint


def test_nobody_at_the_address_is_said_with_operation_and_place() -> None:
    with serving(FOUND) as service:
        url = service.url
    remote = RemoteTransport(url, KEYS, sleep=lambda _: None)
    with pytest.raises(UnavailableError) as caught:
        remote.call("UpdateItem", {"TableName": "t", "Key": KEY})
    assert f"{url} does not answer UpdateItem" in caught.value.message
    assert remote.stats.retries == ATTEMPTS - 1


def test_what_a_batch_leaves_unprocessed_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.uniform", lambda _low, _high: 0.0)
    other = {"id": {"S": "y"}}
    with serving(
        answer(Responses={"t": [KEY]}, UnprocessedKeys={"t": {"Keys": [other]}}),
        answer(Responses={"t": [other]}),
        answer(UnprocessedItems={"t": [{"PutRequest": {"Item": other}}]}),
        answer(),
    ) as service:
        store = Store(transport(service)[0])
        assert store.batch_get({"t": [KEY, other]})["t"] == [KEY, other]
        store.batch_write([Put("t", KEY), Put("t", other)])
        asked = [request["RequestItems"]["t"] for _, request in service.requests]
    assert [len(some["Keys"]) for some in asked[:2]] == [2, 1]
    assert [len(some) for some in asked[2:]] == [2, 1]


def test_a_batch_that_gets_nowhere_gives_up_as_throttled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.uniform", lambda _low, _high: 0.0)
    with serving(answer(UnprocessedItems={"t": [{"PutRequest": {"Item": KEY}}]})) as service:
        with pytest.raises(ThrottledError):
            Store(transport(service)[0]).batch_write([Put("t", KEY)])
        assert len(service.requests) == 6


def test_a_stream_that_was_read_to_its_end_is_not_asked_again_before_the_interval() -> None:
    record = {"eventName": "INSERT", "dynamodb": {"Keys": KEY, "SequenceNumber": "1" * 21}}
    clock = ManualClock()
    with serving(
        answer(Records=[record], NextShardIterator="two"),
        answer(Records=[], NextShardIterator="three"),
        answer(Records=[record], NextShardIterator="four"),
    ) as service:
        remote, _ = transport(service, poll_s=1.0, clock=clock)
        read = [remote.call("GetRecords", {"ShardIterator": "one"})]
        for _ in range(4):
            read.append(remote.call("GetRecords", {"ShardIterator": read[-1]["NextShardIterator"]}))
            clock.advance(0.4)
        asked = [request["ShardIterator"] for _, request in service.requests]
    assert asked == ["one", "two", "three"]
    assert [len(page["Records"]) for page in read] == [1, 0, 0, 0, 1]


def test_without_a_region_aws_is_refused_with_what_to_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(UnavailableError) as caught:
        RemoteTransport()
    assert "table.region" in caught.value.hint


def test_without_credentials_aws_is_refused_with_what_to_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with serving(FOUND) as service:
        remote = RemoteTransport(service.url, sleep=lambda _: None)
        with pytest.raises(UnavailableError) as caught:
            get(remote)
        assert service.requests == []
    assert "AWS_ACCESS_KEY_ID" in caught.value.hint

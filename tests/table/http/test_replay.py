"""Recorded requests are not taken again, and equal requests of an SDK are."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pytest

from iotlab.clock import ManualClock, SystemClock, to_datetime
from iotlab.table.credentials import Credentials
from iotlab.table.endpoint import Endpoint
from iotlab.table.engine import Engine
from iotlab.table.errors import InvalidSignatureException
from iotlab.table.http.replay import ReplayMemory
from iotlab.table.remote import connect
from iotlab.table.values import item

from .support import Request, send, signed

SIGNATURE = hashlib.sha256(b"x").hexdigest()
REFUSED = "^Signature has been used before"


def check(
    memory: ReplayMemory, clock: ManualClock, attempt: str, *, age_s: float = 0, signature: str = SIGNATURE
) -> None:
    now_s = clock.now_us() / 1_000_000
    memory.check(signature, attempt, signed_at_s=int(now_s - age_s), now_s=now_s, monotonic_s=clock.monotonic_s())


def test_two_attempts_may_bear_one_signature_for_two_seconds(clock: ManualClock) -> None:
    memory = ReplayMemory()
    check(memory, clock, "one 1")
    check(memory, clock, "two 1")
    clock.advance(2)
    check(memory, clock, "two 2", age_s=2)
    clock.advance(0.1)
    with pytest.raises(InvalidSignatureException, match=REFUSED):
        check(memory, clock, "three 1", age_s=2.1)


def test_the_same_attempt_is_refused_at_once(clock: ManualClock) -> None:
    memory = ReplayMemory()
    check(memory, clock, "one 1")
    with pytest.raises(InvalidSignatureException, match=REFUSED):
        check(memory, clock, "one 1")


def test_repeats_without_ids_can_be_allowed_for_two_seconds(clock: ManualClock) -> None:
    memory = ReplayMemory(allow_repeats=True)
    for _ in range(3):
        check(memory, clock, "")
    clock.advance(2.1)
    with pytest.raises(InvalidSignatureException, match=REFUSED):
        check(memory, clock, "", age_s=2.1)


def test_a_signature_is_remembered_as_long_as_it_would_be_accepted(clock: ManualClock) -> None:
    memory = ReplayMemory()
    # Signed by a clock that is almost 15 minutes ahead, so that it holds for almost 30.
    check(memory, clock, "one 1", age_s=-899)
    for _ in range(29):
        clock.advance(60)
        check(memory, clock, "x", signature=hashlib.sha256(str(clock.now_us()).encode()).hexdigest())
    with pytest.raises(InvalidSignatureException, match=REFUSED):
        check(memory, clock, "two 1", age_s=-899 + 29 * 60)
    clock.advance(300)
    check(memory, clock, "y", signature=hashlib.sha256(b"y").hexdigest())
    assert len(memory) <= 20


def test_a_signature_takes_no_more_than_ten_bytes(clock: ManualClock) -> None:
    memory = ReplayMemory()
    for number in range(100_000):
        if number % 1_000 == 0:
            clock.advance(3)
        check(memory, clock, "one 1", signature=f"{number * 0x9E3779B97F4A7C15 % 2**64:016x}")
    clock.advance(3)
    check(memory, clock, "one 1", signature="f" * 16)
    assert len(memory) == 100_001
    assert sum(sys.getsizeof(second._packed) for second in memory._seconds.values()) < 100_001 * 10


@pytest.mark.usefixtures("unharmed")
def test_a_recorded_request_is_refused(keys: Credentials, port: int) -> None:
    request = signed(keys, port, "GetItem", b'{"TableName":"devices","Key":{"device":{"S":"kitchen"}}}')
    request.headers |= {"amz-sdk-invocation-id": "a", "amz-sdk-request": "attempt=1"}
    assert send(port, request).status == 200
    again = send(port, request)
    assert (again.status, again.type) == (400, "InvalidSignatureException")
    request.headers["amz-sdk-request"] = "attempt=2"
    assert send(port, request).status == 200


@pytest.mark.usefixtures("unharmed")
def test_without_numbered_attempts_a_request_is_refused_when_no_byte_of_its_headers_differs(
    keys: Credentials, port: int
) -> None:
    request = signed(keys, port, "ListTables", b"{}")
    assert [send(port, request).status for _ in range(2)] == [200, 400]
    request.headers["Content-Type"] += "   "
    assert [send(port, request).status for _ in range(2)] == [200, 400]


@pytest.mark.usefixtures("unharmed")
def test_a_forged_request_does_not_use_up_a_right_one(keys: Credentials, port: int) -> None:
    right = signed(keys, port, "ListTables", b"{}")
    assert send(port, Request(right.headers, b'{"Limit":1}')).type == "InvalidSignatureException"
    assert send(port, right).status == 200


def test_boto3_may_ask_the_same_thing_many_times_in_a_second(keys: Credentials, endpoint: Endpoint) -> None:
    client = connect(endpoint.url, keys)
    for _ in range(50):
        assert client.get_item("devices", item({"device": "kitchen"})) is not None
    assert endpoint.refused == 0


def test_after_two_seconds_not_even_a_new_attempt_is_taken(tmp_path: Path, keys: Credentials) -> None:
    clock = ManualClock()
    engine = Engine.open(tmp_path / "manual.db", clock=clock)
    endpoint = Endpoint(engine, keys)
    endpoint.start()
    try:
        request = signed(keys, endpoint.port, "ListTables", b"{}", at=to_datetime(clock.now_us()))
        for advance_s, status in ((0, 200), (2, 200), (0.5, 400)):
            clock.advance(advance_s)
            request.headers["amz-sdk-invocation-id"] = f"{clock.now_us()}"
            assert send(endpoint.port, request).status == status
    finally:
        endpoint.stop()
        engine.close()


def test_a_table_that_lives_in_another_time_takes_requests_signed_now(tmp_path: Path, keys: Credentials) -> None:
    engine = Engine.open(tmp_path / "manual.db", clock=ManualClock())
    machine, table_s = (Endpoint(engine, keys, clock=clock) for clock in (SystemClock(), None))
    try:
        for endpoint in (machine, table_s):
            endpoint.start()
        request = signed(keys, machine.port, "ListTables", b"{}")
        assert send(machine.port, request).status == 200
        late = signed(keys, table_s.port, "ListTables", b"{}")
        assert send(table_s.port, late).type == "InvalidSignatureException"
    finally:
        machine.stop()
        table_s.stop()
        engine.close()

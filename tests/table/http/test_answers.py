"""What each answer has, and what bad bodies are answered with."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable

import pytest

from iotlab.errors import UnavailableError
from iotlab.table.credentials import Credentials
from iotlab.table.engine import Engine

from .support import JSON, PUT, Request, headers_for, send, signed


@pytest.mark.parametrize(
    "make",
    [
        signed,
        lambda keys, port: signed(keys, port, "ListTables", b"{}"),
        lambda keys, port: signed(keys, port, "Nothing", b"{}"),
        lambda _keys, _port: Request(headers_for("PutItem"), PUT),
        lambda _keys, _port: Request({}, b"", method="GET"),
        lambda _keys, _port: Request({}, b"", method="PUT"),
        lambda _keys, _port: Request({"Content-Length": "99999999"}, b"", method="POST"),
    ],
)
def test_every_answer_has_a_request_id_and_the_crc32_of_its_body(
    make: Callable[[Credentials, int], Request], keys: Credentials, port: int
) -> None:
    answer = send(port, make(keys, port))
    assert re.fullmatch("[0-9A-Z]{52}", answer.headers["x-amzn-requestid"])
    assert answer.headers["x-amz-crc32"] == str(zlib.crc32(answer.body))
    assert answer.headers["content-length"] == str(len(answer.body))
    assert "date" in answer.headers
    assert "server" not in answer.headers


NO_DOCUMENTS = [
    b"hi",
    b"",
    b"[]",
    b"null",
    b'"x"',
    b"7",
    b"{broken json",
    b"{}}",
    b'{"a":NaN}',
    b'{"a":"\xff"}',
    b'\xef\xbb\xbf{"TableName":"devices"}',
    '{"TableName":"devices"}'.encode("utf-16"),
    b'{"a":"\\ud800"}',
    b'{"":' * 100_000 + b"{}" + b"}" * 100_000,
    b"[" * 1_000_000,
    b'{"a":' + b"9" * 100_000 + b"}",
]


@pytest.mark.usefixtures("unharmed")
def test_a_body_that_is_no_json_object_is_a_serialization_exception(keys: Credentials, port: int) -> None:
    for body in NO_DOCUMENTS:
        answer = send(port, signed(keys, port, "PutItem", body))
        assert (answer.status, answer.body) == (400, b'{"__type":"com.amazon.coral.service#SerializationException"}')
        assert answer.headers["content-type"] == JSON


@pytest.mark.usefixtures("unharmed")
def test_an_unknown_operation_is_refused_by_name(keys: Credentials, port: int) -> None:
    for target in ("DynamoDB_20120810.Nothing", "PutItem", "DynamoDB_20111205.PutItem", "x" * 9000, ""):
        answer = send(port, signed(keys, port, body=PUT, headers={"X-Amz-Target": target}))
        assert (answer.status, answer.body) == (
            400,
            b'{"__type":"com.amazon.coral.service#UnknownOperationException"}',
        )


def test_a_table_that_cant_be_used_now_is_a_503_that_sdks_retry(
    engine: Engine, keys: Credentials, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unavailable(_work: object, **_options: object) -> None:
        raise UnavailableError("the disk is full", hint="Free some space.")

    monkeypatch.setattr(engine, "submit", unavailable)
    answer = send(port, signed(keys, port))
    assert (answer.status, answer.type, answer.message) == (503, "ServiceUnavailable", "the disk is full")
    assert answer.headers["retry-after"] == "1"


def test_a_bug_of_ours_is_logged_and_tells_nothing(
    engine: Engine, keys: Credentials, port: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_work: object, **_options: object) -> None:
        raise ZeroDivisionError("a secret detail")

    monkeypatch.setattr(engine, "submit", broken)
    answer = send(port, signed(keys, port))
    assert (answer.status, answer.type, answer.message) == (500, "InternalServerError", "Internal server error")
    assert "a secret detail" in caplog.text

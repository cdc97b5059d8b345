"""Compressed requests and answers."""

from __future__ import annotations

import gzip
import zlib

import pytest

from iotlab.table.credentials import Credentials
from iotlab.table.engine import Engine
from iotlab.table.http.encodings import choose
from iotlab.table.store import Store
from iotlab.table.values import item

from .support import PUT, send, signed

PACKED = gzip.compress(PUT)


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", PACKED),
        ("GZIP", PACKED),
        ("deflate", zlib.compress(PUT)),
        ("identity", PUT),
        ("gzip", gzip.compress(PUT[:10]) + gzip.compress(PUT[10:])),
        ("gzip, deflate", zlib.compress(PACKED)),
    ],
)
def test_a_compressed_request_is_understood(
    encoding: str, body: bytes, keys: Credentials, port: int, engine: Engine
) -> None:
    request = signed(keys, port, body=body)
    request.headers["Content-Encoding"] = encoding
    assert send(port, request).status == 200
    assert Store(engine).get_item("devices", item({"device": "intruder"})) is not None


@pytest.mark.usefixtures("unharmed")
def test_a_body_that_is_not_of_its_encoding_is_a_500_as_dynamodb_has_it(keys: Credentials, port: int) -> None:
    cases = [
        ("garbage", PUT),
        ("br", PUT),
        ("gzip", PUT),
        ("gzip", b""),
        ("gzip", PACKED + b"junk"),
        ("gzip", PACKED[:-1]),
        ("deflate", PUT),
        ("deflate", b""),
        ("gzip, gzip", PACKED),
        ("gzip", gzip.compress(b"") * 100_000),
    ]
    for number, (encoding, body) in enumerate(cases):
        request = signed(keys, port, body=body)
        request.headers["amz-sdk-invocation-id"] = str(number)
        request.headers["Content-Encoding"] = encoding
        answer = send(port, request)
        assert (answer.status, answer.type) == (500, "InternalServerError"), (encoding, body[:20])


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.usefixtures("unharmed")
def test_a_compressed_bomb_is_refused_at_16_mb(times: int, keys: Credentials, port: int) -> None:
    body = b'{"a":"' + b" " * 200_000_000 + b'"}'
    for _ in range(times):
        body = gzip.compress(body, 9)
    request = signed(keys, port, body=body)
    request.headers["Content-Encoding"] = ", ".join(["gzip"] * times)
    answer = send(port, request)
    assert (answer.status, answer.type) == (413, "RequestTooLargeException")


@pytest.mark.parametrize(("encoding", "window"), [("gzip", 31), ("deflate", 15)])
def test_a_long_answer_is_compressed_for_who_asks(encoding: str, window: int, keys: Credentials, port: int) -> None:
    long = b'{"TableName":"devices","Item":{"device":{"S":"long"},"x":{"S":"%s"}}}' % (b"x" * 5_000)
    assert send(port, signed(keys, port, body=long)).status == 200
    get = b'{"TableName":"devices","Key":{"device":{"S":"%s"}}}'
    plain = send(port, signed(keys, port, "GetItem", get % b"long"))
    assert "content-encoding" not in plain.headers
    packed = send(port, signed(keys, port, "GetItem", get % b"long", headers={"Accept-Encoding": encoding}))
    assert packed.headers["content-encoding"] == encoding
    assert len(packed.body) < 200
    assert packed.headers["x-amz-crc32"] == str(zlib.crc32(packed.body))
    assert zlib.decompress(packed.body, window) == plain.body
    short = send(port, signed(keys, port, "GetItem", get % b"kitchen", headers={"Accept-Encoding": encoding}))
    assert "content-encoding" not in short.headers


@pytest.mark.parametrize(
    ("accepted", "chosen"),
    [
        ("", None),
        ("identity", None),
        ("br, zstd, x-gzip", None),
        ("gzip, deflate", "gzip"),
        ("deflate, gzip", "deflate"),
        ("GZIP", "gzip"),
        ("dog, gzip ,, cat", "gzip"),
        ("gzip;q=0.5, deflate;q=0.8", "deflate"),
        ("gzip;q=0", None),
        ("gzip ; q= 0", None),
        ("*", "gzip"),
        ("*, deflate", "deflate"),
        ("*, gzip;q=0.5", "deflate"),
        ("*;q=0", None),
        ("gzip;q=0.5, identity;q=0.8", "gzip"),
        ("gzip;q=7, deflate;q=9", "gzip"),
        ("deflate;q=0.5, gzip;q=high", "gzip"),
        ("deflate;q=-1, gzip;q=0.1", "gzip"),
        ("gzip;q=0, gzip;q=1", "gzip"),
        ("gzip deflate", None),
        ("gzip;q=nan", "gzip"),
    ],
)
def test_the_encoding_is_the_one_the_client_prefers(accepted: str, chosen: str | None) -> None:
    assert choose(accepted) == chosen

"""Sizes, times, numbers and framing of what a connection sends (group G of bad input)."""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from iotlab.table.credentials import Credentials
from iotlab.table.endpoint import Endpoint
from iotlab.table.http import bounds, connection
from iotlab.table.remote import connect
from iotlab.table.values import item

from .support import PUT, Request, headers_for, read_answer, send, send_bytes, signed

HEAD = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-amz-json-1.0\r\n"


@contextlib.contextmanager
def connected(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as sock:
        yield sock


@pytest.mark.parametrize(
    "data",
    [
        HEAD + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
        HEAD + b"Content-Length: 2\r\nContent-Length: 30\r\n\r\n{}",
        HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        HEAD + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"Content-Length: -1\r\n\r\n",
        HEAD + b"Content-Length: +2\r\n\r\n{}",
        HEAD + b"Content-Length: 2,2\r\n\r\n{}",
        HEAD + b"Content-Length: \xb2\r\n\r\n{}",
        HEAD + b"Host: localhost\r\nContent-Length: 2\r\n\r\n{}",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
        HEAD + b" folded: x\r\n\r\n",
        HEAD + b"Bad\x00Name: x\r\n\r\n",
        b"POST http://localhost/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"CONNECT evil.test:443 HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 300,
        b"\x00" * 100,
    ],
)
@pytest.mark.usefixtures("unharmed")
def test_what_two_programs_could_read_differently_is_refused_and_the_connection_closed(
    data: bytes, port: int
) -> None:
    with connected(port) as sock:
        sock.sendall(data + b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        answer = read_answer(sock)
        assert (answer.status, answer.type) == (400, "SerializationException")
        assert answer.headers["connection"] == "close"
        assert sock.recv(1) == b""


@pytest.mark.usefixtures("unharmed")
def test_an_upgrade_is_not_taken(port: int) -> None:
    upgrade = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    assert send_bytes(port, upgrade).body == b"healthy: localhost "


def test_a_body_of_16_mb_is_taken_and_one_byte_more_is_not(keys: Credentials, port: int) -> None:
    full = b"{" + b" " * (bounds.MAX_BODY_BYTES - 2) + b"}"
    assert send(port, signed(keys, port, "ListTables", full)).status == 200
    answer = send(port, signed(keys, port, "ListTables", full + b" "))
    assert (answer.status, answer.type) == (413, "RequestTooLargeException")
    assert answer.message == "The request is larger than 16777216 bytes"


@pytest.mark.usefixtures("unharmed")
def test_a_body_of_2_gb_is_refused_before_it_is_sent(port: int) -> None:
    answer = send_bytes(port, HEAD + b"Content-Length: 2147483648\r\n\r\n")
    assert answer.status == 413


@pytest.mark.usefixtures("unharmed")
def test_chunks_without_end_are_refused_at_16_mb(keys: Credentials, port: int) -> None:
    request = signed(keys, port)
    lines = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items() if name != "Content-Length")
    chunk = b"%x\r\n" % 1_000_000 + b" " * 1_000_000 + b"\r\n"
    with connected(port) as sock:
        sock.sendall(
            f"POST / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{lines}Transfer-Encoding: chunked\r\n\r\n".encode()
        )
        with contextlib.suppress(ConnectionError):
            for _ in range(18):
                sock.sendall(chunk)
        assert read_answer(sock).status == 413


@pytest.mark.usefixtures("unharmed")
def test_tiny_chunks_with_long_extensions_are_refused(port: int) -> None:
    chunk = b"1;" + b"x" * 60_000 + b"\r\n \r\n"
    with connected(port) as sock:
        sock.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            for _ in range(600):
                sock.sendall(chunk)
        assert read_answer(sock).status in {400, 413}


@pytest.mark.parametrize(
    "start",
    [
        HEAD + b"X: " + b"x" * 17_000 + b"\r\n\r\n",
        HEAD + b"".join(b"X-%d: x\r\n" % number for number in range(2_000)) + b"\r\n",
        b"POST /" + b"x" * 17_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        HEAD + b"X: " + b"x" * 17_000,
        b"GET /" + b"x" * 17_000,
    ],
)
@pytest.mark.usefixtures("unharmed")
def test_headers_and_a_line_above_16_kb_are_refused(start: bytes, port: int) -> None:
    answer = send_bytes(port, start)
    assert (answer.status, answer.message) == (400, "The request's headers are larger than 16384 bytes")


@pytest.mark.parametrize(
    "start",
    [
        b"",
        b"\r\n",
        b"POST / HT",
        HEAD,
        HEAD + b"Content-Length: 100\r\n\r\n{",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{",
    ],
)
@pytest.mark.usefixtures("unharmed")
def test_a_request_that_does_not_arrive_in_time_is_ended(
    start: bytes, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "ARRIVAL_S", 0.2)
    started_s = time.perf_counter()
    with connected(port) as sock:
        sock.sendall(start)
        # The body of an unsigned request is not waited for, so its refusal may come first.
        statuses = []
        while answer := read_answer(sock):
            statuses.append(answer.status)
            if answer.status in {0, 408}:
                break
        assert 408 in statuses or statuses[0] == 400
    assert time.perf_counter() - started_s < 5


@pytest.mark.usefixtures("unharmed")
def test_five_hundred_slow_connections_keep_nobody_out(keys: Credentials, endpoint: Endpoint) -> None:
    slow = []
    for _ in range(500):
        sock = socket.create_connection(("127.0.0.1", endpoint.port), timeout=20)
        slow.append(sock)
        with contextlib.suppress(ConnectionError):
            sock.sendall(b"POST / HTTP/1.1\r\nHost: ")
    client = connect(endpoint.url, keys)
    started_s = time.perf_counter()
    for number in range(20):
        client.put_item("devices", item({"device": "kitchen", "n": 1}))
        assert client.get_item("devices", item({"device": "kitchen"})) is not None, number
    assert time.perf_counter() - started_s < 5
    # The first ones gave way, and were told why.
    assert read_answer(slow[0]).type == "ServiceUnavailable"
    for sock in slow:
        sock.close()


@pytest.mark.usefixtures("unharmed")
def test_when_all_connections_are_at_work_the_answer_is_busy(keys: Credentials, port: int) -> None:
    good = _served(keys, port)
    answer = send(port, Request(headers_for("ListTables"), b"{}"))
    assert (answer.status, answer.type) == (503, "ServiceUnavailable")
    assert answer.message == f"The endpoint serves {bounds.MAX_CONNECTIONS} connections already; try again"
    for sock in good:
        sock.close()


@pytest.mark.usefixtures("unharmed")
def test_connections_that_are_only_kept_open_give_way_to_a_new_one(keys: Credentials, port: int) -> None:
    good = _served(keys, port)
    time.sleep(bounds.IDLE_S + 0.1)
    for _ in range(3):
        assert send(port, Request(headers_for("ListTables"), b"{}")).type == "MissingAuthenticationTokenException"
    good[0].settimeout(5)
    # The one that was idle for the longest was closed, and nothing was sent on it.
    assert good[0].recv(10) == b""
    for sock in good:
        sock.close()


def _served(keys: Credentials, port: int) -> list[socket.socket]:
    """Return as many connections as there may be, each with a request answered on it just now."""
    good: list[socket.socket] = []
    for _ in range(bounds.MAX_CONNECTIONS):
        sock = socket.create_connection(("127.0.0.1", port), timeout=20)
        request = signed(keys, port, "ListTables", b"{}")
        request.headers["amz-sdk-invocation-id"] = str(len(good))
        lines = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items() if name != "Content-Length")
        sock.sendall(f"POST / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{lines}Content-Length: 2\r\n\r\n{{}}".encode())
        good.append(sock)
    assert [read_answer(sock).status for sock in good].count(200) >= bounds.MAX_CONNECTIONS - 2
    return good


@pytest.mark.usefixtures("unharmed")
def test_pipelined_requests_are_answered_in_order(port: int) -> None:
    with connected(port) as sock:
        sock.sendall(b"".join(b"GET / HTTP/1.1\r\nHost: localhost:%d\r\n\r\n" % number for number in range(1, 6)))
        received = b""
        while received.count(b"healthy") < 5:
            received += sock.recv(65_536)
    assert [f"localhost:{number} ".encode() in received for number in range(1, 6)] == [True] * 5


@pytest.mark.usefixtures("unharmed")
def test_a_client_that_resets_in_the_middle_leaves_nothing(keys: Credentials, port: int) -> None:
    request = signed(keys, port)
    lines = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    for cut in (0, 1, 10):
        with connected(port) as sock:
            head = f"POST / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{lines}Content-Length: {len(PUT)}\r\n\r\n".encode()
            sock.sendall(head + PUT[:-1][:cut])
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test_a_refused_body_leaves_the_connection_usable(keys: Credentials, port: int, tmp_path: Path) -> None:
    good = signed(keys, port, "ListTables", b"{}")
    lines = "".join(f"{name}: {value}\r\n" for name, value in good.headers.items() if name != "Content-Length")
    with connected(port) as sock:
        sock.sendall(HEAD + b"X-Amz-Target: DynamoDB_20120810.PutItem\r\nContent-Length: 200000\r\n\r\n")
        assert read_answer(sock).type == "MissingAuthenticationTokenException"
        sock.sendall(b"x" * 200_000)
        sock.sendall(f"POST / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{lines}Content-Length: 2\r\n\r\n{{}}".encode())
        assert read_answer(sock).status == 200

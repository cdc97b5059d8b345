"""A server that does nothing: what a boto3 client and the loopback alone take, which no server can be faster than.

``python -m benchmarks.answer_at_once [FILE]`` prints its URL and a key pair as a line of JSON, gives each operation
the answer that it would have, and ends with its standard input. It serves one connection, and checks and stores
nothing. With a FILE it writes each request that changes something there and waits for its fsync: no server whose
answer means durable can be faster than that.
"""

from __future__ import annotations

import os
import re
import socket
import sys
import threading
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from benchmarks import items

_HEAD = re.compile(rb"x-amz-target: *\w+\.(?P<operation>\w+)|content-length: *(?P<length>\d+)", re.IGNORECASE)
_PARTITION = [items.item(number, 0) for number in range(items.PER_PARTITION)]
_ANSWERS: dict[bytes, dict[str, Any]] = {
    b"CreateTable": {},
    b"DescribeTable": {"Table": {"TableStatus": "ACTIVE"}},
    b"PutItem": {},
    b"GetItem": {"Item": _PARTITION[0]},
    b"Query": {
        "Items": [items.item(number, 0) for number in range(items.PER_PARTITION)],
        "Count": items.PER_PARTITION,
    },
    b"BatchWriteItem": {"UnprocessedItems": {}},
}
_WRITES = {b"PutItem", b"BatchWriteItem"}
_LOG_BYTES = 16 * 1024 * 1024
"""The file is written over and over, as a write-ahead log is: an fsync that grows a file costs twice as much."""

Keep = Callable[[bytes], object]


def main(path: Path | None = None) -> None:
    """Answer until standard input ends; with a file, requests that change something once they are in it."""
    listener = socket.create_server(("127.0.0.1", 0))
    told = {"url": f"http://127.0.0.1:{listener.getsockname()[1]}", "key": "bench", "secret": "bench"}
    print(msgspec.json.encode(told).decode(), flush=True)
    keep: Keep = len if path is None else _log(path)
    threading.Thread(target=_serve, args=(listener, keep), daemon=True).start()
    sys.stdin.read()


def _log(path: Path) -> Keep:
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    os.pwrite(file, bytes(_LOG_BYTES), 0)
    os.fsync(file)
    end = 0

    def keep(body: bytes) -> None:
        nonlocal end
        end = end if end + len(body) <= _LOG_BYTES else 0
        os.pwrite(file, body, end)
        os.fdatasync(file)
        end += len(body)

    return keep


def _serve(listener: socket.socket, keep: Keep) -> None:
    answers = {operation: _response(answer) for operation, answer in _ANSWERS.items()}
    while True:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while (received := _request(connection)) is not None:
            operation, body = received
            if operation in _WRITES:
                keep(body)
            connection.sendall(answers[operation])


def _response(answer: dict[str, Any]) -> bytes:
    body = msgspec.json.encode(answer)
    head = (
        "HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.0\r\n"
        f"content-length: {len(body)}\r\nx-amz-crc32: {zlib.crc32(body)}\r\n\r\n"
    )
    return head.encode() + body


def _request(connection: socket.socket) -> tuple[bytes, bytes] | None:
    """Read one request; return its operation and body, or None when the client has gone."""
    received = b""
    while b"\r\n\r\n" not in received:
        part = connection.recv(65536)
        if not part:
            return None
        received += part
    head, _, body = received.partition(b"\r\n\r\n")
    found = {name: value for match in _HEAD.finditer(head) for name, value in match.groupdict().items() if value}
    while len(body) < int(found["length"]):
        body += connection.recv(65536)
    return found["operation"], body


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)

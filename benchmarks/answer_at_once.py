"""A server that does nothing: what a boto3 client and the loopback alone take, which no server can be faster than.

``python -m benchmarks.answer_at_once`` prints its URL and a key pair as a line of JSON, gives each operation the
answer that it would have, and ends with its standard input. It serves one connection, and checks and stores nothing.
"""

from __future__ import annotations

import re
import socket
import sys
import threading
import zlib
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


def main() -> None:
    """Answer until standard input ends."""
    listener = socket.create_server(("127.0.0.1", 0))
    told = {"url": f"http://127.0.0.1:{listener.getsockname()[1]}", "key": "bench", "secret": "bench"}
    print(msgspec.json.encode(told).decode(), flush=True)
    threading.Thread(target=_serve, args=(listener,), daemon=True).start()
    sys.stdin.read()


def _serve(listener: socket.socket) -> None:
    answers = {operation: _response(answer) for operation, answer in _ANSWERS.items()}
    while True:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while operation := _request(connection):
            connection.sendall(answers[operation])


def _response(answer: dict[str, Any]) -> bytes:
    body = msgspec.json.encode(answer)
    head = (
        "HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.0\r\n"
        f"content-length: {len(body)}\r\nx-amz-crc32: {zlib.crc32(body)}\r\n\r\n"
    )
    return head.encode() + body


def _request(connection: socket.socket) -> bytes:
    """Read one request; return its operation, or nothing when the client has gone."""
    received = b""
    while b"\r\n\r\n" not in received:
        part = connection.recv(65536)
        if not part:
            return b""
        received += part
    head, _, body = received.partition(b"\r\n\r\n")
    found = {name: value for match in _HEAD.finditer(head) for name, value in match.groupdict().items() if value}
    missing = int(found["length"]) - len(body)
    while missing > 0:
        missing -= len(connection.recv(65536))
    return found["operation"]


if __name__ == "__main__":
    main()

"""A receiver of webhooks that notes when it has read each of them.

``python -m benchmarks.timed_receiver`` says its port, and answers each question with what came since the one before.
"""

from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec

from benchmarks.talking import answer_questions


class Told(msgspec.Struct, frozen=True):
    """One notification: the value that it tells of, the monotonic clock, and the time in µs since 1970."""

    value: int
    at_ns: int
    at_us: int


class _Data(msgspec.Struct):
    value: str


class _Document(msgspec.Struct):
    data: _Data


def main() -> None:
    """Listen until standard input ends."""
    came: list[tuple[bytes, int, int]] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            came.append((body, time.monotonic_ns(), time.time_ns() // 1000))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    def taken(_question: object) -> list[Told]:
        taken, came[:] = came[:], []
        read = msgspec.json.Decoder(_Document).decode
        return [Told(int(read(body).data.value), at_ns, at_us) for body, at_ns, at_us in taken]

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    answer_questions(server.server_port, taken)


if __name__ == "__main__":
    main()

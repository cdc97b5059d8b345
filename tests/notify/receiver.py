"""A real local receiver of webhooks that counts what it got and misbehaves on order."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

import msgspec

Answer = Callable[[int], int | str]
"""The number of a request, from 1 → the status to answer with, ``drop`` to hang up, or ``slow`` to answer late."""


class Got(msgspec.Struct):
    """One request that the receiver has taken."""

    header_key: str | None
    body: dict[str, Any]
    headers: dict[str, str] = {}
    raw: bytes = b""

    @property
    def key(self) -> str:
        """The key that Apprise's or our own webhook gives."""
        return str(self.body["key"] if "key" in self.body else self.body["data"]["key"])

    @property
    def is_marked(self) -> bool:
        """Whether it says that it may be a repeat."""
        return bool(self.body.get("possible_repeat") or self.body.get("data", {}).get("possible_repeat"))


class Receiver:
    """Listens on a free loopback port while it is entered."""

    def __init__(self, answer: Answer = lambda _: 200, *, slow_s: float = 0.5) -> None:
        self._answer = answer
        self._slow_s = slow_s
        self._lock = threading.Lock()
        self.requests = 0
        self.got: list[Got] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def url(self) -> str:
        """The receiver for Apprise."""
        return f"json://127.0.0.1:{self._server.server_port}/hook"

    @property
    def web_url(self) -> str:
        """The receiver for our own webhooks."""
        return f"http://127.0.0.1:{self._server.server_port}/hook"

    def keys(self) -> Counter[str]:
        """Return how often each key was taken."""
        with self._lock:
            return Counter(got.key for got in self.got)

    def take(self, got: Got) -> int | str:
        """Count a request and say how to answer; one that is answered with an error is not taken."""
        with self._lock:
            self.requests += 1
            answer = self._answer(self.requests)
            if answer in {200, "drop", "slow"}:
                self.got.append(got)
        if answer == "slow":
            time.sleep(self._slow_s)
        return answer

    def __enter__(self) -> Receiver:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            answer = receiver.take(Got(self.headers["Idempotency-Key"], json.loads(raw), headers, raw))
            if answer == "drop":
                self.close_connection = True
                return
            status = 200 if answer == "slow" else int(answer)
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class's name
            """Say nothing on stderr."""

    return Handler

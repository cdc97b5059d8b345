"""A service that answers by a script, over real HTTP."""

from __future__ import annotations

import json
import threading
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HANG_UP = (0, b"")
"""Close the connection instead of answering."""

Answer = tuple[int, bytes]


def error(code: str, status: int = 400, **more: Any) -> Answer:
    """Return an error in DynamoDB's form."""
    document = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": f"told: {code}"} | more
    return status, json.dumps(document).encode()


def answer(**members: Any) -> Answer:
    """Return a response."""
    return 200, json.dumps(members).encode()


class Service(ThreadingHTTPServer):
    """Gives one answer of the script for each request, and the last one from then on.

    Attributes:
        requests: What came: (operation, request).
    """

    daemon_threads = True

    def __init__(self, script: Sequence[Answer]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script = list(script)
        self.requests: list[tuple[str, dict[str, Any]]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Service
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        service = self.server
        service.requests.append((self.headers["X-Amz-Target"].partition(".")[2], json.loads(body)))
        status, content = service.script.pop(0) if len(service.script) > 1 else service.script[0]
        if not status:
            self.close_connection = True
            self.connection.close()
            return
        self.send_response(status)
        is_page = content.startswith(b"<")
        self.send_header("Content-Type", "text/html" if is_page else "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("x-amz-crc32", str(zlib.crc32(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class's name
        """Say nothing."""


@contextmanager
def serving(*script: Answer) -> Iterator[Service]:
    """Serve a script."""
    service = Service(script)
    thread = threading.Thread(target=service.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield service
    finally:
        service.shutdown()
        thread.join()
        service.server_close()

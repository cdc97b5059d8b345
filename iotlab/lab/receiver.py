"""A local receiver of notifications, as a process of its own: it counts independently of the lab what arrived.

``python -m iotlab.lab.receiver FILE`` prints its port, then writes each notification as one JSON line to FILE.
"""

from __future__ import annotations

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

KEY_HEADER = "Idempotency-Key"
_MAX_BODY_BYTES = 1_000_000


def serve(path: Path) -> None:
    """Serve on a free loopback port until standard input closes."""
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", "0"))
            body = self.rfile.read(min(length, _MAX_BODY_BYTES)).decode(errors="replace")
            line = json.dumps({"key": self.headers.get(KEY_HEADER, ""), "body": body})
            with lock, path.open("a") as file:
                file.write(line + "\n")
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.buffer.read()
    server.shutdown()


if __name__ == "__main__":
    serve(Path(sys.argv[1]))

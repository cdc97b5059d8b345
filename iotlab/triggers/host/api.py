"""The host's side of the Runtime API: HTTP on the listener of one jail, read by whoever waits for its function.

There is no thread: `RuntimeApi.poll` reads what came since the last call. A function waits in
``GET /invocation/next`` meanwhile, as it does on AWS.
"""

from __future__ import annotations

import selectors
import socket
from contextlib import suppress
from http import HTTPStatus

import httptools
import msgspec

from iotlab.triggers.invoke import MAX_PAYLOAD_BYTES

MAX_CONNECTIONS = 8
MAX_HEADER_BYTES = 2 * 2**20
"""AWS's own client sends the stack of an error in a header of up to 1 MB."""

_PIECE = 262_144


class Request(msgspec.Struct):
    """One whole request.

    Attributes:
        connection: Where the answer goes.
        method, path: As sent, such as ``POST`` and ``/2018-06-01/runtime/init/error``.
        headers: By their names in lower case.
        body: At most 6 MB.
        is_too_large: The body was longer, and is not kept.
    """

    connection: Connection
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    is_too_large: bool = False


class Connection:
    """One connection of the function's process; the callbacks are those of `httptools`."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self.requests: list[Request] = []
        self._parser = httptools.HttpRequestParser(self)
        self._begin()

    def feed(self) -> bool:
        """Read what came; False when it is closed or no HTTP."""
        try:
            data = self.socket.recv(_PIECE)
            self._parser.feed_data(data)
        except BlockingIOError:
            return True
        except (OSError, httptools.HttpParserError):
            return False
        return bool(data) and self._header_bytes <= MAX_HEADER_BYTES

    def reply(self, status: HTTPStatus, body: bytes, headers: dict[str, str], timeout_s: float) -> bool:
        """Answer, in one write, so that no packet waits for the acknowledgement of another; False if that fails."""
        lines = [f"HTTP/1.1 {status.value} {status.phrase}", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self.socket.settimeout(max(timeout_s, 0.01))
        try:
            self.socket.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        except OSError:
            return False
        finally:
            self.socket.settimeout(0)
        return True

    def on_url(self, url: bytes) -> None:
        self._url += url
        self._header_bytes += len(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")
        self._header_bytes += len(name) + len(value)

    def on_body(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size <= MAX_PAYLOAD_BYTES:
            self._body.append(piece)
        else:
            self._body.clear()

    def on_message_complete(self) -> None:
        method = self._parser.get_method().decode()
        path = self._url.decode("latin-1")
        is_too_large = self._size > MAX_PAYLOAD_BYTES
        self.requests.append(Request(self, method, path, self._headers, b"".join(self._body), is_too_large))
        self._begin()

    def _begin(self) -> None:
        self._url = b""
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._size = 0
        self._header_bytes = 0


class RuntimeApi:
    """Reads requests from a listener and its connections.

    Args:
        listener: The jail's listening socket.
        selector: Where they are registered, with a `Connection` or the listener as data.
    """

    def __init__(self, listener: socket.socket, selector: selectors.BaseSelector) -> None:
        self._listener = listener
        self._selector = selector
        self._connections: set[Connection] = set()
        listener.settimeout(0)
        selector.register(listener, selectors.EVENT_READ, listener)

    def read(self, ready: object) -> list[Request]:
        """Take in what one ready entry of the selector has; return the requests that are whole now."""
        if ready is self._listener:
            self._accept()
            return []
        if not isinstance(ready, Connection):
            return []
        goes_on = ready.feed()
        requests, ready.requests = ready.requests, []
        if not goes_on:
            self._drop(ready)
        return requests

    def close(self) -> None:
        """Close every connection."""
        for connection in list(self._connections):
            self._drop(connection)
        self._selector.unregister(self._listener)

    def _accept(self) -> None:
        with suppress(OSError):
            accepted, _ = self._listener.accept()
            if len(self._connections) >= MAX_CONNECTIONS:
                accepted.close()
                return
            accepted.settimeout(0)
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = Connection(accepted)
            self._connections.add(connection)
            self._selector.register(accepted, selectors.EVENT_READ, connection)

    def _drop(self, connection: Connection) -> None:
        self._selector.unregister(connection.socket)
        connection.socket.close()
        self._connections.discard(connection)

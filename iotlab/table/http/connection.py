"""One connection: uvicorn's HTTP protocol with limits on size, time and number, and strict framing.

uvicorn itself limits neither a request's headers nor its body nor the time until they have arrived, and a connection
that never sends anything stays open for ever. The parsing stays with llhttp (httptools).
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from typing import Any

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from iotlab.table.errors import DynamoDBError, SerializationException
from iotlab.table.http.answers import Response, error_response, header_lines
from iotlab.table.http.bounds import (
    ARRIVAL_S,
    IDLE_S,
    LINGER_S,
    MAX_BODY_BYTES,
    MAX_CONNECTIONS,
    MAX_HEADER_BYTES,
)
from iotlab.table.http.errors import RequestTooLargeException, ServiceUnavailable

EXTENSION = "iotlab.connection"
"""Where the connection is in a request's ASGI scope, among its extensions."""

HEAD = "iotlab.head"
"""Where the bytes are with which a request began, as they were received."""

_log = logging.getLogger(__name__)
_MAX_RAW_BYTES = 2 * MAX_BODY_BYTES
"""Of one request with the framing of its chunks: nobody needs more framing than content."""

_ONCE = frozenset({b"content-length", b"transfer-encoding", b"host"})
_PHRASES = {400: b"Bad Request", 408: b"Request Timeout", 413: b"Content Too Large", 503: b"Service Unavailable"}


class Connection(HttpToolsProtocol):
    """A client's connection.

    Args:
        config, server_state, app_state: As uvicorn gives them.
        refusals: Counts what is refused here, by the error's name.

    Attributes:
        trusted: True once a request on it had a valid signature; others give way to new connections.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        refusals: Counter[str],
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._refusals = refusals
        self.trusted = False
        self._refusal: Response | None = None
        self._closing = False
        self._in_headers = True
        self._received_bytes = 0
        self._body_bytes = 0
        self._has_cycle = False
        self._head = b""
        self._opened_s = self.loop.time()
        self._heard_s = self._opened_s
        self._since_s: float | None = self._opened_s
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._timer = self.loop.call_later(ARRIVAL_S, self._check_time)
        if len(self.connections) > MAX_CONNECTIONS:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._closing:
            return
        self._unset_keepalive_if_required()
        self._heard_s = self.loop.time()
        if self._since_s is None:
            self._since_s = self._heard_s
        self._received_bytes += len(data)
        if self._in_headers:
            self._head += data
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # HTTP/1.1 goes on: an upgrade is an offer, and nobody has to take it.
            pass
        except httptools.HttpParserError as error:
            if isinstance(error, httptools.HttpParserCallbackError):
                _log.warning("refused as no HTTP request", exc_info=error.__context__)
            self._refuse(SerializationException(f"Invalid HTTP request: {error}"))
        if self._in_headers and self._received_bytes > MAX_HEADER_BYTES:
            self._refuse(_too_long_headers())
        if self._received_bytes > _MAX_RAW_BYTES:
            self._refuse(_too_large())
        if self._refusal is not None:
            self._answer_refusal(self._refusal)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_headers = True
        self._has_cycle = False
        self._body_bytes = 0
        if self._since_s is None:
            self._since_s = self.loop.time()

    def on_header(self, name: bytes, value: bytes) -> None:
        # What comes after the body are trailers: nothing here has a use for them.
        if self._in_headers:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._in_headers = False
        if self._refusal is None:
            self._check_framing()
        if self._refusal is None:
            extensions: dict[str, Any] = {EXTENSION: self, HEAD: self._head}
            self.scope["extensions"] = extensions
            super().on_headers_complete()
            self._has_cycle = True

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        if self._body_bytes > MAX_BODY_BYTES:
            self._refuse(_too_large())
        if self._refusal is None:
            super().on_body(body)

    def on_message_complete(self) -> None:
        self._since_s = None
        self._received_bytes = 0
        self._head = b""
        self._in_headers = True
        if self._refusal is None:
            super().on_message_complete()

    def timeout_keep_alive_handler(self) -> None:
        self._end()

    @property
    def is_busy(self) -> bool:
        """Whether a request on it is being answered."""
        return self.cycle is not None and not self.cycle.response_complete

    @property
    def is_idle(self) -> bool:
        """Whether it is only kept open, for a while already: no request has begun and none is being answered."""
        is_quiet = self._since_s is None and not self.is_busy and not self._closing
        return is_quiet and self.loop.time() - self._heard_s > IDLE_S

    def _check_framing(self) -> None:
        """Refuse what two programs could read as two different requests."""
        found: dict[bytes, bytes] = {}
        size_bytes = len(self.url)
        for name, value in self.headers:
            size_bytes += len(name) + len(value) + 4
            if name in _ONCE:
                if name in found:
                    self._refuse(SerializationException(f"The header {name.decode()} may come only once"))
                found[name] = value.strip().lower()
        if size_bytes > MAX_HEADER_BYTES:
            self._refuse(_too_long_headers())
        if not self.url.startswith((b"/", b"*")):
            self._refuse(SerializationException("The request's target must be a path"))
        self._check_length(found.get(b"content-length"), found.get(b"transfer-encoding"))

    def _check_length(self, length: bytes | None, coding: bytes | None) -> None:
        if coding is not None and (length is not None or coding != b"chunked"):
            self._refuse(
                SerializationException(
                    "The only Transfer-Encoding is chunked, and without a Content-Length beside it"
                )
            )
        elif length is not None and not length.isdigit():
            self._refuse(SerializationException("Content-Length is not a number"))
        elif length is not None and (len(length) > 9 or int(length) > MAX_BODY_BYTES):
            self._refuse(_too_large())

    def _make_room(self) -> None:
        """Close the oldest connection that has shown no valid signature, else the one that was idle for the longest.

        Clients keep connections open that they no longer need, each SDK client its own. Only when all are at work is
        there no room, and this one is told so.
        """
        others = [other for other in self.connections if isinstance(other, Connection) and other is not self]
        waiting = [other for other in others if not other.trusted and not other.is_busy and not other._closing]
        idle = [other for other in others if other.is_idle]
        if waiting:
            min(waiting, key=lambda other: other._opened_s).give_way()
        elif idle:
            min(idle, key=lambda other: other._heard_s).transport.close()
        elif len(others) < 2 * MAX_CONNECTIONS:
            self._refuse(_busy())
        else:
            self._end()

    def give_way(self) -> None:
        """Tell the client that the endpoint is busy, and close."""
        self._refuse(_busy())
        if self._refusal is not None:
            self._answer_refusal(self._refusal)

    def _refuse(self, error: DynamoDBError, status: int | None = None) -> None:
        if self._refusal is None:
            self._refusals[type(error).__name__] += 1
            answer = error_response(error)
            self._refusal = Response(status or answer.status, answer.body, headers=answer.headers)

    def _answer_refusal(self, refusal: Response) -> None:
        """Answer, and read on for a while: a reset would reach the client before the answer."""
        if self._closing or self.transport.is_closing():
            return
        self._closing = True
        if self.is_busy:
            if not self._has_cycle or self.pipeline or self.cycle.response_started:
                # An answer of an earlier request is due on this connection, or half an answer is out.
                self._end()
                return
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        lines = [b"HTTP/1.1 %d %s" % (refusal.status, _PHRASES[refusal.status])]
        lines += [
            name + b": " + value for name, value in (*self.server_state.default_headers, *header_lines(refusal))
        ]
        lines += [b"connection: close", b"", refusal.body]
        self.flow.resume_reading()
        self.transport.write(b"\r\n".join(lines))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(LINGER_S, self._end)

    def _check_time(self) -> None:
        """Look whether a request is late. One timer for a connection costs less than one for each request."""
        now_s = self.loop.time()
        left_s = ARRIVAL_S if self._since_s is None else self._since_s + ARRIVAL_S - now_s
        if left_s > 0:
            self._timer = self.loop.call_later(left_s, self._check_time)
            return
        self._refuse(SerializationException(f"The request did not arrive within {ARRIVAL_S:g} s"), 408)
        if self._refusal is not None:
            self._answer_refusal(self._refusal)

    def _end(self) -> None:
        # Closing would wait for a client that does not read.
        if not self.transport.is_closing():
            self.transport.abort()


def _too_large() -> DynamoDBError:
    return RequestTooLargeException(f"The request is larger than {MAX_BODY_BYTES} bytes")


def _too_long_headers() -> DynamoDBError:
    return SerializationException(f"The request's headers are larger than {MAX_HEADER_BYTES} bytes")


def _busy() -> DynamoDBError:
    return ServiceUnavailable(f"The endpoint serves {MAX_CONNECTIONS} connections already; try again")

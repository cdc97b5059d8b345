"""What a connection receives becomes requests: parsed by llhttp (httptools), with limits on size and strict framing.

No request is handed over that two programs could read as two different ones.
"""

from __future__ import annotations

import logging

import httptools

from iotlab.table.errors import DynamoDBError, SerializationException
from iotlab.table.http.bounds import MAX_BODY_BYTES, MAX_HEADER_BYTES, MAX_WAITING_BYTES
from iotlab.table.http.errors import RequestTooLargeException, ServiceUnavailable
from iotlab.table.http.request import Request

_log = logging.getLogger(__name__)
_MAX_RAW_BYTES = 2 * MAX_BODY_BYTES
"""Of one request with the framing of its chunks: nobody needs more framing than content."""

_ONCE = frozenset({"content-length", "transfer-encoding", "host"})


class Budget:
    """How much all connections hold of bodies that have not arrived whole."""

    def __init__(self) -> None:
        self._held_bytes = 0

    def take(self, size_bytes: int) -> None:
        """Count a part. Raises ServiceUnavailable when it is too much; it is counted nevertheless."""
        self._held_bytes += size_bytes
        if self._held_bytes > MAX_WAITING_BYTES:
            raise ServiceUnavailable("Too many large requests at once; try again")

    def give_back(self, size_bytes: int) -> None:
        """Count parts no longer."""
        self._held_bytes -= size_bytes


class Receiver:
    """Reads the requests of one connection; the callbacks are those of `httptools`.

    Args:
        budget: Shared by all connections.

    Attributes:
        is_within: Whether a request has begun and has not arrived whole, or none has come yet.
        refusal: Why nothing more is read; None while all is well.
    """

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._parser = httptools.HttpRequestParser(self)
        self._done: list[Request] = []
        self._request: Request | None = None
        self._head: Request | None = None
        self._is_over = False
        self.refusal: DynamoDBError | None = None
        self._held_bytes = 0
        self._start()
        self.is_within = True

    def feed(self, data: bytes) -> list[Request]:
        """Return the requests that are whole with this part."""
        self._received_bytes += len(data)
        if self._in_head:
            self._raw_head += data
        self._done = []
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # HTTP/1.1 goes on: an upgrade is an offer, and nobody has to take it.
            pass
        except httptools.HttpParserError as error:
            # Behind a request that is the connection's last, nothing counts.
            self.refusal = None if self._is_over else _reason(error)
        if self.refusal is None:
            self.refusal = self._oversize()
        return self._done

    def new_head(self) -> Request | None:
        """Return a request whose head has arrived since the last call and whose body has not."""
        head, self._head = self._head, None
        return head

    def pass_over(self) -> None:
        """Throw the body away that is arriving: its request is answered already."""
        self._request = None

    def close(self) -> None:
        """Give back what it holds."""
        self._drop_parts()
        self.is_within = False

    def on_message_begin(self) -> None:
        """Begin a request."""
        self.is_within = True
        self._url = b""
        self._headers: dict[str, str] = {}
        self._head_bytes = 0

    def on_url(self, url: bytes) -> None:
        """Take a part of its target."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header. Raises what the request is refused with."""
        if not self._in_head:
            # What comes after the body are trailers: nothing here has a use for them.
            return
        key, text = name.lower().decode("latin-1"), value.decode("latin-1")
        if key in self._headers:
            if key in _ONCE:
                raise SerializationException(f"The header {key} may come only once")
            text = f"{self._headers[key]},{text}"
        self._headers[key] = text
        self._head_bytes += len(name) + len(value) + 4

    def on_headers_complete(self) -> None:
        """Take the head as a whole. Raises what the request is refused with."""
        self._in_head = False
        if len(self._url) + self._head_bytes > MAX_HEADER_BYTES:
            raise _too_long_head()
        if not self._url.startswith((b"/", b"*")):
            raise SerializationException("The request's target must be a path")
        _check_length(self._headers.get("content-length"), self._headers.get("transfer-encoding"))
        target = httptools.parse_url(self._url)
        self._request = self._head = Request(
            self._parser.get_method().decode("latin-1"),
            target.path.decode("latin-1"),
            (target.query or b"").decode("latin-1"),
            self._headers,
            keeps_open=self._parser.should_keep_alive() and self._parser.get_http_version() != "1.0",
        )

    def on_body(self, body: bytes) -> None:
        """Take a part of the body. Raises what the request is refused with."""
        self._body_bytes += len(body)
        if self._body_bytes > MAX_BODY_BYTES:
            raise _too_large()
        if self._request is not None:
            self._parts.append(body)
            self._held_bytes += len(body)
            self._budget.take(len(body))

    def on_message_complete(self) -> None:
        """Hand the request over."""
        request = self._request
        if request is not None:
            request.head = self._raw_head
            request.body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
            self._is_over = not request.keeps_open
            self._done.append(request)
        self._start()

    def _start(self) -> None:
        """Be ready for the next request."""
        self.is_within = False
        self._in_head = True
        self._raw_head = b""
        self._received_bytes = self._body_bytes = 0
        self._request = self._head = None
        self._drop_parts()

    def _drop_parts(self) -> None:
        self._parts: list[bytes] = []
        self._budget.give_back(self._held_bytes)
        self._held_bytes = 0

    def _oversize(self) -> DynamoDBError | None:
        if self._in_head and self._received_bytes > MAX_HEADER_BYTES:
            return _too_long_head()
        return _too_large() if self._received_bytes > _MAX_RAW_BYTES else None


def _reason(error: httptools.HttpParserError) -> DynamoDBError:
    """Return why a request is refused that the parser stopped at; what a callback raised is the parser's context."""
    cause = error.__context__
    if isinstance(cause, DynamoDBError):
        return cause
    if isinstance(error, httptools.HttpParserCallbackError):
        _log.warning("refused as no HTTP request", exc_info=cause)
    return SerializationException(f"Invalid HTTP request: {error}")


def _check_length(length: str | None, coding: str | None) -> None:
    """Refuse a body whose end two programs could see at two places, and one that is too large."""
    if coding is not None and (length is not None or coding.strip().lower() != "chunked"):
        raise SerializationException("The only Transfer-Encoding is chunked, and without a Content-Length beside it")
    if length is not None and not (length.isascii() and length.isdigit()):
        raise SerializationException("Content-Length is not a number")
    if length is not None and (len(length) > 9 or int(length) > MAX_BODY_BYTES):
        raise _too_large()


def _too_large() -> DynamoDBError:
    return RequestTooLargeException(f"The request is larger than {MAX_BODY_BYTES} bytes")


def _too_long_head() -> DynamoDBError:
    return SerializationException(f"The request's headers are larger than {MAX_HEADER_BYTES} bytes")

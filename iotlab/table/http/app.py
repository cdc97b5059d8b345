"""What is done with one HTTP request: who may call, what is asked, and the answer's form.

The order of checks is DynamoDB's, but a large body without a valid signature is never parsed.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, MutableMapping
from concurrent.futures import Executor
from typing import Any, TypeVar

import msgspec

from iotlab.clock import Clock
from iotlab.errors import IotlabError, UnavailableError
from iotlab.table.credentials import Credentials
from iotlab.table.engine import Engine
from iotlab.table.errors import (
    DynamoDBError,
    InternalServerError,
    SerializationException,
    UnknownOperationException,
)
from iotlab.table.http.access import LOOPBACK_NAMES, check_host, check_origin, cors_headers, preflight
from iotlab.table.http.answers import JSON, NOT_FOUND, Response, error_response, header_lines
from iotlab.table.http.bounds import INLINE_BODY_BYTES, MAX_WAITING_BYTES
from iotlab.table.http.connection import EXTENSION, HEAD
from iotlab.table.http.encodings import compress, decompress
from iotlab.table.http.errors import ServiceUnavailable
from iotlab.table.http.replay import ReplayMemory
from iotlab.table.operations import OPERATIONS, PREPARED, STREAM_OPERATIONS, execute_raw
from iotlab.table.served import Served
from iotlab.table.sigv4 import Signature, SignedRequest, check_signature, read_signature
from iotlab.table.sigv4_time import parse

T = TypeVar("T")
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Page = Callable[[], Response]

_TARGETS = {f"DynamoDB_20120810.{name}": name for name in OPERATIONS} | {
    f"DynamoDBStreams_20120810.{name}": name for name in STREAM_OPERATIONS
}
_CONTENT_TYPES = frozenset({JSON, "application/x-amz-json-1.1", "application/json"})
_NO_BODY = frozenset({"TagResource", "UntagResource"})
"""Operations that DynamoDB answers with no body at all."""

_QUICK = "GetItem"
"""The operation that is executed without another thread: one row by its key, 90 µs less for each. A write waits for
the disk, and a page of a query or scan would hold up the other connections."""
_THAT_DECODE = {
    "AttributesToGet",
    "FilterExpression",
    "ProjectionExpression",
    "QueryFilter",
    "ReturnConsumedCapacity",
}
"""Parameters of Query that need each item decoded; without them a page of 1 MB is handed on as it is stored."""

_ATTEMPT = ("amz-sdk-invocation-id", "amz-sdk-request", "aws-sdk-invocation-id", "aws-sdk-retry")
"""The headers in which SDKs say which attempt a request is; the last two are those of PHP."""

_log = logging.getLogger(__name__)
_decode = msgspec.json.Decoder(dict[str, Any]).decode
_encode = msgspec.json.Encoder().encode


class App:
    """The ASGI application of one endpoint.

    Args:
        served: What is served.
        credentials: With what requests must be signed.
        executor: Where operations are executed.
        pages: Path → a function that returns a page. Not signed: they must hold no secret.
        origins: Web pages that may call, such as ``http://localhost:3000``, or ``*`` for all.
        host: The loopback address that it listens on.
        allow_repeats: See `ReplayMemory`.
        clock: The time by which signatures are checked.

    Attributes:
        requests: Requests since the start.
        refusals: Answers with an error, by the error's name.
    """

    def __init__(
        self,
        served: Served,
        credentials: Credentials,
        executor: Executor,
        *,
        pages: Mapping[str, Page],
        origins: Collection[str],
        host: str,
        allow_repeats: bool,
        clock: Clock,
    ) -> None:
        self._served = served
        self._clock = clock
        # What waits for a network, as a table elsewhere does, must not wait on the connections' own thread.
        self._is_near = isinstance(served, Engine)
        self._credentials = credentials
        self._executor = executor
        self._pages = dict(pages)
        self._origins = frozenset(origins)
        self._hosts = LOOPBACK_NAMES | {host}
        self._replays = ReplayMemory(allow_repeats=allow_repeats)
        self._waiting_bytes = 0
        self.requests = 0
        self.refusals: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        self.requests += 1
        headers = _headers(scope)
        kind = _content_type(headers)
        try:
            response = await self._respond(scope, headers, receive)
        except _ClientGone:
            return
        except Exception as error:  # noqa: BLE001  one request's bug must not end the others; it is logged and answered
            response = self._refuse(error, kind if kind in _CONTENT_TYPES else "application/json")
        await _send(send, response, cors_headers(headers, self._origins))

    def _refuse(self, error: Exception, content_type: str) -> Response:
        known = _known(error)
        self.refusals[type(known).__name__] += 1
        return error_response(known, content_type)

    async def _respond(self, scope: Scope, headers: Mapping[str, str], receive: Receive) -> Response:
        check_host(headers, self._hosts)
        check_origin(headers, self._origins)
        match scope["method"]:
            case "POST" if scope["raw_path"] == b"/":
                return await self._post(scope, headers, receive)
            case "GET" | "HEAD":
                return await self._get(scope["raw_path"].decode("latin-1"), headers)
            case "OPTIONS" if "origin" in headers:
                return preflight(headers)
        return NOT_FOUND

    async def _get(self, path: str, headers: Mapping[str, str]) -> Response:
        if path == "/":
            return Response(200, f"healthy: {headers['host']} ".encode("latin-1"), "")
        page = self._pages.get(path)
        return NOT_FOUND if page is None else await self._in_thread(page)

    async def _post(self, scope: Scope, headers: Mapping[str, str], receive: Receive) -> Response:
        request = SignedRequest("POST", "/", scope["query_string"].decode("latin-1"), headers)
        signature = self._try_signature(request)
        if isinstance(signature, DynamoDBError) and not _is_short(headers):
            raise signature
        body = await self._read(receive)
        kind = _content_type(headers)
        if body and kind not in _CONTENT_TYPES:
            # Also what a web page can send as a form, without the browser asking first.
            return NOT_FOUND
        if isinstance(signature, DynamoDBError):
            _check_before_signature(headers, body)
            raise signature
        if len(body) <= INLINE_BODY_BYTES and "content-encoding" not in headers:
            document = self._check_and_decode(request, signature, body)
        else:
            document = await self._in_thread(lambda: self._check_and_decode(request, signature, body))
        self._remember(signature, _attempt(headers, scope["extensions"][HEAD]))
        scope["extensions"][EXTENSION].trusted = True
        operation = _operation(headers)
        if isinstance(document, DynamoDBError):
            raise document
        if self._is_near and _is_quick(operation, document):
            return self._execute(operation, document, kind, headers)
        prepare = PREPARED.get(operation)
        if prepare is not None and isinstance(self._served, Engine) and len(body) <= INLINE_BODY_BYTES:
            # Nobody waits for the disk: the writer's thread says when the commit is durable.
            write: Any = prepare(self._served, document)
            outcome = await asyncio.wrap_future(self._served.submit(write.work))
            return _response(operation, write.finish(outcome, msgspec.Raw), kind, headers)
        return await self._in_thread(lambda: self._execute(operation, document, kind, headers))

    def _try_signature(self, request: SignedRequest) -> Signature | DynamoDBError:
        try:
            return read_signature(self._credentials, request, self._clock.now_us() / 1_000_000)
        except DynamoDBError as error:
            return error

    def _check_and_decode(
        self, request: SignedRequest, signature: Signature, body: bytes
    ) -> dict[str, Any] | DynamoDBError:
        """Return a verified request's document, or why it is none."""
        check_signature(self._credentials, request, signature, body)
        try:
            encoding = request.headers.get("content-encoding")
            return decode(body if encoding is None else decompress(body, encoding))
        except DynamoDBError as error:
            return error

    def _remember(self, signature: Signature, attempt: str) -> None:
        clock = self._clock
        self._replays.check(
            signature.signature,
            attempt,
            signed_at_s=parse(signature.stamp),
            now_s=clock.now_us() / 1_000_000,
            monotonic_s=clock.monotonic_s(),
        )

    def _execute(self, operation: str, document: dict[str, Any], kind: str, headers: Mapping[str, str]) -> Response:
        served = self._served
        if isinstance(served, Engine):
            answer = execute_raw(served, operation, document)
        else:
            answer = served.call(operation, document)
        return _response(operation, answer, kind, headers)

    async def _in_thread(self, function: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, function)

    async def _read(self, receive: Receive) -> bytes:
        """Receive a body; the connection has limited its size."""
        parts: list[bytes] = []
        held_bytes = 0
        try:
            while True:
                event = await receive()
                if event["type"] == "http.disconnect":
                    raise _ClientGone
                parts.append(event["body"])
                if not event["more_body"]:
                    return parts[0] if len(parts) == 1 else b"".join(parts)
                held_bytes += len(parts[-1])
                self._waiting_bytes += len(parts[-1])
                if self._waiting_bytes > MAX_WAITING_BYTES:
                    raise ServiceUnavailable("Too many large requests at once; try again")
        finally:
            self._waiting_bytes -= held_bytes


class _ClientGone(Exception):  # noqa: N818  not an error: nobody waits for an answer
    pass


def decode(body: bytes) -> dict[str, Any]:
    """Return a request's document. Raises SerializationException, like DynamoDB without a message."""
    try:
        return _decode(body)
    except (ValueError, RecursionError):
        raise SerializationException("") from None


def _check_before_signature(headers: Mapping[str, str], body: bytes) -> None:
    """Raise what DynamoDB finds before it looks at a signature."""
    if body and "content-encoding" not in headers:
        decode(body)
    _operation(headers)


def _attempt(headers: Mapping[str, str], head: bytes) -> str:
    """Return what tells two attempts apart that bear one signature.

    Where the client does not number its attempts these are the headers to the last space: a recorded request that is
    sent again has the same.
    """
    numbered = " ".join(headers[name] for name in _ATTEMPT if name in headers)
    return numbered or hashlib.blake2b(head.partition(b"\r\n\r\n")[0], digest_size=8).hexdigest()


def _operation(headers: Mapping[str, str]) -> str:
    operation = _TARGETS.get(headers.get("x-amz-target", ""))
    if operation is None:
        raise UnknownOperationException("")
    return operation


def _known(error: Exception) -> DynamoDBError:
    match error:
        case DynamoDBError():
            return error
        case UnavailableError():
            # DynamoDB's InternalServerError leaves open whether a write happened; here it did not.
            return ServiceUnavailable(error.message)
        case IotlabError():
            return InternalServerError(error.message)
    _log.error("request failed", exc_info=error)
    return InternalServerError("Internal server error")


def _headers(scope: Scope) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in scope["headers"]:
        text, key = value.decode("latin-1"), name.decode("latin-1")
        headers[key] = f"{headers[key]},{text}" if key in headers else text
    return headers


def _response(operation: str, answer: dict[str, Any], kind: str, headers: Mapping[str, str]) -> Response:
    response = Response(200, b"" if operation in _NO_BODY else _encode(answer), kind)
    accepted = headers.get("accept-encoding")
    return response if accepted is None else compress(response, accepted)


def _is_quick(operation: str, document: dict[str, Any]) -> bool:
    """Return whether an operation reads so little that handing it to another thread would cost more."""
    if operation == _QUICK:
        return True
    return operation == "Query" and not document.keys() & _THAT_DECODE


def _content_type(headers: Mapping[str, str]) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def _is_short(headers: Mapping[str, str]) -> bool:
    length = headers.get("content-length", "")
    return "transfer-encoding" not in headers and int(length or 0) <= INLINE_BODY_BYTES


async def _send(send: Send, response: Response, more: tuple[tuple[bytes, bytes], ...]) -> None:
    headers = header_lines(response)
    headers.extend(more)
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})

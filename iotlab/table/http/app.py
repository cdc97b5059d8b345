"""What is done with one HTTP request: who may call, what is asked, and what a refusal says.

The order of checks is DynamoDB's, but a large body without a valid signature is never parsed.
"""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Executor
from functools import partial
from typing import Any

import msgspec

from iotlab.clock import Clock
from iotlab.errors import IotlabError, UnavailableError
from iotlab.table.credentials import Credentials
from iotlab.table.errors import (
    DynamoDBError,
    InternalServerError,
    SerializationException,
    UnknownOperationException,
)
from iotlab.table.http.access import LOOPBACK_NAMES, check_host, check_origin, cors_headers, preflight
from iotlab.table.http.answers import JSON, NOT_FOUND, Response, error_response
from iotlab.table.http.bounds import INLINE_BODY_BYTES
from iotlab.table.http.encodings import decompress
from iotlab.table.http.errors import ServiceUnavailable
from iotlab.table.http.execution import Execution, Later
from iotlab.table.http.replay import ReplayMemory
from iotlab.table.http.request import Request
from iotlab.table.operations import OPERATIONS, STREAM_OPERATIONS
from iotlab.table.served import Served
from iotlab.table.sigv4 import Signature, SignedRequest, check_signature, read_signature
from iotlab.table.sigv4_time import parse

Page = Callable[[], Response]

_TARGETS = {f"DynamoDB_20120810.{name}": name for name in OPERATIONS} | {
    f"DynamoDBStreams_20120810.{name}": name for name in STREAM_OPERATIONS
}
_CONTENT_TYPES = frozenset({JSON, "application/x-amz-json-1.1", "application/json"})
_ATTEMPT = ("amz-sdk-invocation-id", "amz-sdk-request", "aws-sdk-invocation-id", "aws-sdk-retry")
"""The headers in which SDKs say which attempt a request is; the last two are those of PHP."""

_log = logging.getLogger(__name__)
_decode = msgspec.json.Decoder(dict[str, Any]).decode


class App:
    """What one endpoint answers. Used by one thread, the connections'.

    Args:
        served: What is served.
        credentials: With what requests must be signed.
        executor: Where is done what takes long.
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
        self._credentials = credentials
        self._pages = dict(pages)
        self._origins = frozenset(origins)
        self._hosts = LOOPBACK_NAMES | {host}
        self._execution = Execution(served, executor)
        self._replays = ReplayMemory(allow_repeats=allow_repeats)
        self.requests = 0
        self.refusals: Counter[str] = Counter()

    def refuse_early(self, request: Request) -> Response | None:
        """Refuse a request for which its head is enough, so that its long body need not be received."""
        if request.is_short or (request.method, request.path) != ("POST", "/"):
            return None
        try:
            self._check_caller(request)
            self._read_signature(_signed(request))
        except Exception as error:  # noqa: BLE001  as in `answer`
            self.requests += 1
            return self._refused(request, error)
        return None

    def answer(self, request: Request) -> Response | Later:
        """Answer one request, at once or as something to wait for; neither raises."""
        self.requests += 1
        try:
            answer = self._respond(request)
        except Exception as error:  # noqa: BLE001  one request's bug must not end the others; it is logged and answered
            return self._refused(request, error)
        return self._finished(request, answer) if isinstance(answer, Response) else self._later(request, answer)

    async def _later(self, request: Request, answer: Later) -> Response:
        try:
            return self._finished(request, await answer)
        except Exception as error:  # noqa: BLE001  as in `answer`
            return self._refused(request, error)

    def _refused(self, request: Request, error: Exception) -> Response:
        known = _known(error)
        self.refusals[type(known).__name__] += 1
        kind = request.content_type
        return self._finished(request, error_response(known, kind if kind in _CONTENT_TYPES else "application/json"))

    def _finished(self, request: Request, response: Response) -> Response:
        more = cors_headers(request.headers, self._origins)
        return msgspec.structs.replace(response, headers=(*response.headers, *more)) if more else response

    def _respond(self, request: Request) -> Response | Later:
        self._check_caller(request)
        match request.method:
            case "POST" if request.path == "/":
                return self._post(request)
            case "GET" | "HEAD":
                return self._get(request)
            case "OPTIONS" if "origin" in request.headers:
                return preflight(request.headers)
        return NOT_FOUND

    def _check_caller(self, request: Request) -> None:
        check_host(request.headers, self._hosts)
        check_origin(request.headers, self._origins)

    def _get(self, request: Request) -> Response | Later:
        if request.path == "/":
            return Response(200, f"healthy: {request.headers['host']} ".encode("latin-1"), "")
        page = self._pages.get(request.path)
        return NOT_FOUND if page is None else self._execution.in_thread(page)

    def _post(self, request: Request) -> Response | Later:
        signed = _signed(request)
        signature = self._try_signature(signed)
        if isinstance(signature, DynamoDBError) and not request.is_short:
            raise signature
        if request.body and request.content_type not in _CONTENT_TYPES:
            # Also what a web page can send as a form, without the browser asking first.
            return NOT_FOUND
        if isinstance(signature, DynamoDBError):
            _check_before_signature(request)
            raise signature
        check = partial(self._check_and_decode, signed, signature, request.body)
        if len(request.body) <= INLINE_BODY_BYTES and "content-encoding" not in request.headers:
            return self._verified(request, signature, check())
        return self._after_check(request, signature, check)

    async def _after_check(
        self, request: Request, signature: Signature, check: Callable[[], dict[str, Any] | DynamoDBError]
    ) -> Response:
        answer = self._verified(request, signature, await self._execution.in_thread(check))
        return answer if isinstance(answer, Response) else await answer

    def _verified(
        self, request: Request, signature: Signature, document: dict[str, Any] | DynamoDBError
    ) -> Response | Later:
        """Answer a request whose signature is right, if it is new."""
        self._remember(signature, _attempt(request))
        request.is_verified = True
        operation = _operation(request.headers)
        if isinstance(document, DynamoDBError):
            raise document
        return self._execution.start(request, operation, document)

    def _read_signature(self, request: SignedRequest) -> Signature:
        return read_signature(self._credentials, request, self._clock.now_us() / 1_000_000)

    def _try_signature(self, request: SignedRequest) -> Signature | DynamoDBError:
        try:
            return self._read_signature(request)
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


def decode(body: bytes) -> dict[str, Any]:
    """Return a request's document. Raises SerializationException, like DynamoDB without a message."""
    try:
        return _decode(body)
    except (ValueError, RecursionError):
        raise SerializationException("") from None


def _signed(request: Request) -> SignedRequest:
    return SignedRequest(request.method, request.path, request.query, request.headers)


def _check_before_signature(request: Request) -> None:
    """Raise what DynamoDB finds before it looks at a signature."""
    if request.body and "content-encoding" not in request.headers:
        decode(request.body)
    _operation(request.headers)


def _attempt(request: Request) -> str:
    """Return what tells two attempts apart that bear one signature.

    Where the client does not number its attempts these are the headers to the last space: a recorded request that is
    sent again has the same.
    """
    numbered = " ".join(request.headers[name] for name in _ATTEMPT if name in request.headers)
    return numbered or hashlib.blake2b(request.head.partition(b"\r\n\r\n")[0], digest_size=8).hexdigest()


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

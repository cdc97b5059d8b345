"""The loopback endpoint: DynamoDB and DynamoDB Streams over HTTP, with health and metrics beside them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import threading
import zlib
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import msgspec
import uvicorn

from iotlab.clock import Clock
from iotlab.errors import IotlabError, UnavailableError
from iotlab.table.credentials import Credentials
from iotlab.table.engine import Engine
from iotlab.table.errors import (
    AccessDeniedException,
    ConditionalCheckFailedException,
    DynamoDBError,
    InternalServerError,
    SerializationException,
    TransactionCanceledException,
    UnknownOperationException,
)
from iotlab.table.operations import OPERATIONS, STREAM_OPERATIONS, execute_raw
from iotlab.table.sigv4 import SignedRequest, verify

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

MAX_BODY_BYTES = 16 * 1024 * 1024
MAX_CONNECTIONS = 100
_WORKERS = 8
_LOOPBACK_NAMES = {"127.0.0.1", "localhost", "[::1]"}
_TARGETS = {f"DynamoDB_20120810.{name}": name for name in OPERATIONS} | {
    f"DynamoDBStreams_20120810.{name}": name for name in STREAM_OPERATIONS
}
_JSON = "application/x-amz-json-1.0"
_log = logging.getLogger(__name__)


class Response(msgspec.Struct, frozen=True):
    """An HTTP response."""

    status: int
    body: bytes
    content_type: str = _JSON


class Served(Protocol):
    """What an endpoint can serve: the engine, or a transport to a table elsewhere."""

    clock: Clock

    def call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """Execute one operation; see `iotlab.table.store.Transport.call`."""
        ...


class Endpoint:
    """Serves a table on one loopback address.

    Args:
        engine: What is served. Operations go on to a table elsewhere as they are.
        credentials: With what requests must be signed.
        pages: Path → a function that returns a page, such as ``/health``. Not signed: they must hold no secret.
        port: The TCP port; 0 takes a free one.

    Raises:
        UnavailableError: the port is taken.
    """

    def __init__(
        self,
        engine: Served,
        credentials: Credentials,
        *,
        pages: Mapping[str, Callable[[], Response]] | None = None,
        port: int = 0,
    ) -> None:
        self._engine = engine
        self._credentials = credentials
        self._pages = dict(pages or {})
        self._socket = _listen(port)
        self.port: int = self._socket.getsockname()[1]
        self.requests = 0
        self.refused = 0
        self._pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="endpoint")
        config = uvicorn.Config(
            self._app,
            interface="asgi3",
            http="httptools",
            ws="none",
            lifespan="off",
            access_log=False,
            log_level="warning",
            log_config=None,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=MAX_CONNECTIONS,
            timeout_keep_alive=60,
            timeout_graceful_shutdown=2,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="endpoint", daemon=True)

    @property
    def url(self) -> str:
        """The endpoint's URL, for ``--endpoint-url`` and `iotlab.table.remote.connect`."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Serve from now on, on a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Answer what was asked, then close."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(timeout=5)
        self._pool.shutdown(wait=True)
        self._socket.close()

    def _run(self) -> None:
        asyncio.run(self._server.serve(sockets=[self._socket]))

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        self.requests += 1
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        try:
            response = await self._respond(scope, headers, receive)
        except DynamoDBError as error:
            response = error_response(error)
        except UnavailableError as error:
            response = error_response(InternalServerError(error.message))
        except IotlabError as error:
            response = error_response(InternalServerError(str(error)))
        except Exception:  # noqa: BLE001  one request's bug must not end the others; it is logged and answered
            _log.exception("request failed")
            response = error_response(InternalServerError("Internal server error"))
        if response.status >= 400:
            self.refused += 1
        await _send(send, response)

    async def _respond(self, scope: Scope, headers: Mapping[str, str], receive: Receive) -> Response:
        # A browser that was lured to a name which resolves to loopback still sends that name as Host.
        host = headers.get("host", "").rsplit(":", 1)[0] if not headers.get("host", "").endswith("]") else "[::1]"
        if host not in _LOOPBACK_NAMES:
            raise AccessDeniedException(f"Host {headers.get('host', '')!r} is not served here")
        if scope["method"] == "GET":
            page = self._pages.get(scope["path"])
            if page is None:
                return Response(404, b"not found\n", "text/plain")
            return await self._in_thread(page)
        if scope["method"] != "POST":
            return Response(405, b"only GET and POST\n", "text/plain")
        body = await _read(receive)
        path = scope.get("raw_path", b"/").decode("latin-1").split("?")[0]
        query = scope.get("query_string", b"").decode("latin-1")
        now_s = self._engine.clock.now_us() / 1_000_000
        verify(self._credentials, SignedRequest("POST", path, query, headers, body), now_s)
        operation = _TARGETS.get(headers.get("x-amz-target", ""))
        if operation is None:
            raise UnknownOperationException("")
        return await self._in_thread(lambda: self._execute(operation, body))

    async def _in_thread(self, function: Callable[[], Response]) -> Response:
        return await asyncio.get_running_loop().run_in_executor(self._pool, function)

    def _execute(self, operation: str, body: bytes) -> Response:
        try:
            request = msgspec.json.decode(body, type=dict[str, Any])
        except msgspec.DecodeError as error:
            raise SerializationException(f"The request is not DynamoDB JSON: {error}") from error
        if isinstance(self._engine, Engine):
            return Response(200, msgspec.json.encode(execute_raw(self._engine, operation, request)))
        return Response(200, msgspec.json.encode(self._engine.call(operation, request)))


def error_response(error: DynamoDBError) -> Response:
    """Return an error in DynamoDB's JSON form."""
    document: dict[str, Any] = {"__type": error.type, "message": error.message}
    if isinstance(error, ConditionalCheckFailedException) and error.item is not None:
        document["Item"] = error.item
    if isinstance(error, TransactionCanceledException):
        document["Message"] = document.pop("message")
        document["CancellationReasons"] = [{"Code": "None"} | msgspec.to_builtins(reason) for reason in error.reasons]
    return Response(error.status, msgspec.json.encode(document))


def _listen(port: int) -> socket.socket:
    # With the protocol named, asyncio sets TCP_NODELAY on what it accepts; else each answer waits 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        # From here on connections wait in the queue, also those that come before the server has started.
        listener.listen(MAX_CONNECTIONS)
    except OSError as error:
        listener.close()
        raise UnavailableError(
            f"port {port} on 127.0.0.1 can't be used for the endpoint: {error.strerror}",
            hint="Choose another with --endpoint-port, or 0 for a free one.",
        ) from error
    return listener


async def _read(receive: Receive) -> bytes:
    parts: list[bytes] = []
    size_bytes = 0
    while True:
        event = await receive()
        if event["type"] == "http.disconnect":
            raise SerializationException("The client went away in the middle of its request")
        parts.append(event.get("body", b""))
        size_bytes += len(parts[-1])
        if size_bytes > MAX_BODY_BYTES:
            raise SerializationException(f"The request is larger than {MAX_BODY_BYTES} bytes")
        if not event.get("more_body"):
            return b"".join(parts)


async def _send(send: Send, response: Response) -> None:
    headers = [
        (b"content-type", response.content_type.encode()),
        (b"content-length", str(len(response.body)).encode()),
        (b"x-amz-crc32", str(zlib.crc32(response.body)).encode()),
    ]
    # A client that has gone needs no answer.
    with contextlib.suppress(ConnectionError):
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        await send({"type": "http.response.body", "body": response.body})

"""The loopback endpoint: DynamoDB and DynamoDB Streams over HTTP, with health and metrics beside them."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections import Counter
from collections.abc import Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, cast

import uvicorn

from iotlab.clock import Clock
from iotlab.errors import UnavailableError
from iotlab.table.credentials import Credentials
from iotlab.table.engine import Engine
from iotlab.table.http.answers import Response
from iotlab.table.http.app import App, Page
from iotlab.table.http.bounds import MAX_CONNECTIONS
from iotlab.table.http.connection import Connection
from iotlab.table.http.receiving import Budget
from iotlab.table.served import Served

__all__ = ["Endpoint", "Response"]

LOOPBACK = "127.0.0.1"
_WORKERS = 8
_DRAIN_S = 2


class Endpoint:
    """Serves a table on one loopback address.

    Args:
        served: What is served. Operations go on to a table elsewhere as they are.
        credentials: With what requests must be signed.
        pages: Path → a function that returns a page, such as ``/health``. Not signed: they must hold no secret.
        port: The TCP port; 0 takes a free one.
        host: The loopback address: ``127.0.0.1`` or ``::1``.
        origins: Web pages that may call, such as ``http://localhost:3000``, or ``*`` for all; none without.
        allow_repeats: Take equal requests in one second from an SDK that gives its attempts no ids; a recorded
            request could then be sent again for two seconds.
        listener: A listening socket to serve on, instead of a port of this machine; it is closed at the end.
        clock: The time by which signatures are checked; None takes the table's.

    Raises:
        UnavailableError: the port is taken.
    """

    def __init__(
        self,
        served: Served,
        credentials: Credentials,
        *,
        pages: Mapping[str, Page] | None = None,
        port: int = 0,
        host: str = LOOPBACK,
        origins: Collection[str] = (),
        allow_repeats: bool = False,
        listener: socket.socket | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._host = host
        self._socket = listener or _listen(host, port)
        self.port: int = self._socket.getsockname()[1]
        if isinstance(served, Engine):
            served.address = f"{host}:{self.port}"
        self._pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="endpoint")
        self._app = App(
            served,
            credentials,
            self._pool,
            pages=pages or {},
            origins=origins,
            host=host,
            allow_repeats=allow_repeats,
            clock=clock or served.clock,
        )
        connect = partial(Connection, app=self._app, refusals=self._app.refusals, budget=Budget())
        config = uvicorn.Config(
            # The connections ask it themselves; uvicorn has only the listening, the counting and the end.
            cast("Any", self._app),
            interface="asgi3",
            # uvicorn calls it as it would the class.
            http=cast("type[asyncio.Protocol]", connect),
            ws="none",
            lifespan="off",
            access_log=False,
            log_level="warning",
            log_config=None,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=_DRAIN_S,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="endpoint", daemon=True)

    @property
    def url(self) -> str:
        """The endpoint's URL, for ``--endpoint-url`` and `iotlab.table.remote.connect`."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self.port}"

    @property
    def requests(self) -> int:
        """Requests since the start."""
        return self._app.requests

    @property
    def refused(self) -> int:
        """Requests that were answered with an error since the start."""
        return self._app.refusals.total()

    @property
    def refusals(self) -> Counter[str]:
        """How many requests were answered with each error, by DynamoDB's name for it."""
        return self._app.refusals

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
        # On uvloop where that is installed.
        self._server.run(sockets=[self._socket])


def _listen(host: str, port: int) -> socket.socket:
    # With the protocol named, asyncio sets TCP_NODELAY on what it accepts; else each answer waits 40 ms.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        # From here on connections wait in the queue, also those that come before the server has started.
        listener.listen(MAX_CONNECTIONS)
    except OSError as error:
        listener.close()
        raise UnavailableError(
            f"port {port} on {host} can't be used for the endpoint: {error.strerror}",
            hint="Choose another with --endpoint-port, or 0 for a free one.",
        ) from error
    return listener

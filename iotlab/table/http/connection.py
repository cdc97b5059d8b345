"""One connection of a client: its requests are answered in their order, each within its time.

uvicorn listens, counts and ends; its own protocol limits neither a request nor the time until it has arrived, and
costs a task, events and two writes for each. Here a whole request is handed over, only an answer that has to wait
for something takes a task, and each answer is one write.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque

# The loop's own time is in whole milliseconds on uvloop, too coarse to tell who was idle for longer.
from time import monotonic
from typing import Any, Protocol

import msgspec
from uvicorn.config import Config
from uvicorn.server import ServerState

from iotlab.table.errors import DynamoDBError, SerializationException
from iotlab.table.http.answers import CONTINUE, Response, error_response, message
from iotlab.table.http.bounds import ARRIVAL_S, IDLE_S, KEEP_ALIVE_S, LINGER_S, MAX_CONNECTIONS
from iotlab.table.http.errors import ServiceUnavailable
from iotlab.table.http.execution import Later
from iotlab.table.http.receiving import Budget, Receiver
from iotlab.table.http.request import Request


class Answering(Protocol):
    """What answers the requests of all connections. Neither function raises."""

    def refuse_early(self, request: Request) -> Response | None:
        """Return why a request is refused before its body has come; None when that may come."""
        ...

    def answer(self, request: Request) -> Response | Later:
        """Return the answer to a whole request, or what it is to be waited for with."""
        ...


class Connection(asyncio.Protocol):
    """A client's connection.

    Args:
        config, server_state, app_state: As uvicorn gives them.
        app: Answers the requests.
        refusals: Counts what is refused here, by the error's name.
        budget: Shared by all connections.

    Attributes:
        trusted: True once a request on it had a valid signature; others give way to new connections.
    """

    transport: asyncio.Transport

    def __init__(
        self,
        config: Config,  # noqa: ARG002  uvicorn gives it by name
        server_state: ServerState,
        app_state: dict[str, Any],  # noqa: ARG002  likewise
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        app: Answering,
        refusals: Counter[str],
        budget: Budget,
    ) -> None:
        self._state = server_state
        self._loop = _loop or asyncio.get_running_loop()
        self._app = app
        self._refusals = refusals
        self._receiver = Receiver(budget)
        self._waiting: deque[tuple[Request, Response | None]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._is_full = False
        self._closing = False
        self.trusted = False
        self._opened_s = self._used_s = monotonic()
        self._since_s: float | None = self._opened_s
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, if there is room."""
        self.transport = transport
        # uvicorn asks of it only `shutdown`.
        self._state.connections.add(self)  # type: ignore[arg-type]
        self._timer = self._loop.call_later(ARRIVAL_S, self._check_time)
        if len(self._state.connections) > MAX_CONNECTIONS:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  asyncio's signature
        """Forget what was not answered; what is being executed goes on."""
        if self._timer is not None:
            self._timer.cancel()
        self._state.connections.discard(self)
        self._waiting.clear()
        self._receiver.close()

    def data_received(self, data: bytes) -> None:
        """Answer the requests that are whole with this part."""
        if self._closing:
            return
        self._used_s = monotonic()
        requests = self._receiver.feed(data)
        if not self._receiver.is_within:
            self._since_s = None
        elif requests or self._since_s is None:
            self._since_s = self._used_s
        for request in requests:
            self._take(request)
        if self._receiver.refusal is not None:
            self._refuse(self._receiver.refusal)
            return
        head = self._receiver.new_head()
        if head is not None:
            self._look_at(head)

    def pause_writing(self) -> None:
        """Answer nothing more until the client has read what it was sent."""
        self._is_full = True

    def resume_writing(self) -> None:
        """Go on."""
        self._is_full = False
        self._answer_waiting()

    def shutdown(self) -> None:
        """Close when what was asked is answered, and take nothing more; uvicorn calls it when it ends."""
        self._closing = True
        if not self._is_busy:
            self.transport.close()

    @property
    def _is_busy(self) -> bool:
        """Whether a request on it is being answered."""
        return self._task is not None or bool(self._waiting)

    @property
    def is_idle(self) -> bool:
        """Whether it is only kept open, for a while already: no request has begun and none is being answered."""
        is_quiet = self._since_s is None and not self._is_busy and not self._closing
        return is_quiet and monotonic() - self._used_s > IDLE_S

    def _look_at(self, head: Request) -> None:
        """Decide about a body that has not come yet."""
        refusal = self._app.refuse_early(head)
        if refusal is not None:
            self._receiver.pass_over()
            self._take(head, refusal)
        elif head.headers.get("expect", "").lower() == "100-continue" and not self._is_busy:
            self.transport.write(CONTINUE)

    def _take(self, request: Request, refusal: Response | None = None) -> None:
        request.sender = id(self)
        self._waiting.append((request, refusal))
        self._answer_waiting()
        if self._waiting and self.transport.is_reading():
            # It asks faster than it is answered.
            self.transport.pause_reading()

    def _answer_waiting(self) -> None:
        """Answer until one has to be waited for."""
        while self._waiting and self._task is None and not self._is_full and not self.transport.is_closing():
            request, refusal = self._waiting.popleft()
            answer = refusal or self._app.answer(request)
            if isinstance(answer, Response):
                self._send(request, answer)
            else:
                self._task = self._loop.create_task(self._wait(request, answer))
                self._state.tasks.add(self._task)
                self._task.add_done_callback(self._state.tasks.discard)
        if not self._waiting and not self.transport.is_closing() and not self.transport.is_reading():
            self.transport.resume_reading()

    async def _wait(self, request: Request, answer: Later) -> None:
        try:
            response = await answer
        finally:
            self._task = None
        self._send(request, response)
        self._answer_waiting()

    def _send(self, request: Request, response: Response) -> None:
        if self.transport.is_closing():
            return
        self._used_s = monotonic()
        self._state.total_requests += 1
        self.trusted |= request.is_verified
        is_last = not request.keeps_open or (self._closing and not self._waiting)
        has_body = request.method != "HEAD"
        general = self._state.default_headers
        self.transport.write(message(response, general, is_last=is_last, has_body=has_body))
        if is_last:
            self._closing = True
            self._waiting.clear()
            self.transport.close()

    def _make_room(self) -> None:
        """Close the oldest connection that has shown no valid signature, else the one that was idle for the longest.

        Clients keep connections open that they no longer need, each SDK client its own. Only when all are at work is
        there no room, and this one is told so.
        """
        others = [other for other in self._state.connections if isinstance(other, Connection) and other is not self]
        waiting = [other for other in others if not other.trusted and not other._is_busy and not other._closing]
        idle = [other for other in others if other.is_idle]
        if waiting:
            min(waiting, key=lambda other: other._opened_s)._refuse(_busy())
        elif idle:
            min(idle, key=lambda other: other._used_s).transport.close()
        elif len(others) < 2 * MAX_CONNECTIONS:
            self._refuse(_busy())
        else:
            self._end()

    def _refuse(self, error: DynamoDBError, status: int | None = None) -> None:
        """Answer with an error and read on for a while: a reset would reach the client before the answer."""
        if self._closing or self.transport.is_closing():
            return
        self._closing = True
        self._refusals[type(error).__name__] += 1
        if self._is_busy:
            # An answer of an earlier request is due on this connection.
            self._end()
            return
        refusal = error_response(error)
        if status is not None:
            refusal = msgspec.structs.replace(refusal, status=status)
        self.transport.write(message(refusal, self._state.default_headers, is_last=True))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self._loop.call_later(LINGER_S, self._end)

    def _check_time(self) -> None:
        """Look whether a request is late, or none came for long. One timer costs less than one for each request."""
        now_s = monotonic()
        if self._since_s is not None:
            left_s = self._since_s + ARRIVAL_S - now_s
        else:
            left_s = ARRIVAL_S if self._is_busy else self._used_s + KEEP_ALIVE_S - now_s
        if left_s > 0:
            self._timer = self._loop.call_later(min(left_s, ARRIVAL_S), self._check_time)
        elif self._since_s is not None:
            late = f"The request did not arrive within {ARRIVAL_S:g} s"
            self._refuse(SerializationException(late), 408)
        else:
            self._end()

    def _end(self) -> None:
        # Closing would wait for a client that does not read.
        if not self.transport.is_closing():
            self.transport.abort()


def _busy() -> DynamoDBError:
    return ServiceUnavailable(f"The endpoint serves {MAX_CONNECTIONS} connections already; try again")

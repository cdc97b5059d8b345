"""How a verified request is executed, and on which thread.

A hand-over to another thread and back takes longer than reading a row, and about as long as a quick disk's fsync. So
what is short is done on the connections' own thread; what would hold up the other connections is not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor, Future
from functools import partial
from typing import Any, TypeVar

import msgspec

from iotlab.table.engine import Engine
from iotlab.table.http.answers import Response
from iotlab.table.http.bounds import INLINE_BODY_BYTES, QUICK_COMMIT_S
from iotlab.table.http.encodings import compress
from iotlab.table.http.request import Request
from iotlab.table.operations import PREPARED, execute_raw
from iotlab.table.served import Served

T = TypeVar("T")
Later = Coroutine[Any, Any, Response]
"""What an answer has to be waited for with."""

_NO_BODY = frozenset({"TagResource", "UntagResource"})
"""Operations that DynamoDB answers with no body at all."""

_THAT_DECODE = {
    "AttributesToGet",
    "FilterExpression",
    "ProjectionExpression",
    "QueryFilter",
    "ReturnConsumedCapacity",
}
"""Parameters of Query that need each item decoded; without them a page of 1 MB is handed on as it is stored."""

_encode = msgspec.json.Encoder().encode


class Execution:
    """Executes the operations of one endpoint. Used by one thread, the connections'.

    Args:
        served: What is served.
        executor: Where operations are executed that take long, or wait for a network.
    """

    def __init__(self, served: Served, executor: Executor) -> None:
        self._served = served
        self._executor = executor
        self._last_writer = 0

    def start(self, request: Request, operation: str, document: dict[str, Any]) -> Response | Later:
        """Return an operation's answer, or what it is to be waited for with. Both raise what the operation does."""
        execute = partial(self._execute, request, operation, document)
        if isinstance(self._served, Engine):
            if _is_quick(operation, document):
                return execute()
            if operation in PREPARED and len(request.body) <= INLINE_BODY_BYTES:
                return self._write(self._served, request, operation, document)
        return self.in_thread(execute)

    async def in_thread(self, function: Callable[[], T]) -> T:
        """Call a function on another thread and wait for what it returns."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, function)

    def _execute(self, request: Request, operation: str, document: dict[str, Any]) -> Response:
        served = self._served
        if isinstance(served, Engine):
            answer = execute_raw(served, operation, document)
        else:
            answer = served.call(operation, document)
        return _response(request, operation, answer)

    def _write(self, engine: Engine, request: Request, operation: str, document: dict[str, Any]) -> Response | Later:
        write = PREPARED[operation](engine, document)

        def answer(outcome: Any) -> Response:
            return _response(request, operation, write.finish(outcome, msgspec.Raw))

        committed: Future[Any] = engine.submit(write.work, here=self._writes_alone(engine, request))
        return answer(committed.result()) if committed.done() else _wait(committed, answer)

    def _writes_alone(self, engine: Engine, request: Request) -> bool:
        """Return whether a commit at once holds up nobody, nor keeps others from sharing it."""
        before, self._last_writer = self._last_writer, request.sender
        return request.sender == before and engine.commit_s < QUICK_COMMIT_S


async def _wait(committed: Future[Any], answer: Callable[[Any], Response]) -> Response:
    # No thread waits for the disk: the writer's says when.
    return answer(await asyncio.wrap_future(committed))


def _response(request: Request, operation: str, answer: dict[str, Any]) -> Response:
    response = Response(200, b"" if operation in _NO_BODY else _encode(answer), request.content_type)
    accepted = request.headers.get("accept-encoding")
    return response if accepted is None else compress(response, accepted)


def _is_quick(operation: str, document: dict[str, Any]) -> bool:
    """Return whether an operation reads so little that handing it to another thread would cost more."""
    return operation == "GetItem" or (operation == "Query" and not document.keys() & _THAT_DECODE)

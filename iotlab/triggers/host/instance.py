"""One process of a function, with Lambda's phases: it is initialised once, then answers one event after another."""

from __future__ import annotations

import secrets
import selectors
import shutil
import signal
import tempfile
from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path

import msgspec

from iotlab.clock import US_PER_S, Clock
from iotlab.errors import UnavailableError
from iotlab.triggers.host import faults
from iotlab.triggers.host.api import Request, RuntimeApi
from iotlab.triggers.host.command import order_for
from iotlab.triggers.host.containment import Containment
from iotlab.triggers.host.door import Door
from iotlab.triggers.host.function import Function
from iotlab.triggers.host.jail import tree
from iotlab.triggers.host.output import Output
from iotlab.triggers.host.package import Package
from iotlab.triggers.host.process import Process
from iotlab.triggers.invoke import FunctionError

INIT_S = 10.0
"""How long a function may initialise. Source: Developer Guide, "Understanding the Lambda execution environment"."""

_TICK_S = 0.025
_VERSION = "/2018-06-01/runtime"


class Answer(msgspec.Struct, frozen=True):
    """What became of one event.

    Attributes:
        payload: What the function returned; empty with an error.
        error: Why it failed.
        output: What it wrote, with a mark where it was cut.
        duration_us: From handing over the event to the answer.
    """

    payload: bytes
    error: FunctionError | None
    output: str
    duration_us: int


class _EndedError(Exception):
    """The process has ended, or had to be: what the invocation failed with."""

    def __init__(self, error: FunctionError) -> None:
        super().__init__(error.message)
        self.error = error


class Instance:
    """Runs one version of one function. For one caller at a time.

    Args:
        function, package: What to run.
        containment: What this machine has.
        clock: For durations and deadlines.
        reveal: Returns the secret of a reference.
        door: What it may reach although it has no network.

    Attributes:
        init_us: How long it took to initialise; 0 until then.
        memory_bytes: The most memory that it was seen with.
        is_usable: False once it has ended, or must serve no more.
    """

    def __init__(
        self,
        function: Function,
        package: Package,
        containment: Containment,
        *,
        clock: Clock,
        reveal: Callable[[str], str],
        door: Door | None = None,
    ) -> None:
        """Start the process. Raises UnavailableError, ConfigError."""
        self.package = package
        self.init_us = 0
        self.memory_bytes = 0
        self.is_usable = True
        self._function = function
        self._clock = clock
        self._started_s = clock.monotonic_s()
        self._token = "" if containment.has_namespaces and not function.network else secrets.token_urlsafe(24)
        own_root = containment.has_namespaces
        self._temp = None if own_root else Path(tempfile.mkdtemp(prefix="iotlab-handler-"))
        self._next: Request | None = None
        self._init_error: FunctionError | None = None
        self._is_frozen = False
        self._request_id = ""
        self._answer: tuple[bytes, FunctionError | None] | None = None
        try:
            order = order_for(function, package, containment, reveal=reveal, temp=self._temp, token=self._token)
            self._process = Process(order if door is None else replace(order, doors=[door.port]))
        except BaseException:
            self._remove_temp()
            raise
        self._selector = selectors.DefaultSelector()
        if self._process.listener is None:
            raise UnavailableError("the function's process opened no Runtime API")
        self._close_doors = [] if door is None else [door.serve(listener) for listener in self._process.doors]
        self._api = RuntimeApi(self._process.listener, self._selector)
        self._output = Output(self._process.output)
        self._process.control.settimeout(0)
        self._selector.register(self._process.output, selectors.EVENT_READ, self._output)
        self._selector.register(self._process.control, selectors.EVENT_READ, self._process)

    def initialise(self) -> FunctionError | None:
        """Wait until the function is loaded; return why it could not be, and end it then.

        Raises:
            UnavailableError: its process could not be started.
        """
        if self.init_us:
            return None
        end_s = self._started_s + INIT_S
        try:
            self._run(lambda: self._next is not None, end_s, faults.init_timed_out(INIT_S))
        except _EndedError as ended:
            self.close()
            if self._process.error:
                raise UnavailableError(f"{self._function.name} can't be run: {self._process.error}") from ended
            return self._init_error or ended.error
        self.init_us = max(round((self._clock.monotonic_s() - self._started_s) * US_PER_S), 1)
        return None

    def invoke(self, event: bytes, request_id: str) -> Answer:
        """Hand over one event and wait for its answer, at most the function's timeout.

        Raises:
            UnavailableError: the process had ended before it was given the event.
        """
        begun_s = self._clock.monotonic_s()
        end_s = begun_s + self._function.limits.timeout_s
        self._thaw()
        self._request_id, self._answer = request_id, None
        timed_out = faults.timed_out(request_id, self._function.limits.timeout_s)
        try:
            self._hand_over(event, request_id, end_s, timed_out)
            self._run(lambda: self._answer is not None, end_s, timed_out)
        except _EndedError as ended:
            self._answer = (b"", ended.error)
        payload, error = self._answer or (b"", None)
        self._request_id = ""
        duration_us = round((self._clock.monotonic_s() - begun_s) * US_PER_S)
        self._see_memory()
        if not self.is_usable:
            self.close()
        return Answer(payload, error, self.take_output(), duration_us)

    def rest(self) -> int:
        """Stop all that the function does between two events, as Lambda does; return how many processes it left.

        An instance that left processes behind must not be used again.
        """
        if self._is_frozen or not self.is_usable:
            return 0
        self._poll(0)
        below = tree.descendants(self._process.inner)
        if self._next is not None and self.is_usable:
            tree.send(below, signal.SIGSTOP)
            self._is_frozen = True
        return max(len(below) - 1, 0)

    def take_output(self) -> str:
        """Return what the function wrote since it was asked last."""
        if self._output.is_open:
            self._output.read()
        return self._output.take()

    def close(self) -> bool:
        """End the process and everything that it started; return whether all was gone in time."""
        self.is_usable = False
        if self._selector.get_map() is None:
            return True
        all_gone = self._process.kill()
        if self._output.is_open:
            self._output.read()
        self._api.close()
        self._selector.close()
        self._output.is_open = False
        for close_door in self._close_doors:
            close_door()
        self._process.close()
        self._remove_temp()
        return all_gone

    def _remove_temp(self) -> None:
        if self._temp is not None:
            shutil.rmtree(self._temp, ignore_errors=True)

    def _hand_over(self, event: bytes, request_id: str, end_s: float, timed_out: FunctionError) -> None:
        try:
            # Also when it waits already: it may have ended since.
            self._poll(0)
            self._run(lambda: self._next is not None and self.is_usable, end_s, timed_out)
        except _EndedError as ended:
            if ended.error is timed_out:
                raise
            raise UnavailableError(
                f"{self._function.name} ended between two events: {ended.error.message}"
            ) from ended
        waiting, self._next = self._next, None
        left_s = end_s - self._clock.monotonic_s()
        deadline_ms = (self._clock.now_us() + round(left_s * US_PER_S)) // 1000
        headers = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": request_id,
            "Lambda-Runtime-Deadline-Ms": str(deadline_ms),
            "Lambda-Runtime-Invoked-Function-Arn": self._function.arn,
            "Lambda-Runtime-Trace-Id": f"Root=1-{deadline_ms // 1000:08x}-{secrets.token_hex(12)};Sampled=0",
        }
        if waiting is None or not waiting.connection.reply(HTTPStatus.OK, event, headers, left_s):
            raise UnavailableError(f"{self._function.name} did not take its event")

    def _run(self, is_done: Callable[[], bool], end_s: float, too_late: FunctionError) -> None:
        """Serve the process until something is done. Raises _EndedError."""
        while not is_done():
            left_s = end_s - self._clock.monotonic_s()
            if left_s <= 0:
                self._end()
                raise _EndedError(too_late)
            if not self._poll(min(left_s, _TICK_S)):
                self._watch_memory()
            if not self.is_usable and not is_done():
                raise _EndedError(self._ended())

    def _poll(self, timeout_s: float) -> bool:
        """Take in what is there; False when nothing came in time."""
        ready = self._selector.select(timeout_s)
        ended = False
        for key, _ in ready:
            if key.data is self._output:
                self._read_output()
            elif key.data is self._process:
                ended = not self._process.hear() or self._process.exit_code is not None
            else:
                for request in self._api.read(key.data):
                    self._serve(request)
        # After everything else: its last words came before its end.
        if ended:
            self._end()
        return bool(ready)

    def _read_output(self) -> None:
        self._output.read()
        if not self._output.is_open:
            self._selector.unregister(self._process.output)

    def _end(self) -> None:
        self.is_usable = False
        self._process.kill()

    def _ended(self) -> FunctionError:
        return faults.ended(self._request_id, self._process.exit_code)

    def _serve(self, request: Request) -> None:
        path = request.path.removeprefix(f"/{self._token}") if self._token else request.path
        if self._token and path == request.path:
            self._reply(request, HTTPStatus.FORBIDDEN)
        elif (request.method, path) == ("GET", f"{_VERSION}/invocation/next"):
            self._next = request
        elif (request.method, path) == ("POST", f"{_VERSION}/init/error"):
            self._init_error = faults.reported(request)
            self._reply(request, HTTPStatus.ACCEPTED)
        elif request.method == "POST" and path == f"{_VERSION}/invocation/{self._request_id}/response":
            self._take_response(request)
        elif request.method == "POST" and path == f"{_VERSION}/invocation/{self._request_id}/error":
            self._take(request, b"", faults.reported(request))
        elif request.method == "GET" and path == f"{_VERSION}/restore/next":
            self._reply(request, HTTPStatus.OK)
        else:
            self._reply(request, HTTPStatus.BAD_REQUEST)

    def _take_response(self, request: Request) -> None:
        if request.is_too_large:
            self._answer = (b"", faults.TOO_LARGE)
            self._reply(request, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        else:
            self._take(request, request.body, None)

    def _take(self, request: Request, payload: bytes, error: FunctionError | None) -> None:
        if self._answer is None:
            self._answer = (payload, error)
        self._reply(request, HTTPStatus.ACCEPTED)

    def _reply(self, request: Request, status: HTTPStatus) -> None:
        body = b'{"status":"OK"}' if status < HTTPStatus.BAD_REQUEST else b'{"errorType":"InvalidRequest"}'
        request.connection.reply(status, body, {"Content-Type": "application/json"}, 1.0)

    def _watch_memory(self) -> None:
        """End the process when it uses more memory than it may; its address space alone does not say that."""
        most = self._function.limits.memory_mb * 2**20
        if self._see_memory() > most and tree.proportional_bytes(tree.descendants(self._process.inner)) > most:
            self._process.exit_code = -signal.SIGKILL
            self._end()

    def _see_memory(self) -> int:
        used = tree.resident_bytes(tree.descendants(self._process.inner)) if self.is_usable else 0
        self.memory_bytes = max(self.memory_bytes, used)
        return used

    def _thaw(self) -> None:
        if self._is_frozen:
            tree.send(tree.descendants(self._process.inner), signal.SIGCONT)
            self._is_frozen = False

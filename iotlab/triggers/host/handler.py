"""One function that can be called: its processes, its code as it is edited, its log and figures."""

from __future__ import annotations

import logging
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path

from iotlab.clock import Clock
from iotlab.errors import ConfigError, IotlabError, UnavailableError
from iotlab.triggers.host import package
from iotlab.triggers.host.containment import Containment
from iotlab.triggers.host.door import Door
from iotlab.triggers.host.function import Function
from iotlab.triggers.host.instance import Answer, Instance
from iotlab.triggers.host.log import HandlerLog, told
from iotlab.triggers.host.output import LOG_TAIL_BYTES
from iotlab.triggers.host.package import Package
from iotlab.triggers.host.pool import Pool
from iotlab.triggers.host.stats import Counting, HandlerStats
from iotlab.triggers.host.versions import Versions
from iotlab.triggers.invoke import MAX_PAYLOAD_BYTES, FunctionError, InvocationResult

LOG = logging.getLogger(__name__)

_ATTEMPTS = 3
_TOO_LARGE = FunctionError(
    "RequestEntityTooLargeException", f"the event is larger than {MAX_PAYLOAD_BYTES} bytes", handled=False
)


class Handler:
    """An `Invoker` over jailed processes. Safe to call from several threads.

    The code is copied when it first runs. When the original changes, a process of the new version is started beside
    those that serve; once it is initialised it takes over, and if it can't be, it is refused and the old version
    goes on.

    Args:
        function: What to run.
        containment: What this machine has.
        folder: Where its copies are kept.
        log_file: Where its log goes; None keeps it in memory only.
        clock: For durations and deadlines.
        reveal: Returns the secret of a reference.
        versions: Keeps each version that has proved to load; None keeps none.
        door: What its processes may reach although they have no network.
    """

    def __init__(
        self,
        function: Function,
        containment: Containment,
        *,
        folder: Path,
        log_file: Path | None,
        clock: Clock,
        reveal: Callable[[str], str],
        versions: Versions | None = None,
        door: Door | None = None,
    ) -> None:
        self.function = function
        self.log = HandlerLog(log_file, clock)
        self._containment = containment
        self._folder = folder
        self._clock = clock
        self._reveal = reveal
        self._versions = versions
        self._door = door
        self._kept = ""
        self._counting = Counting()
        self._pool = Pool(self._start, function.limits.concurrency, clock)
        self._signature = self._seen = ""
        self._refused = ""

    @property
    def name(self) -> str:
        """The function's name."""
        return self.function.name

    @property
    def function_arn(self) -> str:
        """The function's ARN."""
        return self.function.arn

    @property
    def timeout_s(self) -> float:
        """How long one invocation may run, in seconds."""
        return self.function.limits.timeout_s

    @property
    def stats(self) -> HandlerStats:
        """The figures as they are now."""
        version = self._pool.package.version if self._pool.package else ""
        return self._counting.stats(self.name, version, self._pool.size, self._refused)

    def invoke(self, event: bytes, *, request_id: str = "") -> InvocationResult:
        """Call the function; see `Invoker.invoke`. Raises UnavailableError."""
        request_id = request_id or str(uuid.uuid4())
        if len(event) > MAX_PAYLOAD_BYTES:
            return InvocationResult(request_id, error=_TOO_LARGE)
        for attempt in range(1, _ATTEMPTS + 1):
            instance = self._pool.borrow(self._current())
            try:
                return self._invoke(instance, event, request_id)
            except UnavailableError:
                # It had ended before it was given the event: another one takes it.
                instance.close()
                if attempt == _ATTEMPTS:
                    raise
            finally:
                self._pool.give_back(instance)
        raise AssertionError("the last attempt returns or raises")

    def keep(self) -> None:
        """Do what is due besides invocations: rest idle processes, see whether the code was edited."""
        for left in self._pool.rest():
            self.log.say(f"{left} processes that an invocation left behind were ended, with the function's own")
        self._reload_if_edited()

    def close(self) -> None:
        """End its processes and remove its copies."""
        self._pool.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _invoke(self, instance: Instance, event: bytes, request_id: str) -> InvocationResult:
        is_cold = instance.init_us == 0
        error = instance.initialise()
        if error is not None:
            answer = Answer(b"", error, instance.take_output(), 0)
        else:
            self._keep(instance.package)
            answer = instance.invoke(event, request_id)
        init_us = instance.init_us if is_cold else 0
        self._counting.count(answer.duration_us, answer.error, init_us=init_us, memory_bytes=instance.memory_bytes)
        self.log.write(
            told(
                answer,
                request_id,
                memory_mb=self.function.limits.memory_mb,
                used_bytes=instance.memory_bytes,
                init_us=init_us,
            )
        )
        return InvocationResult(
            request_id,
            answer.payload if answer.error is None else b"null",
            answer.error,
            instance.package.version,
            answer.duration_us / 1000,
            answer.output[-LOG_TAIL_BYTES:],
            is_cold,
        )

    def _current(self) -> Package:
        """Return the version that serves; the code as it is now when there is none yet. Raises UnavailableError."""
        if self._pool.package is None:
            self._signature = self._seen = package.signature(self.function.path)
            self._pool.package = package.take(self.function.path, self._folder)
        return self._pool.package

    def _start(self, version: Package) -> Instance:
        try:
            return Instance(
                self.function,
                version,
                self._containment,
                clock=self._clock,
                reveal=self._reveal,
                door=self._door,
            )
        except ConfigError as error:
            # A secret that is not there now may be there later; the event waits for it.
            raise UnavailableError(f"{self.name} can't be run: {error.message}") from error

    def _reload_if_edited(self) -> None:
        found = package.signature(self.function.path)
        # An editor may still be writing: the same state must be seen twice.
        is_stable, self._seen = found == self._seen, found
        if self._pool.package is None or not found or not is_stable or found == self._signature:
            return
        self._signature = found
        try:
            self._reload(self._pool.package)
        except IotlabError as error:
            self._refuse(error.message)

    def _reload(self, serving: Package) -> None:
        newest = package.take(self.function.path, self._folder)
        if newest.version == serving.version:
            self._refused = ""
            return
        candidate = self._start(newest)
        error = candidate.initialise()
        if error is not None:
            self.log.write(candidate.take_output())
            self._refuse(f"{error.error_type}: {error.message}")
            shutil.rmtree(newest.folder, ignore_errors=True)
            return
        self._keep(newest)
        self._pool.replace(newest, candidate)
        self._refused = ""
        self.log.say(f"version {newest.version} serves instead of {serving.version}")

    def _keep(self, version: Package) -> None:
        if self._versions is not None and version.version != self._kept:
            self._kept = version.version
            self._versions.keep(version)

    def _refuse(self, reason: str) -> None:
        self._refused = reason
        self.log.say(f"the edited code is refused, the version before it goes on: {reason}")
        LOG.warning("the edited code of %s is refused, the version before it goes on: %s", self.name, reason)

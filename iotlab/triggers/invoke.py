"""What stands between an event source mapping and the function it feeds: one call, with bytes in and bytes out.

The mapping knows no process and no language; the host knows no stream and no checkpoint. Both know only this file.
The words are those of the Lambda API's ``Invoke``: a function error is an *answer*, not an exception, because
the function ran and said so. An exception means that nobody can say whether it ran.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

MAX_PAYLOAD_BYTES = 6 * 1024 * 1024
"""The most that a synchronous invocation takes or gives. Source: Lambda quotas, invocation payload."""


@dataclass(frozen=True, slots=True)
class FunctionError:
    """Why an invocation failed, as the Runtime API words it.

    Args:
        error_type: Such as ``ValueError``, ``Sandbox.Timedout`` or ``Runtime.ExitError``.
        message: The function's own sentence, or the host's ("Task timed out after 3.00 seconds").
        stack_trace: The function's lines, outermost first; empty where there are none.
        handled: True when the function itself reported the error (``Handled`` in the API), False when the host did.
    """

    error_type: str
    message: str
    stack_trace: tuple[str, ...] = ()
    handled: bool = True

    @property
    def word(self) -> str:
        """The value of the API's ``FunctionError`` field."""
        return "Handled" if self.handled else "Unhandled"


@dataclass(frozen=True, slots=True)
class InvocationResult:
    """What one invocation came to.

    Args:
        request_id: The invocation's id, the function's ``context.aws_request_id``.
        payload: The response's JSON as the function gave it; ``b"null"`` when it returned nothing. Of no meaning
            when ``error`` is set.
        error: Why it failed; None when the function returned.
        executed_version: The version of the function that ran, ``$LATEST`` or the host's mark of the file.
        duration_ms: How long the function ran, by the host's clock.
        log_tail: The end of what the invocation wrote, at most 4 KB.
        cold_start: Whether a process had to be started for it.
    """

    request_id: str
    payload: bytes = b"null"
    error: FunctionError | None = None
    executed_version: str = "$LATEST"
    duration_ms: float = 0.0
    log_tail: str = ""
    cold_start: bool = False


class Invoker(Protocol):
    """One function that can be called. Safe to call from several threads at once: each lane of a mapping has its own.

    A host that runs fewer processes than there are callers lets them wait; it never refuses one for being busy.
    """

    @property
    def name(self) -> str:
        """The function's name, as in ``function_name`` of its context."""
        ...

    @property
    def function_arn(self) -> str:
        """The function's ARN, as in ``invoked_function_arn`` of its context."""
        ...

    @property
    def timeout_s(self) -> float:
        """How long one invocation may run before it is killed and counts as a function error, in seconds."""
        ...

    def invoke(self, event: bytes, *, request_id: str = "") -> InvocationResult:
        """Call the function with one event and wait until it ended.

        Args:
            event: The event as JSON, at most 6 MB.
            request_id: The id to give to the invocation; the host makes one when it is empty.

        Raises:
            UnavailableError: the function can't be run now (its file is gone, no process can be started).
                Whether this event had an effect is unknown; the caller invokes again, which is no retry of the
                function's, and counts against no limit of retries.
        """
        ...

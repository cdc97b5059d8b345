"""Why an invocation failed, in Lambda's words."""

from __future__ import annotations

import json
import signal
from typing import Any

from iotlab.triggers.host.api import Request
from iotlab.triggers.invoke import MAX_PAYLOAD_BYTES, FunctionError

MAX_FRAMES = 100
MAX_TEXT = 16_384
_CUT = " … (cut)"

# As the Go runtime of the service words them.
_SIGNALS = {
    signal.SIGABRT: "aborted",
    signal.SIGBUS: "bus error",
    signal.SIGFPE: "floating point exception",
    signal.SIGHUP: "hangup",
    signal.SIGILL: "illegal instruction",
    signal.SIGINT: "interrupt",
    signal.SIGKILL: "killed",
    signal.SIGPIPE: "broken pipe",
    signal.SIGSEGV: "segmentation fault",
    signal.SIGTERM: "terminated",
    signal.SIGXFSZ: "file size limit exceeded",
}

TOO_LARGE = FunctionError(
    "Function.ResponseSizeTooLarge",
    f"Response payload size exceeded maximum allowed payload size ({MAX_PAYLOAD_BYTES} bytes).",
    handled=False,
)
NO_JSON = FunctionError("Runtime.InvalidResponse", "The response is not JSON.", handled=False)


def timed_out(request_id: str, timeout_s: float) -> FunctionError:
    """Return the error of an invocation that took too long."""
    return FunctionError(
        "Sandbox.Timedout",
        f"RequestId: {request_id} Error: Task timed out after {timeout_s:.2f} seconds",
        handled=False,
    )


def init_timed_out(timeout_s: float) -> FunctionError:
    """Return the error of a function that could not be loaded in time."""
    return FunctionError("Sandbox.Timedout", f"Init timed out after {timeout_s:.2f} seconds", handled=False)


def ended(request_id: str, exit_code: int | None) -> FunctionError:
    """Return the error of a process that ended instead of answering."""
    if exit_code is None or exit_code == 0:
        what = "Runtime exited without providing a reason"
    elif exit_code > 0:
        what = f"Runtime exited with error: exit status {exit_code}"
    else:
        what = f"Runtime exited with error: signal: {_signal_name(-exit_code)}"
    before = f"RequestId: {request_id} Error: " if request_id else ""
    return FunctionError("Runtime.ExitError", before + what, handled=False)


def reported(request: Request) -> FunctionError:
    """Return the error that a runtime reported; what it lacks is said so, what is too long is cut."""
    document = _object(request.body)
    named = request.headers.get("lambda-runtime-function-error-type", "")
    stack = document.get("stackTrace") or document.get("trace") or []
    frames = stack if isinstance(stack, list) else [stack]
    return FunctionError(
        _text(document.get("errorType") or named or "Runtime.Unknown"),
        _text(document.get("errorMessage") or ""),
        tuple(_text(frame) for frame in frames[:MAX_FRAMES]),
    )


def _object(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _text(value: object) -> str:
    text = value if isinstance(value, str) else str(value)
    return text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + _CUT


def _signal_name(number: int) -> str:
    try:
        return _SIGNALS.get(signal.Signals(number), signal.Signals(number).name)
    except ValueError:
        return f"signal {number}"

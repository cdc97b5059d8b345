"""A Lambda runtime for Python in one file: fetches events, calls the function, sends what it returns.

Used where AWS's own client, ``awslambdaric``, is not installed or can't be used. A function must not notice which of
the two it has: names, types and words of errors are the same.

Sources: AWS Lambda Developer Guide, "Using the Lambda runtime API" and "Using the Lambda context object".
"""

from __future__ import annotations

import decimal
import http.client
import importlib
import json
import logging
import math
import os
import sys
import time
import traceback
import uuid
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

_VERSION = "/2018-06-01/runtime"
_ERROR_TYPE = "Lambda-Runtime-Function-Error-Type"
_OWN_FILE = os.path.abspath(__file__)  # noqa: PTH100  no pathlib: its import is part of each cold start

Handler = Callable[[Any, "LambdaContext"], Any]


class FaultError(Exception):
    """What is reported with a type of the runtime's, not with that of an exception."""

    def __init__(self, error_type: str, message: str, stack: list[str] | None = None) -> None:
        super().__init__(message)
        self.error_type = error_type
        self.stack = stack or []


class CognitoIdentity:
    """The caller's identity; a stream has none."""

    __slots__ = ("cognito_identity_id", "cognito_identity_pool_id")

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self.cognito_identity_id = fields.get("cognitoIdentityId")
        self.cognito_identity_pool_id = fields.get("cognitoIdentityPoolId")


class LambdaContext:
    """The function's second argument."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        env = os.environ
        self.aws_request_id = headers["lambda-runtime-aws-request-id"]
        self.log_group_name = env.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = env.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.function_name = env.get("AWS_LAMBDA_FUNCTION_NAME")
        self.memory_limit_in_mb = env.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.function_version = env.get("AWS_LAMBDA_FUNCTION_VERSION")
        self.invoked_function_arn = headers.get("lambda-runtime-invoked-function-arn")
        self.tenant_id = headers.get("lambda-runtime-aws-tenant-id")
        self.client_context = None
        self.identity = CognitoIdentity({})
        self._deadline_ms = int(headers["lambda-runtime-deadline-ms"])

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until the function is killed, never less than 0."""
        return max(self._deadline_ms - int(time.time() * 1000), 0)

    def log(self, message: object) -> None:
        """Write to the function's log, without a line end."""
        sys.stdout.write(str(message))

    def __repr__(self) -> str:
        shown = (f"{name}={value}" for name, value in vars(self).items() if not name.startswith("_"))
        return f"LambdaContext([{','.join(shown)}])"


class Api:
    """The four routes, over one kept connection."""

    def __init__(self, address: str) -> None:
        host, _, token = address.partition("/")
        self._base = f"/{token}{_VERSION}" if token else _VERSION
        self._connection = http.client.HTTPConnection(host)

    def next(self) -> tuple[Mapping[str, str], bytes]:
        """Wait for the next event; return its headers, in lower case, and its body."""
        headers, body = self._call("GET", "/invocation/next")
        return {name.lower(): value for name, value in headers}, body

    def respond(self, request_id: str, body: bytes, content_type: str) -> None:
        """Send what the function returned."""
        self._call("POST", f"/invocation/{request_id}/response", body, {"Content-Type": content_type})

    def fail(self, path: str, error: Mapping[str, Any]) -> None:
        """Send an error, to ``/init/error`` or that of an invocation."""
        headers = {"Content-Type": "application/json", _ERROR_TYPE: error["errorType"]}
        self._call("POST", path, json.dumps(error).encode(), headers)

    def _call(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[list[tuple[str, str]], bytes]:
        self._connection.request(method, self._base + path, body, dict(headers or {}))
        response = self._connection.getresponse()
        content = response.read()
        # 413: the response was too large, which the host has noted as this invocation's error.
        if response.status not in {200, 202, 413}:
            raise SystemExit(f"the Runtime API answered {response.status} to {method} {path}")
        return response.getheaders(), content


def load(name: str) -> Handler:
    """Return the function of ``module.function``. Raises FaultError."""
    module_name, dot, function_name = name.rpartition(".")
    if not dot:
        detail = "not enough values to unpack (expected 2, got 1)"
        raise FaultError("Runtime.MalformedHandlerName", f"Bad handler '{name}': {detail}")
    if module_name.split(".")[0] in sys.builtin_module_names:
        text = f"Cannot use built-in module {module_name} as a handler module"
        raise FaultError("Runtime.BuiltInModuleConflict", text)
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        raise FaultError("Runtime.ImportModuleError", f"Unable to import module '{module_name}': {error}") from error
    except SyntaxError as error:
        stack = [f'  File "{error.filename}" Line {error.lineno}\n    {error.text}']
        text = f"Syntax error in module '{module_name}': {error}"
        raise FaultError("Runtime.UserCodeSyntaxError", text, stack) from error
    try:
        function: Handler = getattr(module, function_name)
    except AttributeError:
        text = f"Handler '{function_name}' missing on module '{module_name}'"
        raise FaultError("Runtime.HandlerNotFound", text) from None
    return function


def encode(value: Any) -> tuple[bytes, str]:
    """Return what a function returned as a response's body and content type. Raises FaultError."""
    if isinstance(value, bytes):
        return value, "application/unknown"
    mark = uuid.uuid4().hex
    numbers: list[str] = []

    def default(value: object) -> object:
        if isinstance(value, decimal.Decimal):
            if value.is_nan():
                return math.nan
            numbers.append(str(value))
            return f"{mark}{len(numbers) - 1}{mark}"
        raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")

    try:
        text = json.dumps(value, default=default, ensure_ascii=sys.version_info < (3, 12))
    except Exception as error:
        raise FaultError("Runtime.MarshalError", f"Unable to marshal response: {error}") from error
    # A Decimal keeps all its digits: it is written as it stands, which the JSON encoder can't.
    for at, number in enumerate(numbers):
        text = text.replace(f'"{mark}{at}{mark}"', number)
    return text.encode(), "application/json"


def describe(error: BaseException, request_id: str = "") -> dict[str, Any]:
    """Return the error document of an exception, with the frames of the function alone."""
    if isinstance(error, FaultError):
        return _document(error.error_type, str(error), error.stack, request_id)
    frames = traceback.extract_tb(error.__traceback__)
    first = next((at for at, frame in enumerate(frames) if os.path.abspath(frame.filename) != _OWN_FILE), 0)  # noqa: PTH100
    return _document(type(error).__name__, str(error), traceback.format_list(frames[first:]), request_id)


def _document(error_type: str, message: str, stack: list[str], request_id: str) -> dict[str, Any]:
    return {"errorMessage": message, "errorType": error_type, "requestId": request_id, "stackTrace": stack}


def _log(error: Mapping[str, Any]) -> None:
    lines = [f"[ERROR] {error['errorType']}: {error['errorMessage']}", "Traceback (most recent call last):"]
    for entry in error["stackTrace"]:
        lines += [line.replace(" ", "\u00a0", len(line) - len(line.lstrip(" "))) for line in entry.splitlines()]
    # Lambda's log takes a carriage return as a line end inside one event.
    sys.stdout.write("\r".join(lines) + "\n")
    sys.stdout.flush()


def _handle(api: Api, function: Handler) -> None:
    headers, body = api.next()
    request_id = headers["lambda-runtime-aws-request-id"]
    trace = headers.get("lambda-runtime-trace-id")
    if trace:
        os.environ["_X_AMZN_TRACE_ID"] = trace
    try:
        _Requests.id = request_id
        answer, content_type = encode(function(_parsed(body), LambdaContext(headers)))
    except Exception as error:  # noqa: BLE001  whatever it is, it is the function's, and is reported as such
        document = describe(error, request_id)
        _log(document)
        api.fail(f"/invocation/{request_id}/error", document)
    else:
        sys.stdout.flush()
        api.respond(request_id, answer, content_type)


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except Exception as error:
        raise FaultError("Runtime.UnmarshalError", f"Unable to unmarshal input: {error}") from error


class _Requests(logging.Filter):
    """Puts the invocation's id into each record of the function's log."""

    id = ""

    def filter(self, record: logging.LogRecord) -> bool:
        record.aws_request_id = self.id
        return True


def _set_up_logging() -> None:
    logging.Formatter.converter = time.gmtime
    handler = logging.StreamHandler(sys.stdout)
    form = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s"
    handler.setFormatter(logging.Formatter(form, "%Y-%m-%dT%H:%M:%S"))
    handler.addFilter(_Requests())
    logging.getLogger().addHandler(handler)


def main() -> NoReturn:
    """Serve until the process is ended."""
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    api = Api(os.environ["AWS_LAMBDA_RUNTIME_API"])
    _set_up_logging()
    sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
    try:
        function = load(os.environ["_HANDLER"])
    except Exception as error:  # noqa: BLE001  as above
        document = describe(error)
        _log(document)
        api.fail("/init/error", document)
        sys.exit(1)
    while True:
        _handle(api, function)


if __name__ == "__main__":
    main()

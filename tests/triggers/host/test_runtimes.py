"""The same functions on every runtime client: ours for Python, AWS's own where it is installed, ours for Node."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable

import pytest

from iotlab.errors import UnavailableError
from iotlab.triggers.host import command
from iotlab.triggers.host.containment import Containment, containment
from iotlab.triggers.host.host import HandlerHost
from iotlab.triggers.host.runtime.python_client import encode
from iotlab.triggers.invoke import InvocationResult
from tests.triggers.host.conftest import Run, Write

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="there is no node on this machine")

CASES: dict[str, tuple[str, object]] = {
    "decimal": (
        "from decimal import Decimal\ndef handler(e, c): return [Decimal('1.10000000000000000001')]",
        b"[1.10000000000000000001]",
    ),
    "nan": ("def handler(e, c): return float('nan')", b"NaN"),
    "umlaut": ("def handler(e, c): return 'K\u00fcche'", encode("K\u00fcche")[0]),
    "tuple": ("def handler(e, c): return (1, None, True)", b"[1, null, true]"),
    "bytes": ("def handler(e, c): return b'as it is'", b"as it is"),
    "set": ("def handler(e, c): return {1}", "Runtime.MarshalError"),
    "error": ("class Pump(Exception): pass\ndef handler(e, c): raise Pump('dry')", "Pump"),
    "key": ("def handler(e, c): return e['missing']", "KeyError"),
    "no_message": ("def handler(e, c): raise ValueError", "ValueError"),
    "syntax": ("def handler(e, c) return 1", "Runtime.UserCodeSyntaxError"),
    "import": ("import nothing_of_this_name\ndef handler(e, c): return 1", "Runtime.ImportModuleError"),
    "missing": ("def other(e, c): return 1", "Runtime.HandlerNotFound"),
    "raising_import": ("raise OSError('no')", "OSError"),
    "exit": ("import sys\ndef handler(e, c): sys.exit(5)", "Runtime.ExitError"),
    "base": ("def handler(e, c): raise BaseException('x')", "Runtime.ExitError"),
}


def _told(result: InvocationResult) -> tuple[object, ...]:
    error = result.error
    if error is None:
        return (result.payload,)
    return error.error_type, error.message.replace(result.request_id, "<id>"), len(error.stack_trace)


@pytest.mark.parametrize("case", CASES)
def test_our_client_answers_or_names_the_error(case: str, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    source, expected = CASES[case]
    monkeypatch.setattr(command, "has_aws_client", lambda: False)
    assert _told(run(source).invoke(b"{}"))[0] == expected


@pytest.mark.skipif(
    not command.has_aws_client() or not containment().has_namespaces,
    reason="AWS's client, awslambdaric, is not installed, or there are no namespaces",
)
@pytest.mark.parametrize("case", CASES)
def test_our_client_behaves_as_aws_own(case: str, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    source, _ = CASES[case]
    aws = _told(run(source).invoke(b"{}"))
    monkeypatch.setattr(command, "has_aws_client", lambda: False)
    assert _told(run(source, name="function").invoke(b"{}")) == aws


def test_a_function_that_is_granted_the_network_can_be_reached_by_nobody_else(
    write: Write, hosted: Callable[..., HandlerHost]
) -> None:
    source = """
    import os, urllib.request, urllib.error
    def handler(event, context):
        address, _, token = os.environ['AWS_LAMBDA_RUNTIME_API'].partition('/')
        try:
            urllib.request.urlopen(f'http://{address}/2018-06-01/runtime/invocation/next', timeout=5)
        except urllib.error.HTTPError as error:
            return [error.code, len(token) >= 32]
    """
    handler = hosted(write(source, network=True, timeout_s=10.0)).handler("function")
    assert handler.invoke(b"{}").payload == b"[403, true]"


def test_without_namespaces_a_function_still_runs_within_limits(
    write: Write, hosted: Callable[..., HandlerHost]
) -> None:
    source = """
    import os, tempfile
    def handler(event, context):
        open(os.path.join(tempfile.gettempdir(), 'mine'), 'w').close()
        return [tempfile.gettempdir(), os.getuid()]
    """
    function = write(source, timeout_s=5.0)
    handler = hosted(function, contained=Containment("limits", "a test says so")).handler("function")
    try:
        result = handler.invoke(b"{}")
    except UnavailableError as error:
        if "Permission denied" not in error.message:
            raise
        pytest.skip("another user can't read this Python, so the host refuses to run functions as root")
    folder, uid = json.loads(result.payload)
    assert "iotlab-handler-" in folder
    assert uid != 0


NODE = """
export const handler = async (event, context) => {
  if (event.fail) throw new RangeError("no such pump");
  if (event.loop) for (;;) {}
  if (event.exit) process.exit(3);
  console.log("hello");
  const left = context.getRemainingTimeInMillis() > 0;
  return { n: event.n, left, memory: context.memoryLimitInMB, id: context.awsRequestId };
};
"""


@needs_node
def test_a_node_function_runs_as_a_python_one(run: Run) -> None:
    handler = run(NODE, suffix=".mjs", timeout_s=2.0, memory_mb=256)
    result = handler.invoke(b'{"n": 7}', request_id="r-7")
    assert json.loads(result.payload) == {"n": 7, "left": True, "memory": "256", "id": "r-7"}
    assert result.log_tail == "hello\n"
    failed = handler.invoke(b'{"fail": true}').error
    assert failed is not None
    assert (failed.error_type, failed.message) == ("RangeError", "no such pump")
    exited = handler.invoke(b'{"exit": true}').error
    assert exited is not None
    assert exited.message.endswith("exit status 3")
    looped = handler.invoke(b'{"loop": true}').error
    assert looped is not None
    assert looped.error_type == "Sandbox.Timedout"


@needs_node
@pytest.mark.parametrize(
    ("source", "error_type"),
    [
        ("export const other = 1;", "Runtime.HandlerNotFound"),
        ("export const handler = 1;", "Runtime.HandlerNotFound"),
        ("import 'nothing-of-this-name'; export const handler = 1;", "Runtime.ImportModuleError"),
        ("export const handler = (", "Runtime.UserCodeSyntaxError"),
    ],
)
def test_a_node_function_that_can_not_be_loaded_says_why(run: Run, source: str, error_type: str) -> None:
    error = run(source, suffix=".mjs", memory_mb=256).invoke(b"{}").error
    assert error is not None
    assert error.error_type == error_type


@needs_node
def test_a_node_function_may_use_commonjs_and_callbacks(run: Run) -> None:
    source = "exports.handler = (event, context, callback) => callback(null, event.n + 1);"
    assert run(source, suffix=".js", memory_mb=256).invoke(b'{"n": 1}').payload == b"2"

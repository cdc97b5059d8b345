"""A function through the host: context, errors, processes, reload, log."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from iotlab.errors import ConfigError, Place, UnavailableError
from iotlab.triggers.host.function import Function
from iotlab.triggers.host.handler import Handler
from iotlab.triggers.host.host import HandlerHost
from iotlab.triggers.invoke import MAX_PAYLOAD_BYTES, Invoker
from tests.triggers.host.conftest import Run, Write

CONTEXT = """
def handler(event, context):
    print('remaining', context.get_remaining_time_in_millis())
    return [
        event, context.aws_request_id, context.function_name, context.function_version, context.invoked_function_arn,
        context.memory_limit_in_mb, context.log_group_name, context.log_stream_name, context.client_context,
        context.identity.cognito_identity_id, 1000 < context.get_remaining_time_in_millis() <= 2000,
    ]
"""


def test_a_function_sees_lambdas_context(run: Run) -> None:
    handler = run(CONTEXT, timeout_s=2.0, memory_mb=256)
    result = handler.invoke(b'{"n": 1}', request_id="the-request")
    assert json.loads(result.payload) == [
        {"n": 1},
        "the-request",
        "function",
        "$LATEST",
        "arn:aws:lambda:us-east-1:000000000000:function:function",
        "256",
        "/aws/lambda/function",
        "[$LATEST]",
        None,
        None,
        True,
    ]
    assert result.request_id == "the-request"
    assert result.log_tail.startswith(("remaining 1", "remaining 2000"))


def test_the_remaining_time_is_never_negative(run: Run) -> None:
    source = """
    import time
    def handler(event, context):
        time.time = lambda: 1e12
        return context.get_remaining_time_in_millis()
    """
    assert run(source).invoke(b"1").payload == b"0"


def test_a_handler_is_an_invoker(run: Run) -> None:
    invoker: Invoker = run("def handler(event, context): return 1", timeout_s=7.0)
    assert (invoker.name, invoker.timeout_s) == ("function", 7.0)
    assert invoker.function_arn == "arn:aws:lambda:us-east-1:000000000000:function:function"


def test_an_exception_is_an_error_with_type_message_and_the_functions_own_frames(run: Run) -> None:
    source = """
    def deeper(): raise ValueError('no such pump')
    def handler(event, context): deeper()
    """
    error = run(source).invoke(b"{}").error
    assert error is not None
    assert (error.error_type, error.message, error.handled) == ("ValueError", "no such pump", True)
    assert [frame.split(", in ")[1].split("\n")[0] for frame in error.stack_trace] == ["handler", "deeper"]
    assert "/runtime/" not in "".join(error.stack_trace)


def test_a_process_is_reused_until_it_ends(run: Run) -> None:
    source = """
    import os
    count = 0
    def handler(event, context):
        global count
        count += 1
        if event == 'end': os._exit(1)
        return count
    """
    handler = run(source)
    counts = [(result.payload, result.cold_start) for result in (handler.invoke(b"1") for _ in range(3))]
    assert counts == [(b"1", True), (b"2", False), (b"3", False)]
    assert handler.invoke(b'"end"').error is not None
    again = handler.invoke(b"1")
    assert (again.payload, again.cold_start) == (b"1", True)
    assert (handler.stats.invocations, handler.stats.exits, handler.stats.cold_starts) == (5, 1, 2)


def test_a_process_that_ended_between_two_events_costs_a_cold_start_and_no_event(run: Run) -> None:
    source = """
    import os, threading
    def handler(event, context):
        if event == 'later': threading.Timer(0.05, os._exit, (1,)).start()
        return 'answered'
    """
    handler = run(source)
    handler.invoke(b'"later"')
    time.sleep(0.3)
    again = handler.invoke(b"1")
    assert (again.payload, again.cold_start) == (b'"answered"', True)


def test_no_more_processes_run_than_may_and_callers_wait(run: Run) -> None:
    source = """
    import time
    def handler(event, context): time.sleep(0.1); return event
    """
    handler = run(source, concurrency=2)
    answers: list[bytes] = []
    threads = [
        threading.Thread(target=lambda n=n: answers.append(handler.invoke(b"%d" % n).payload)) for n in range(8)
    ]
    for thread in threads:
        thread.start()
    most = 0
    while any(thread.is_alive() for thread in threads):
        most = max(most, handler.stats.processes)
        time.sleep(0.01)
    assert sorted(answers) == [b"%d" % n for n in range(8)]
    assert most == 2


def test_an_event_that_is_too_large_is_refused_before_it_reaches_the_function(run: Run) -> None:
    handler = run("def handler(event, context): return len(event)", timeout_s=10.0)
    largest = b'"' + b"x" * (MAX_PAYLOAD_BYTES - 2) + b'"'
    assert handler.invoke(largest).payload == b"%d" % (MAX_PAYLOAD_BYTES - 2)
    error = handler.invoke(largest + b" ").error
    assert error is not None
    assert error.error_type == "RequestEntityTooLargeException"


def test_the_log_has_lambdas_lines(run: Run) -> None:
    handler = run("def handler(event, context): print('hello')", memory_mb=192)
    handler.invoke(b"{}", request_id="r-1")
    start, hello, end, report = handler.log.lines
    assert (start, hello, end) == ("START RequestId: r-1 Version: $LATEST", "hello", "END RequestId: r-1")
    names = [part.split(": ")[0] for part in report.split("\t")]
    assert names == [
        "REPORT RequestId",
        "Duration",
        "Billed Duration",
        "Memory Size",
        "Max Memory Used",
        "Init Duration",
    ]
    assert "Memory Size: 192 MB" in report


def test_the_environment_is_lambdas_and_what_was_granted(write: Write, hosted: Callable[..., HandlerHost]) -> None:
    source = """
    import os
    def handler(event, context): return dict(os.environ)
    """
    function = write(source, environment={"MODE": "test"}, secrets={"TOKEN": "env:SOMEWHERE"})
    host = hosted(function, reveal={"env:SOMEWHERE": "s3cret"}.__getitem__)
    seen = json.loads(host.handler("function").invoke(b"{}").payload)
    assert (seen["MODE"], seen["TOKEN"]) == ("test", "s3cret")
    assert seen["AWS_LAMBDA_FUNCTION_NAME"] == "function"
    assert seen["TZ"] == ":UTC"
    granted = {"MODE", "TOKEN"}
    # LC_CTYPE is Python's own doing where the locale is not installed.
    assert {name for name in seen if not name.startswith(("AWS_", "LAMBDA_"))} - granted <= {
        "LANG",
        "LC_CTYPE",
        "PATH",
        "PYTHONPATH",
        "TMPDIR",
        "TZ",
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
    }


def test_a_secret_that_is_not_there_makes_the_function_unavailable(
    write: Write, hosted: Callable[..., HandlerHost]
) -> None:
    def nowhere(reference: str) -> str:
        raise ConfigError(Place(reference), "this environment variable is not set")

    function = write("def handler(event, context): return 1", secrets={"TOKEN": "env:NOWHERE"})
    with pytest.raises(UnavailableError, match="env:NOWHERE"):
        hosted(function, reveal=nowhere).handler("function").invoke(b"{}")


def _until(handler: Handler, done: Callable[[], bool]) -> None:
    end_s = time.monotonic() + 20
    while not done():
        assert time.monotonic() < end_s, handler.log.lines
        time.sleep(0.05)


def test_edited_code_serves_once_it_is_initialised(run: Run) -> None:
    handler = run("def handler(event, context): return 'old'")
    first = handler.invoke(b"{}")
    handler.function.path.write_text("def handler(event, context): return 'new'")
    _until(handler, lambda: handler.stats.version != first.executed_version)
    second = handler.invoke(b"{}")
    assert (first.payload, second.payload) == (b'"old"', b'"new"')
    assert not second.cold_start
    assert second.executed_version != first.executed_version


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ("def handler(event, context: return 1", "Runtime.UserCodeSyntaxError"),
        ("import nothing_of_this_name", "Runtime.ImportModuleError"),
        ("x = 1", "Runtime.HandlerNotFound"),
        ("raise SystemExit(3)", "Runtime.ExitError"),
    ],
)
def test_broken_code_is_refused_and_the_old_version_goes_on(run: Run, broken: str, reason: str) -> None:
    handler = run("def handler(event, context): return 'old'")
    handler.invoke(b"{}")
    handler.function.path.write_text(broken)
    _until(handler, lambda: handler.stats.refused != "")
    assert reason in handler.stats.refused
    assert "the edited code is refused" in "\n".join(handler.log.lines)
    assert handler.invoke(b"{}").payload == b'"old"'
    handler.function.path.write_text("def handler(event, context): return 'mended'")
    _until(handler, lambda: handler.stats.refused == "")
    assert handler.invoke(b"{}").payload == b'"mended"'


def test_a_removed_file_leaves_the_version_that_runs(run: Run) -> None:
    handler = run("def handler(event, context): return 'old'")
    handler.invoke(b"{}")
    handler.function.path.unlink()
    handler.keep()
    handler.keep()
    assert handler.invoke(b"{}").payload == b'"old"'


def test_a_function_without_code_is_unavailable(write: Write, hosted: Callable[..., HandlerHost]) -> None:
    function = write("")
    function.path.unlink()
    with pytest.raises(UnavailableError, match="can't be read"):
        hosted(function).handler("function").invoke(b"{}")


def test_a_folder_is_a_package_of_several_files(tmp_path: Path, hosted: Callable[..., HandlerHost]) -> None:
    package = tmp_path / "package"
    (package / "parts").mkdir(parents=True)
    (package / "app.py").write_text(
        "from parts.answer import ANSWER\ndef lambda_handler(event, context): return ANSWER"
    )
    (package / "parts" / "answer.py").write_text("ANSWER = 42")
    handler = hosted(Function(name="p", path=package, handler="app.lambda_handler")).handler("p")
    assert handler.invoke(b"{}").payload == b"42"
    (package / "parts" / "answer.py").write_text("ANSWER = 43")
    _until(handler, lambda: handler.invoke(b"{}").payload == b"43")


def test_an_unknown_handler_is_named(hosted: Callable[..., HandlerHost]) -> None:
    with pytest.raises(ConfigError, match="no handler 'other'"):
        hosted().handler("other")


def test_an_edited_list_of_functions_is_taken_over(write: Write, hosted: Callable[..., HandlerHost]) -> None:
    kept = write("def handler(event, context): return 1", name="kept")
    gone = write("def handler(event, context): return 2", name="gone")
    host = hosted(kept, gone)
    before = host.handler("kept")
    before.invoke(b"{}")
    new = write("def handler(event, context): return 3", name="new")
    host.apply([kept, new])
    assert host.handler("kept") is before
    assert sorted(host.handlers) == ["kept", "new"]
    host.apply([msgspec.structs.replace(kept, environment={"A": "1"})])
    assert host.handler("kept") is not before
    assert host.handler("kept").invoke(b"{}").cold_start


def test_a_warm_invocation_of_a_hundred_records_takes_at_most_15_ms_at_p99(run: Run) -> None:
    handler = run("def handler(event, context): return {'n': len(event['Records'])}", timeout_s=10.0)
    record = {"eventID": "1", "dynamodb": {"NewImage": {"device": {"S": "kitchen"}, "text": {"S": "x" * 200}}}}
    event = json.dumps({"Records": [record] * 100}).encode()
    for _ in range(50):
        handler.invoke(event)
    took = []
    for _ in range(500):
        begun_s = time.perf_counter()
        result = handler.invoke(event)
        took.append(time.perf_counter() - begun_s)
        assert result.payload == b'{"n": 100}'
    took.sort()
    assert took[495] <= 0.015, f"p50 {took[250] * 1000:.2f} ms, p99 {took[495] * 1000:.2f} ms"

"""Each attack of a function: ended in time, nothing left of it, nothing reached, and its neighbour answers meanwhile.

``IOTLAB_TEST_ATTACKS=100`` repeats each of them a hundred times.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from iotlab.table.engine import Engine
from iotlab.table.store import Store
from iotlab.triggers.host.containment import containment
from iotlab.triggers.host.function import Function
from iotlab.triggers.host.host import HandlerHost
from iotlab.triggers.host.jail import tree
from iotlab.triggers.host.process import END_S
from tests.triggers.host.attacks import ATTACKS, REPORT_ACCESS, TIMEOUT_S, Attack
from tests.triggers.host.conftest import Run, Write

ROUNDS = int(os.environ.get("IOTLAB_TEST_ATTACKS", "1"))

pytestmark = pytest.mark.timeout(120 + 20 * ROUNDS)
needs_namespaces = pytest.mark.skipif(not containment().has_namespaces, reason="this machine gives no namespaces")


@pytest.fixture
def no_process_is_left() -> Iterator[None]:
    """Fail when a process that the test's process started, or anything below it, outlives the host."""
    before = set(tree.descendants(os.getpid()))
    yield
    left = set(tree.descendants(os.getpid())) - before
    assert not left, [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in left]


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name.replace(" ", "_"))
def test_an_attack_ends_in_time_and_its_neighbour_answers(
    attack: Attack,
    no_process_is_left: None,
    write: Write,
    hosted: Callable[..., HandlerHost],
    tmp_path: Path,
) -> None:
    if attack.is_harmful and not containment().has_namespaces:
        pytest.skip("this machine gives no namespaces, and the attack would reach others")
    engine = Engine.open(tmp_path / "table.db")
    Store(engine).call("CreateTable", _TABLE)
    Store(engine).put_item("things", {"k": {"S": "kept"}})
    digest = _digest(Store(engine))
    limits = {"timeout_s": TIMEOUT_S, **attack.limits}
    host = hosted(write(attack.source, name="attacker", **limits), _neighbour(write))
    for number in range(ROUNDS):
        _attack_once(host, attack, attack.error if number == 0 else attack.error + attack.repeated)
    host.stop()
    assert _digest(Store(engine)) == digest
    engine.close()


def _attack_once(host: HandlerHost, attack: Attack, expected: tuple[str | None, ...]) -> None:
    neighbour = threading.Thread(target=_ask_neighbour, args=(host,))
    host.handler("neighbour").invoke(b"1")
    attacker = host.handler("attacker")
    begun_s = time.monotonic()
    neighbour.start()
    result = attacker.invoke(b"{}")
    spent_s = time.monotonic() - begun_s
    neighbour.join()
    error_type = result.error.error_type if result.error else None
    assert error_type in expected, result
    if result.error is None:
        assert result.payload == attack.payload
    else:
        assert attack.message in result.error.message
    # The process's start comes before the invocation.
    start_s = host.handler("attacker").stats.init_us / 1e6 + 1.0
    assert spent_s <= attacker.timeout_s + END_S + start_s
    assert host.handler("neighbour").invoke(b"2").payload == b"2"


def _ask_neighbour(host: HandlerHost) -> None:
    for _ in range(20):
        host.handler("neighbour").invoke(b"3")


def _neighbour(write: Write) -> Function:
    return write("def handler(event, context): return event", name="neighbour", timeout_s=10.0)


_TABLE = {
    "TableName": "things",
    "BillingMode": "PAY_PER_REQUEST",
    "KeySchema": [{"AttributeName": "k", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "k", "AttributeType": "S"}],
}


def _digest(store: Store) -> str:
    return hashlib.sha256(json.dumps(sorted(map(str, store.scan_all("things")))).encode()).hexdigest()


def test_a_daemon_that_an_invocation_left_is_ended_while_the_host_goes_on(run: Run) -> None:
    attack = next(attack for attack in ATTACKS if attack.name == "leaves a daemon behind")
    handler = run(attack.source)
    handler.invoke(b"{}")
    end_s = time.monotonic() + 20
    while "processes that an invocation left behind" not in "".join(handler.log.lines):
        assert time.monotonic() < end_s, handler.log.lines
        time.sleep(0.05)
    while handler.stats.processes:
        assert time.monotonic() < end_s
        time.sleep(0.05)
    assert handler.invoke(b"{}").cold_start


def test_a_thread_that_an_invocation_left_uses_no_processor_between_two_events(run: Run) -> None:
    attack = next(attack for attack in ATTACKS if attack.name == "leaves a thread behind that loops")
    handler = run(attack.source)
    handler.invoke(b"{}")
    below = [pid for pid in tree.descendants(os.getpid()) if _is_python_of_function(pid)]
    end_s = time.monotonic() + 20
    while any(_state(pid) != "T" for pid in below):
        assert time.monotonic() < end_s, [_state(pid) for pid in below]
        time.sleep(0.05)
    assert below
    assert handler.invoke(b"{}").payload == b'"left"'


def _is_python_of_function(pid: int) -> bool:
    return b"AWS_LAMBDA_FUNCTION_NAME" in Path(f"/proc/{pid}/environ").read_bytes()


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


@needs_namespaces
def test_a_function_finds_no_file_of_the_lab_no_home_and_no_secret(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "table.db"
    secret.write_text("the data")
    monkeypatch.setenv("CANARY", "canary-2f6c")
    paths = [
        secret,
        Path.home(),
        Path.home() / ".aws/credentials",
        Path("/etc/shadow"),
        Path(__file__),
        Path("/home"),
    ]
    source = (
        REPORT_ACCESS
        + f"""
import os
def link(number):
    try:
        return os.readlink(f'/proc/self/fd/{{number}}')
    except OSError:
        return 'gone'
def handler(event, context):
    seen = [tried(lambda: open(path).read(10)) for path in {[str(path) for path in paths]!r}]
    lists = [tried(lambda: os.listdir(path)) for path in {[str(secret.parent), str(Path.home())]!r}]
    fds, pids = [link(number) for number in os.listdir('/proc/self/fd')], os.listdir('/proc')
    return dict(seen=seen, lists=lists, env=dict(os.environ), fds=fds, pids=pids)
"""
    )
    result = run(source).invoke(b"{}")
    assert result.error is None, result
    answer = json.loads(result.payload)
    assert set(answer["seen"]) <= {"FileNotFoundError", "PermissionError", "IsADirectoryError"}, answer["seen"]
    assert b"canary-2f6c" not in result.payload
    assert "table.db" not in str(answer["lists"])
    assert len([pid for pid in answer["pids"] if pid.isdigit()]) <= 2
    # Standard input, output and error, the connection to the Runtime API, and what its client opened.
    assert {fd.split(":")[0] for fd in answer["fds"]} <= {"/dev/null", "pipe", "socket", "anon_inode", "gone"}


@needs_namespaces
def test_a_function_reaches_no_network_unless_it_is_granted(
    run: Run, write: Write, hosted: Callable[..., HandlerHost]
) -> None:
    source = (
        REPORT_ACCESS
        + """
import socket
def handler(event, context):
    return [tried(lambda: socket.create_connection((host, port), 1).close()) for host, port in event]
"""
    )
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        event = json.dumps([["127.0.0.1", port], ["192.0.2.1", 80]]).encode()
        assert json.loads(run(source).invoke(event).payload) == ["ConnectionRefusedError", "OSError"]
        granted = hosted(write(source, name="granted", network=True)).handler("granted")
        assert json.loads(granted.invoke(json.dumps([["127.0.0.1", port]]).encode()).payload) == ["None"]


@needs_namespaces
def test_a_function_can_write_nowhere_but_to_its_temporary_folder(run: Run) -> None:
    source = """
import os
def handler(event, context):
    found = []
    for folder, folders, _ in os.walk('/'):
        folders[:] = [name for name in folders if folder != '/' or name not in ('proc', 'sys')]
        try:
            open(os.path.join(folder, 'written'), 'w').close()
            found.append(folder)
        except OSError:
            pass
        if folder.count('/') > 3:
            folders.clear()
    return found
"""
    assert json.loads(run(source, timeout_s=20.0).invoke(b"{}").payload) == ["/tmp"]  # noqa: S108


def test_what_a_function_prints_is_kept_up_to_a_bound_with_a_mark(run: Run) -> None:
    handler = run("def handler(event, context): print('x' * 1_000_000)")
    result = handler.invoke(b"{}")
    assert result.error is None
    assert "[cut: " in handler.log.lines[-3]
    assert len(result.log_tail) <= 4096
    assert sum(map(len, handler.log.lines)) < 300_000

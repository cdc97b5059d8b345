"""The private broker: starts, answers, restarts, ends with its parent, and drops nothing silently."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from iotlab.clock import SystemClock
from iotlab.errors import UnavailableError
from iotlab.mqtt import broker as broker_module
from iotlab.mqtt import wire
from iotlab.mqtt.broker import BrokerKind, PrivateBroker
from iotlab.mqtt.die_with_parent import with_parent
from iotlab.mqtt.mosquitto import MAX_PACKET_BYTES, find_mosquitto
from iotlab.mqtt.ports import LOOPBACK, broker_answers, free_port, is_free
from tests.mqtt.peers import connect, eventually, scripted

CLOCK = SystemClock()
ROOT = Path(__file__).parents[2]

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="it rests on Linux")


@pytest.fixture(params=["mosquitto", "amqtt"])
def kind(request: pytest.FixtureRequest) -> BrokerKind:
    chosen: BrokerKind = request.param
    if chosen == "mosquitto" and find_mosquitto() is None:
        pytest.skip("mosquitto is not installed")
    return chosen


@pytest.fixture
def broker(tmp_path: Path, kind: BrokerKind) -> Iterator[PrivateBroker]:
    """A broker of either kind on a free port, not yet started, in a directory with a blank in its name."""
    private = PrivateBroker(tmp_path / "my lab", CLOCK, port=free_port(preferred=None), kind=kind)
    yield private
    private.stop()


def _kill(private: PrivateBroker) -> None:
    assert private.pid is not None
    os.kill(private.pid, signal.SIGKILL)
    eventually(lambda: not private.alive)


def test_it_starts_answers_and_leaves_the_port_when_stopped(broker: PrivateBroker, kind: BrokerKind) -> None:
    address = broker.start()
    assert address == broker.address
    assert str(address) == f"127.0.0.1:{address.port}"
    assert (broker.alive, broker.kind) == (True, kind)
    assert broker_answers(address.port)
    assert broker.start() == address
    broker.stop()
    assert (broker.alive, broker.pid) == (False, None)
    assert is_free(address.port)
    broker.stop()


def test_it_is_started_again_on_its_port_after_a_kill(broker: PrivateBroker) -> None:
    port = broker.start().port
    assert not broker.ensure_running()
    for restarts in (1, 2):
        _kill(broker)
        assert broker.ensure_running()
        assert broker.restarts == restarts
        assert broker_answers(port)


@on_linux
def test_it_listens_on_loopback_only(broker: PrivateBroker) -> None:
    port = broker.start().port
    listening = [
        line.split()[1]
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        for line in Path(table).read_text(encoding="ascii").splitlines()[1:]
        if line.split()[3] == "0A" and line.split()[1].endswith(f":{port:04X}")
    ]
    assert listening == [f"0100007F:{port:04X}"]


def test_it_has_a_process_group_of_its_own(broker: PrivateBroker) -> None:
    broker.start()
    assert broker.pid is not None
    assert os.getpgid(broker.pid) != os.getpgid(0)


def test_it_outlives_the_thread_that_started_it(broker: PrivateBroker) -> None:
    thread = threading.Thread(target=broker.start)
    thread.start()
    thread.join()
    assert broker.alive
    assert broker.address is not None
    assert broker_answers(broker.address.port)


_PARENT = """
import sys
from pathlib import Path
from iotlab.clock import SystemClock
from iotlab.mqtt.broker import PrivateBroker
broker = PrivateBroker(Path(sys.argv[1]), SystemClock(), port=int(sys.argv[2]), kind=sys.argv[3])
broker.start()
print(broker.pid, flush=True)
sys.stdin.read()
"""


@on_linux
def test_it_ends_when_its_parent_is_killed(tmp_path: Path, kind: BrokerKind) -> None:
    port = free_port(preferred=None)
    command = [sys.executable, "-c", _PARENT, str(tmp_path), str(port), kind]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as parent:
        assert parent.stdout is not None
        assert int(parent.stdout.readline())
        assert broker_answers(port)
        parent.kill()
    eventually(lambda: is_free(port))


@on_linux
def test_a_program_whose_parent_is_gone_already_does_not_start() -> None:
    command = with_parent([sys.executable, "-c", "print('started')"])
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "started\n"
    command[command.index(str(os.getpid()))] = "1"
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == ""


def test_a_port_that_is_taken_is_refused_with_its_number(broker: PrivateBroker) -> None:
    assert broker.address is not None
    port = broker.address.port
    with socket.create_server((LOOPBACK, port)), pytest.raises(UnavailableError, match=f"port {port} .* is taken"):
        broker.start()


def test_a_preferred_port_that_is_taken_is_left_alone() -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        port: int = taken.getsockname()[1]
        assert free_port(preferred=port) != port
    assert free_port(preferred=port) == port


def test_what_listens_but_is_no_broker_does_not_count_as_an_answer() -> None:
    def hangs_up(peer: object, _: int) -> None:
        raise EOFError

    with scripted(hangs_up) as server:
        assert not broker_answers(server.port)
    with scripted(lambda peer, _: peer.raw(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as server:
        assert not broker_answers(server.port)


def test_a_broker_that_ends_at_once_is_reported_with_the_end_of_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "mosquitto"
    program.write_text("#!/bin/sh\necho 'Error: Unknown configuration variable' >&2\nexit 3\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setattr(broker_module, "find_mosquitto", lambda: program)
    private = PrivateBroker(tmp_path, CLOCK, port=free_port(preferred=None), kind="mosquitto")
    with pytest.raises(UnavailableError, match="ended at once") as caught:
        private.start()
    assert "Unknown configuration variable" in caught.value.hint
    assert not private.alive


def test_without_mosquitto_amqtt_is_taken_or_the_way_to_install_it_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker_module, "find_mosquitto", lambda: None)
    assert PrivateBroker(tmp_path, CLOCK).kind == "amqtt"
    with pytest.raises(UnavailableError, match="not installed") as caught:
        PrivateBroker(tmp_path, CLOCK, port=free_port(preferred=None), kind="mosquitto").start()
    assert "apt install mosquitto" in caught.value.hint


def test_mosquitto_is_found_on_a_path(tmp_path: Path) -> None:
    assert find_mosquitto(str(tmp_path)) is None
    program = tmp_path / "mosquitto"
    program.touch(0o755)
    assert find_mosquitto(str(tmp_path)) == program


def test_mosquitto_accepts_every_option_without_a_complaint(mosquitto: PrivateBroker) -> None:
    log = mosquitto.log_path.read_text(encoding="utf-8").lower()
    assert "unknown" not in log
    assert "error" not in log
    assert "deprecated" not in log


def test_mosquitto_keeps_retained_messages_over_a_restart(mosquitto: PrivateBroker) -> None:
    assert mosquitto.address is not None
    port = mosquitto.address.port
    peer = connect(port, wire.Connect("p"))
    peer.send(wire.Publish("lab/x/status", b"online", 1, retain=True, packet_id=1))
    peer.expect(wire.PubAck)
    peer.close()
    mosquitto.stop()
    mosquitto.start()
    peer = connect(port, wire.Connect("p"))
    peer.send(wire.Subscribe(1, (wire.Subscription("lab/#"),)))
    assert peer.expect(wire.Publish).payload == b"online"
    peer.close()


@pytest.mark.parametrize("protocol", [wire.MQTT_5, wire.MQTT_311])
def test_a_packet_that_is_too_large_ends_its_connection_instead_of_vanishing(
    mosquitto: PrivateBroker, protocol: wire.ProtocolLevel
) -> None:
    assert mosquitto.address is not None
    peer = connect(mosquitto.address.port, wire.Connect("p", protocol=protocol))
    packet = wire.encode_publish("t", bytes(MAX_PACKET_BYTES), qos=1, packet_id=1, protocol=protocol)
    peer.raw(packet[:100])
    if protocol == wire.MQTT_5:
        assert peer.expect(wire.Disconnect).reason_code == 0x95
    with pytest.raises((EOFError, ConnectionError)):
        peer.expect(wire.PubAck)
    peer.close()

"""TLS with a real mosquitto and certificates made for the test."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from iotlab.clock import SystemClock
from iotlab.errors import ConfigError
from iotlab.mqtt.client import Client, ClientOptions, Subscription, Tls
from iotlab.mqtt.mosquitto import find_mosquitto
from iotlab.mqtt.ports import free_port
from tests.mqtt.peers import Inbox, States, eventually, running

CLOCK = SystemClock()
OPENSSL = shutil.which("openssl")


class Certificates:
    """An authority, and a server's and a client's certificate signed by it, as files."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._openssl("req", "-x509", "-subj", "/CN=test authority", "-keyout", "ca.key", "-out", "ca.pem")
        (directory / "san.txt").write_text("subjectAltName=IP:127.0.0.1\n", encoding="utf-8")
        for name in ("server", "client"):
            self._openssl("req", "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
            signing = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "san.txt"]
            self._run("x509", "-req", "-in", f"{name}.csr", "-days", "2", *signing, "-out", f"{name}.pem")

    def path(self, name: str) -> str:
        return str(self.directory / name)

    def _openssl(self, command: str, *arguments: str) -> None:
        self._run(command, *arguments, "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")

    def _run(self, *arguments: str) -> None:
        assert OPENSSL is not None
        subprocess.run([OPENSSL, *arguments], cwd=self.directory, check=True, capture_output=True)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    if OPENSSL is None:
        pytest.skip("openssl is not installed")
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def tls_port(certificates: Certificates) -> Iterator[int]:
    """The port of a mosquitto that demands TLS and a certificate of the client."""
    program = find_mosquitto()
    if program is None:
        pytest.skip("mosquitto is not installed")
    port = free_port(preferred=None)
    lines = [f"listener {port} 127.0.0.1", "allow_anonymous true", "require_certificate true", "user root"]
    lines += [f"cafile {certificates.path('ca.pem')}", f"certfile {certificates.path('server.pem')}"]
    lines += [f"keyfile {certificates.path('server.key')}"]
    config = certificates.directory / "mosquitto.conf"
    config.write_text("\n".join(lines), encoding="utf-8")
    with subprocess.Popen([str(program), "-c", str(config)], stderr=subprocess.DEVNULL) as process:
        yield port
        process.terminate()


def _options(port: int, tls: Tls) -> ClientOptions:
    return ClientOptions(port=port, client_id="c", tls=tls, reconnect_cap_s=0.1)


def test_messages_go_through_tls_both_ways_and_whole(certificates: Certificates, tls_port: int) -> None:
    tls = Tls(certificates.path("ca.pem"), certificates.path("client.pem"), certificates.path("client.key"))
    inbox = Inbox()
    client = Client(_options(tls_port, tls), clock=CLOCK, on_message=inbox)
    client.subscribe(Subscription("big/#", no_local=False))
    payloads = [bytes([number]) * 70_000 for number in range(60)]
    with running(client):
        for payload in payloads:
            assert client.publish("big/x", payload, qos=1)
        inbox.wait(60)
        assert inbox.payloads == payloads
        assert client.ack_all(inbox.messages) == 60
        eventually(lambda: client.counters.acks == 60 and client.counters.published == 60)


def test_a_broker_whose_certificate_is_not_trusted_is_not_used_and_that_is_said(
    certificates: Certificates, tls_port: int
) -> None:
    states = States()
    client = Client(_options(tls_port, Tls()), clock=CLOCK, on_state=states)
    with running(client, connected=False):
        eventually(lambda: any("certificate verify failed" in status.reason for status in states.all))
    assert not any(status.state == "connected" for status in states.all)


@pytest.mark.parametrize(
    ("tls", "problem"),
    [
        (Tls(cafile="/nowhere/ca.pem"), "no such file"),
        (Tls(certfile="/nowhere/c.pem"), "no such file"),
        (Tls(keyfile="/nowhere/c.key"), "without a certfile"),
        (Tls(cafile=__file__), "can't be read"),
    ],
)
def test_a_tls_file_that_can_not_be_used_is_named_before_anything_connects(tls: Tls, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem) as caught:
        Client(ClientOptions(tls=tls), clock=CLOCK)
    assert caught.value.place.file in {tls.cafile, tls.certfile, tls.keyfile}

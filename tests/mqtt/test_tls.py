"""TLS with a real mosquitto and certificates made for the test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from iotlab.clock import SystemClock
from iotlab.errors import ConfigError
from iotlab.mqtt.client import Client, ClientOptions, Subscription, Tls
from tests.mqtt.peers import Inbox, States, eventually, running
from tests.mqtt.secure import Certificates, make_certificates, secure_broker

CLOCK = SystemClock()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def tls_port(certificates: Certificates) -> Iterator[int]:
    with secure_broker(certificates) as port:
        yield port


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

"""SNS at a local service that speaks its protocol, and MQTT at a real broker."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import msgspec
import pytest

from iotlab.clock import SystemClock
from iotlab.errors import ConfigError
from iotlab.mqtt.broker import PrivateBroker
from iotlab.mqtt.client import Client, Subscription
from iotlab.mqtt.message import Message
from iotlab.mqtt.mosquitto import find_mosquitto
from iotlab.mqtt.options import ClientOptions
from iotlab.mqtt.ports import free_port
from iotlab.notify.channels import ChannelConfig, Surroundings, open_channels
from iotlab.notify.channels.channel import SENT, Attempt, Closable
from iotlab.notify.channels.mqtt_topic import MqttChannel
from iotlab.notify.channels.sns import SnsChannel, subject
from iotlab.triggers.judge import OWN_OUTPUT
from tests.notify.scripted import notification
from tests.triggers.little_lab import LittleLab

ARN = "arn:aws:sns:eu-central-1:123456789012:alarms"
_OK = "<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>"
_ERROR = "<ErrorResponse><Error><Type>Sender</Type><Code>{}</Code><Message>no</Message></Error></ErrorResponse>"


class Sns:
    """Answers Publish as SNS does, or with an error."""

    def __init__(self) -> None:
        self.error: tuple[int, str] | None = None
        self.requests: list[dict[str, str]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _handler(sns: Sns) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            sns.requests.append({name: values[0] for name, values in parse_qs(body).items()})
            status, text = (200, _OK) if sns.error is None else (sns.error[0], _ERROR.format(sns.error[1]))
            self.send_response(status)
            self.send_header("Content-Type", "text/xml")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class's name
            """Say nothing on stderr."""

    return Handler


@pytest.fixture
def sns(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sns]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "example")
    service = Sns()
    yield service
    service.close()


def attempt(lab: LittleLab, **keys: Any) -> Attempt:
    return Attempt(notification(lab), "flow is 14", **keys)


def test_sns_gets_subject_text_and_key(lab: LittleLab, sns: Sns) -> None:
    channel = SnsChannel("cloud", ARN, endpoint_url=sns.url)
    assert channel.repeats == "visible"
    assert channel.service == "Amazon SNS, topic alarms"
    assert channel.send(attempt(lab)) == SENT
    [request] = sns.requests
    assert (request["TopicArn"], request["Subject"]) == (ARN, "Critical: Leak, tap")
    assert request["Message"] == "Critical: Leak, tap\nflow is 14"
    assert "leak/tap:1" in request.values()


def test_a_fifo_topic_drops_repeats_by_the_key(lab: LittleLab, sns: Sns) -> None:
    channel = SnsChannel("cloud", f"{ARN}.fifo", endpoint_url=sns.url)
    assert channel.repeats == "keyed"
    channel.send(attempt(lab))
    channel.send(attempt(lab, possible_repeat=True))
    first, second = sns.requests
    assert first["MessageDeduplicationId"] == second["MessageDeduplicationId"]
    assert "yes" in second.values()


SAYS = {
    "broken": (500, "InternalError", "retry"),
    "busy": (400, "Throttling", "retry"),
    "no": (403, "AuthorizationError", "refused"),
}


@pytest.mark.parametrize(("status", "code", "outcome"), SAYS.values(), ids=SAYS)
def test_what_sns_answers_decides_and_the_sdk_repeats_nothing_itself(
    lab: LittleLab, sns: Sns, status: int, code: str, outcome: str
) -> None:
    sns.error = status, code
    done = SnsChannel("cloud", ARN, endpoint_url=sns.url).send(attempt(lab))
    assert (done.status, done.error) == (outcome, f"SNS says {code}")
    assert len(sns.requests) == 1


def test_sns_that_is_not_there_is_tried_again(lab: LittleLab, sns: Sns) -> None:
    channel = SnsChannel("cloud", ARN, endpoint_url=f"http://127.0.0.1:{free_port(preferred=None)}")
    assert channel.send(attempt(lab)).status == "retry"


@pytest.mark.parametrize("arn", ["", "alarms", "arn:aws:sqs:eu-central-1:123456789012:alarms", ARN + ":x"])
def test_only_the_arn_of_a_topic_is_taken(arn: str) -> None:
    with pytest.raises(ConfigError, match="is not the ARN of a topic"):
        SnsChannel("cloud", arn)


@pytest.mark.parametrize(
    ("title", "shown"),
    [("Küche\nx", "K?che?x"), ("x" * 200, "x" * 100), ("  hot", "hot"), ("!", "Alarm !"), ("", "Alarm")],
)
def test_a_subject_is_what_sns_takes(title: str, shown: str) -> None:
    assert subject(title) == shown


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[ClientOptions]:
    if find_mosquitto() is None:
        pytest.skip("mosquitto is not installed")
    broker = PrivateBroker(tmp_path / "b", SystemClock(), port=free_port(preferred=None), kind="mosquitto")
    address = broker.start()
    yield ClientOptions(host=address.host, port=address.port, client_id="lab")
    broker.stop()


def test_mqtt_subscribers_get_the_document_with_the_key(lab: LittleLab, broker: ClientOptions) -> None:
    got: list[Message] = []
    came, subscribed = threading.Event(), threading.Event()

    def take(message: Message) -> None:
        got.append(message)
        came.set()

    listener = Client(
        msgspec.structs.replace(broker, client_id="listener"),
        clock=SystemClock(),
        on_message=take,
        on_state=lambda status: subscribed.set() if status.state == "connected" else None,
    )
    listener.subscribe(Subscription("home/alarms", qos=1))
    listener.start()
    assert subscribed.wait(5)
    config = ChannelConfig("panel", "mqtt", topic="home/alarms")
    [channel] = open_channels([config], lab.store, Surroundings(SystemClock(), broker))
    assert channel.repeats == "keyed"
    assert channel.send(attempt(lab)) == SENT
    assert channel.send(attempt(lab, possible_repeat=True)) == SENT
    assert came.wait(5)
    assert isinstance(channel, Closable)
    channel.close()
    listener.stop()
    assert got[0].user_property("key") == "leak/tap:1"
    assert msgspec.json.decode(got[0].payload)["id"].startswith(OWN_OUTPUT)
    assert msgspec.json.decode(got[0].payload)["data"]["title"] == "Critical: Leak, tap"


def test_a_broker_that_is_not_there_is_tried_again(lab: LittleLab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iotlab.notify.channels.mqtt_topic.TIMEOUT_S", 0.2)
    options = ClientOptions(port=free_port(preferred=None))
    channel = MqttChannel("panel", "home/alarms", options, clock=SystemClock())
    assert channel.send(attempt(lab)).status == "retry"
    channel.close()


def test_a_topic_filter_is_no_topic(lab: LittleLab) -> None:
    with pytest.raises(ConfigError, match="topic"):
        MqttChannel("panel", "home/#", ClientOptions(), clock=SystemClock())


def test_an_mqtt_channel_needs_a_broker(lab: LittleLab) -> None:
    with pytest.raises(ConfigError, match="there is no broker here"):
        open_channels([ChannelConfig("panel", "mqtt", topic="a")], lab.store)

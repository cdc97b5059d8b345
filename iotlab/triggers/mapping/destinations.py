"""Further destinations for what a mapping gives up: an MQTT topic, a queue of Amazon SQS, a topic of Amazon SNS.

Each is sent the document that Lambda sends, as it is: the message's body in SQS, its text in SNS.

Source: Lambda Developer Guide, "Retaining discarded batch records for a DynamoDB event source": standard queues and
standard topics; FIFO ones are not taken.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import urlsplit

from iotlab.errors import UnavailableError
from iotlab.mqtt.topic import check_topic_name
from iotlab.triggers.mapping.dead_letters import FailureSink

EXPECTED = "mqtt:TOPIC, sqs:URL, or the ARN of a queue or topic: arn:aws:sqs:eu-central-1:123456789012:given-up"
TIMEOUT_S = 8
_ARN = re.compile(r"arn:aws[a-z-]*:(sqs|sns):([a-z0-9-]+):(\d{12}):([A-Za-z0-9_-]{1,256})(\.fifo)?")
_SQS_HOST = re.compile(r"(?:sqs\.([a-z0-9-]+)|([a-z0-9-]+)\.queue)\.amazonaws\.com(?:\.cn)?")


class Sender(Protocol):
    """An MQTT client, as this module uses it."""

    def publish(self, topic: str, payload: bytes, *, qos: int) -> bool:
        """Publish, or return False when the queue is full."""
        ...


def check_destination(text: str) -> None:
    """Raise ValueError, with the reason, when a text is no destination; nothing is reached for."""
    _read(text)


def open_destination(text: str, sender: Sender) -> FailureSink:
    """Return the destination that a text names; a service is reached when something is sent.

    Raises:
        ValueError: the text is no destination.
    """
    return _read(text)(sender)


def _read(text: str) -> Callable[[Sender], FailureSink]:
    kind, _, rest = text.partition(":")
    if kind == "mqtt":
        check_topic_name(rest)
        return lambda sender: TopicSink(rest, sender)
    if kind == "sqs" and not rest.startswith("arn:"):
        region = _check_url(rest)
        return lambda _sender: QueueSink(rest, region)
    arn = text if kind == "arn" else rest
    found = _ARN.fullmatch(arn)
    if found is None or kind not in {"arn", found[1]}:
        raise ValueError(f"{text[:80]!r} is no destination")
    if found[5]:
        raise ValueError(f"{arn} is FIFO, which Lambda does not take here either")
    if found[1] == "sns":
        return lambda _sender: SnsSink(arn, found[2])
    return lambda _sender: QueueSink(arn, found[2])


def _check_url(url: str) -> str:
    """Return the region that a queue's URL names; empty for a service that is not Amazon's."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path.count("/") != 2:
        raise ValueError(f"{url[:80]!r} is no URL of a queue")
    if parts.path.endswith(".fifo"):
        raise ValueError(f"{url} is FIFO, which Lambda does not take here either")
    found = _SQS_HOST.fullmatch(parts.hostname)
    if found and parts.scheme != "https":
        raise ValueError(f"{url} is not https")
    return (found[1] or found[2]) if found else ""


class TopicSink:
    """Publishes what is given up to an MQTT topic, with QoS 1."""

    def __init__(self, topic: str, sender: Sender) -> None:
        self._topic = topic
        self._sender = sender

    def send(self, mapping: str, document: bytes) -> None:
        """Publish one document. Raises UnavailableError when the client's queue is full."""
        if not self._sender.publish(self._topic, document, qos=1):
            raise UnavailableError(f"{mapping}: the queue to the broker is full", hint="The dead letter is kept.")


class QueueSink:
    """Sends what is given up to a standard queue of Amazon SQS, with the AWS SDK's own credentials.

    Args:
        queue: Its URL or its ARN.
        region: Its region; empty for a service with SQS's interface at the URL's host.
    """

    def __init__(self, queue: str, region: str) -> None:
        self._queue = queue
        self._region = region
        self._client: Any = None
        self._url = ""

    def send(self, mapping: str, document: bytes) -> None:
        """Send one document. Raises UnavailableError when SQS does not take it within 8 seconds."""
        _call(mapping, "SQS", lambda: self._send(document))

    def _send(self, document: bytes) -> None:
        if self._client is None:
            parts = urlsplit(self._queue)
            elsewhere = f"{parts.scheme}://{parts.netloc}" if not self._region else ""
            self._client = _client("sqs", self._region, elsewhere)
        if not self._url:
            self._url = self._found_url()
        self._client.send_message(QueueUrl=self._url, MessageBody=document.decode())

    def _found_url(self) -> str:
        arn = _ARN.fullmatch(self._queue)
        if arn is None:
            return self._queue
        url: str = self._client.get_queue_url(QueueName=arn[4], QueueOwnerAWSAccountId=arn[3])["QueueUrl"]
        return url


class SnsSink:
    """Publishes what is given up to a standard topic of Amazon SNS, with the AWS SDK's own credentials."""

    def __init__(self, arn: str, region: str) -> None:
        self._arn = arn
        self._region = region
        self._client: Any = None

    def send(self, mapping: str, document: bytes) -> None:
        """Publish one document. Raises UnavailableError when SNS does not take it within 8 seconds."""
        _call(mapping, "SNS", lambda: self._send(document))

    def _send(self, document: bytes) -> None:
        if self._client is None:
            self._client = _client("sns", self._region, "")
        self._client.publish(TopicArn=self._arn, Message=document.decode())


def _client(service: str, region: str, endpoint_url: str) -> Any:
    import boto3  # noqa: PLC0415  a lab without such a destination need not load the AWS SDK
    from botocore.config import Config  # noqa: PLC0415

    # Nobody waits longer than for two answers: the dead letters have it already.
    config = Config(connect_timeout=TIMEOUT_S, read_timeout=TIMEOUT_S, retries={"total_max_attempts": 2})
    return boto3.client(service, region_name=region or None, endpoint_url=endpoint_url or None, config=config)


def _call(mapping: str, service: str, send: Callable[[], None]) -> None:
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415  as above

    try:
        send()
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", "")) or "an error without a code"
        raise UnavailableError(f"{mapping}: {service} says {code}", hint="The dead letter is kept.") from error
    except BotoCoreError as error:
        reason = f"{type(error).__name__}: {error}"
        raise UnavailableError(
            f"{mapping}: {service} can't be reached: {reason}", hint="The dead letter is kept."
        ) from error

"""What a mapping gives up, sent on: to queues and topics of a real service with the interfaces of SQS and SNS."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from iotlab.errors import UnavailableError
from iotlab.triggers.mapping.destinations import check_destination, open_destination
from tests.contract.targets import moto_server
from tests.triggers.mapping.functions import Bench, Event, Function

ACCOUNT = "123456789012"
REGION = "eu-central-1"
ARN = f"arn:aws:sqs:{REGION}:{ACCOUNT}:given-up"


class NoSender:
    """An MQTT client of which nothing is wanted."""

    def publish(self, topic: str, payload: bytes, *, qos: int) -> bool:
        raise AssertionError(f"{topic} was published to, with {len(payload)} bytes and QoS {qos}")


class Cloud:
    """A queue, and a topic that feeds another queue."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.sqs: Any = boto3.client("sqs", region_name=REGION, endpoint_url=url)
        sns: Any = boto3.client("sns", region_name=REGION, endpoint_url=url)
        self.queue = self.sqs.create_queue(QueueName="given-up")["QueueUrl"]
        self.heard = self.sqs.create_queue(QueueName="heard")["QueueUrl"]
        self.topic = sns.create_topic(Name="given-up")["TopicArn"]
        sns.subscribe(
            TopicArn=self.topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:{REGION}:{ACCOUNT}:heard",
            Attributes={"RawMessageDelivery": "true"},
        )  # fmt: skip

    def take(self, queue: str) -> list[str]:
        found = self.sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        for message in found:
            self.sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return [message["Body"] for message in found]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with moto_server(tmp_path_factory.mktemp("moto")) as url:
        yield url


@pytest.fixture
def cloud(url: str, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    return Cloud(url)


def fail(event: Event) -> None:
    raise ValueError(f"{len(event['Records'])} records")


def give_up(bench: Bench, destination: str) -> None:
    bench.put("poison")
    sink = open_destination(destination, NoSender())
    mapping = bench.mapping(Function(fail), sink=sink, maximum_retry_attempts=1, on_failure=destination)
    bench.settle(mapping, seconds=3)


@pytest.mark.parametrize("form", ["sqs:URL", "ARN", "sqs:ARN"])
def test_a_queue_is_sent_the_document_that_lambda_sends(bench: Bench, cloud: Cloud, form: str) -> None:
    give_up(bench, {"sqs:URL": f"sqs:{cloud.url}/{ACCOUNT}/given-up", "ARN": ARN, "sqs:ARN": f"sqs:{ARN}"}[form])
    [letter] = bench.letters()
    [body] = cloud.take(cloud.queue)
    assert (body, letter.sink_error) == (letter.document, "")
    document = json.loads(body)
    assert set(document) == {
        "requestContext",
        "responseContext",
        "version",
        "timestamp",
        "DDBStreamBatchInfo",
    }
    assert document["version"] == "1.0"
    assert document["requestContext"] == {
        "requestId": "request-2",
        "functionArn": Function.function_arn,
        "condition": "RetryAttemptsExhausted",
        "approximateInvokeCount": 2,
    }
    assert document["responseContext"] == {
        "statusCode": 200,
        "executedVersion": "$LATEST",
        "functionError": "Unhandled",
    }
    assert document["DDBStreamBatchInfo"] == {
        "shardId": letter.shard,
        "startSequenceNumber": letter.sequence_number,
        "endSequenceNumber": letter.sequence_number,
        "approximateArrivalOfFirstRecord": document["DDBStreamBatchInfo"]["approximateArrivalOfLastRecord"],
        "approximateArrivalOfLastRecord": document["DDBStreamBatchInfo"]["approximateArrivalOfFirstRecord"],
        "batchSize": 1,
        "streamArn": bench.store.stream_arn("things"),
    }


def test_a_topic_is_sent_the_document_as_its_text(bench: Bench, cloud: Cloud) -> None:
    give_up(bench, f"sns:{cloud.topic}")
    [letter] = bench.letters()
    assert cloud.take(cloud.heard) == [letter.document]


def test_a_queue_that_is_not_there_is_counted_and_noted_and_the_record_is_kept(bench: Bench, cloud: Cloud) -> None:
    give_up(bench, f"arn:aws:sqs:{REGION}:{ACCOUNT}:nowhere")
    [letter] = bench.letters()
    assert letter.sink_error.startswith("m: SQS says ")
    assert "NonExistentQueue" in letter.sink_error or "QueueDoesNotExist" in letter.sink_error
    assert cloud.take(cloud.queue) == []


def test_a_service_that_is_away_says_so(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cloud.url
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(UnavailableError, match="m: SNS can't be reached: EndpointConnectionError"):
        open_destination(cloud.topic, NoSender()).send("m", b"{}")


@pytest.mark.parametrize(
    "text",
    [
        "mqtt:lab/given-up",
        f"sqs:https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/given-up",
        "sqs:http://127.0.0.1:4566/000000000000/given-up",
        ARN,
        f"sns:arn:aws:sns:{REGION}:{ACCOUNT}:given-up",
    ],
)
def test_what_names_a_destination_is_taken(text: str) -> None:
    check_destination(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a place", "'a place' is no destination"),
        ("mqtt:lab/#", "wildcard"),
        ("sqs:given-up", "is no URL of a queue"),
        ("sqs:ftp://host/1/queue", "is no URL of a queue"),
        (f"sqs:http://sqs.{REGION}.amazonaws.com/{ACCOUNT}/given-up", "is not https"),
        (f"sqs:https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/given-up.fifo", "is FIFO"),
        (f"{ARN}.fifo", "is FIFO"),
        (f"sns:{ARN}", "is no destination"),
        ("arn:aws:s3:::bucket", "is no destination"),
    ],
)
def test_what_names_none_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        check_destination(text)

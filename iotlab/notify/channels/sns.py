"""Amazon SNS: one topic. boto3's own retries are off, since the outbox keeps count of each attempt."""

from __future__ import annotations

import hashlib
import re
from typing import Any

from iotlab.errors import ConfigError, Place
from iotlab.notify.channels.channel import SENT, Attempt, Outcome, Repeats

_ARN = re.compile(r"arn:aws[a-z-]*:sns:([a-z0-9-]+):\d{12}:[A-Za-z0-9_-]{1,256}(\.fifo)?")
_MAX_SUBJECT = 100
_LATER = frozenset({"Throttling", "ThrottledException", "InternalError", "ServiceUnavailable", "KMSThrottling"})


class SnsChannel:
    """Publishes to one topic, with the AWS SDK's own credentials.

    A FIFO topic is given the message's key as its deduplication id, so SNS itself drops repeats within five minutes;
    a standard topic has no such id, and people may see a repeat.

    Args:
        name: The channel's own name.
        topic_arn: The topic; its region is part of it.
        endpoint_url: Another service with SNS's interface; empty is AWS's own.

    Raises:
        ConfigError: this is not the ARN of a topic.
    """

    def __init__(self, name: str, topic_arn: str, *, endpoint_url: str = "") -> None:
        found = _ARN.fullmatch(topic_arn)
        if found is None:
            place = Place(f"notification channel {name}", "topic_arn")
            example = "arn:aws:sns:eu-central-1:123456789012:alarms"
            raise ConfigError(place, f"{topic_arn[:60]!r} is not the ARN of a topic", expected=f"such as {example}")
        self.name = name
        self._arn = topic_arn
        self._region = found[1]
        self._is_fifo = bool(found[2])
        self._endpoint_url = endpoint_url
        self._client: Any = None

    @property
    def service(self) -> str:
        """The service and the topic's name."""
        return f"Amazon SNS, topic {self._arn.rpartition(':')[2]}"

    @property
    def repeats(self) -> Repeats:
        """See the class."""
        return "keyed" if self._is_fifo else "visible"

    def send(self, attempt: Attempt) -> Outcome:
        """Publish it. Connection and answer are each waited for 8 seconds."""
        from botocore.exceptions import (  # noqa: PLC0415  a lab without SNS need not load the AWS SDK
            BotoCoreError,
            ClientError,
            EndpointConnectionError,
            HTTPClientError,
            NoCredentialsError,
        )

        try:
            self._topic().publish(**self._request(attempt))
        except ClientError as error:
            return _answered(error)
        except NoCredentialsError:
            return Outcome("retry", "there are no AWS credentials")
        except EndpointConnectionError:
            return Outcome("retry", "SNS can't be reached")
        except HTTPClientError as error:
            return Outcome("unknown", f"no answer from SNS: {type(error).__name__}")
        except BotoCoreError as error:
            return Outcome("retry", f"the AWS SDK refuses: {type(error).__name__}")
        return SENT

    def _topic(self) -> Any:
        if self._client is None:
            import boto3  # noqa: PLC0415  as above
            from botocore.config import Config  # noqa: PLC0415

            config = Config(connect_timeout=8, read_timeout=8, retries={"total_max_attempts": 1})
            self._client = boto3.client(
                "sns", region_name=self._region, endpoint_url=self._endpoint_url or None, config=config
            )
        return self._client

    def _request(self, attempt: Attempt) -> dict[str, Any]:
        notification = attempt.notification
        attributes = {"key": attempt.key, "severity": notification.severity, "what": notification.happening}
        if attempt.possible_repeat:
            attributes["possible_repeat"] = "yes"
        request: dict[str, Any] = {
            "TopicArn": self._arn,
            "Subject": subject(attempt.shown_title),
            "Message": f"{attempt.shown_title}\n{attempt.body}",
            "MessageAttributes": {
                name: {"DataType": "String", "StringValue": text} for name, text in attributes.items()
            },
        }
        if self._is_fifo:
            # Both ids take few characters, and a device's name may have any.
            request["MessageDeduplicationId"] = _digest(attempt.key)
            request["MessageGroupId"] = _digest(notification.alarm)
        return request


def subject(title: str) -> str:
    """Return a title as SNS takes it: ASCII without control characters, at most 100, beginning with a letter."""
    text = "".join(mark if " " <= mark <= "~" else "?" for mark in title)[:_MAX_SUBJECT].strip()
    return text if text[:1].isalnum() else f"Alarm {text}"[:_MAX_SUBJECT].strip()


def _answered(error: Any) -> Outcome:
    code = str(error.response.get("Error", {}).get("Code", "")) or "an error without a code"
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    return Outcome("retry" if status >= 500 or status == 429 or code in _LATER else "refused", f"SNS says {code}")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()

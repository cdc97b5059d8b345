"""The transport: one operation, made again where that is safe, and its errors as ours."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Any

import boto3
import msgspec
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoRegionError
from botocore.parsers import ResponseParserError
from botocore.session import Session as BotocoreSession
from botocore.session import get_session

from iotlab.clock import Clock, SystemClock
from iotlab.errors import ThrottledError, UnavailableError
from iotlab.table.credentials import Credentials
from iotlab.table.operations import STREAM_OPERATIONS
from iotlab.table.remote.failures import Failure, of_client_error, of_connection, of_garbage
from iotlab.table.remote.pacing import Pacing
from iotlab.table.remote.retry import is_repeatable, pauses_s
from iotlab.table.remote.wire import from_boto, to_boto
from iotlab.table.store import Store

_ANY_REGION = "us-east-1"
_CONNECT_TIMEOUT_S = 2
_READ_TIMEOUT_S = 10
_CONNECTIONS = 24


class RemoteStats(msgspec.Struct):
    """What a transport counted since it was made.

    Attributes:
        calls: Operations that were asked for.
        retries: Further attempts that they took.
        throttled: Attempts that the service refused because there were too many.
        failures: Operations that failed for want of an answer or of capacity, after all attempts.
    """

    calls: int = 0
    retries: int = 0
    throttled: int = 0
    failures: int = 0


class RemoteTransport:
    """Carries operations through boto3. Safe to use from several threads.

    Args:
        endpoint_url: Where; None for AWS itself.
        credentials: The endpoint's key pair; None for boto3's own search (environment, profile, role).
        region: The AWS region; None for boto3's own search. It means nothing to a lab's own endpoint.
        poll_s: How long a stream that was read to its end is not asked again; 0 asks each time.
        clock: Measures that.
        sleep: Makes the pauses between attempts.

    Attributes:
        clock: As given.
        stats: What was counted.
        where: The service's name for a person.

    Raises:
        UnavailableError: no region is known, and AWS needs one.
    """

    def __init__(
        self,
        endpoint_url: str | None = None,
        credentials: Credentials | None = None,
        *,
        region: str | None = None,
        poll_s: float = 0.0,
        clock: Clock | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.clock = clock or SystemClock()
        self.stats = RemoteStats()
        self._sleep = sleep
        self._pacing = Pacing(poll_s, self.clock)
        session = boto3.Session(botocore_session=_quiet_session())
        region = region or session.region_name or (_ANY_REGION if endpoint_url else None)
        self.where = endpoint_url or f"DynamoDB in {region}"
        keys: dict[str, Any] = {"region_name": region, "config": _config(), "endpoint_url": endpoint_url}
        if credentials is not None:
            keys["aws_access_key_id"] = credentials.access_key_id
            keys["aws_secret_access_key"] = credentials.secret_access_key
        try:
            self._table = session.client("dynamodb", **keys)
            self._streams = session.client("dynamodbstreams", **keys)
        except NoRegionError as error:
            raise UnavailableError(
                "no region is set for the table on AWS", hint="Set table.region, or AWS_REGION."
            ) from error

    def call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """Execute one operation; see `iotlab.table.store.Transport.call`.

        Raises:
            ThrottledError: the service takes less than it is asked for, still after several attempts.
        """
        self.stats.calls += 1
        iterator = request.get("ShardIterator", "") if operation == "GetRecords" else ""
        if iterator and self._pacing.is_early(iterator):
            return {"Records": [], "NextShardIterator": iterator}
        response = self._with_retries(operation, request)
        if iterator and not response["Records"]:
            self._pacing.found_nothing(iterator, response.get("NextShardIterator"))
        return response

    def _with_retries(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        pauses = pauses_s()
        if operation == "TransactWriteItems":
            # boto3 would make a token for each attempt; these are attempts of one.
            request = {"ClientRequestToken": str(uuid.uuid4())} | request
        repeatable = is_repeatable(operation, request)
        prepared = to_boto(request)
        while True:
            answer = self._once(operation, prepared)
            if not isinstance(answer, Failure):
                return answer
            self.stats.throttled += isinstance(answer.error, ThrottledError)
            again = answer.outcome == "not done" or (answer.outcome == "unknown" and repeatable)
            pause_s = next(pauses, None) if again else None
            if pause_s is None:
                self.stats.failures += isinstance(answer.error, UnavailableError)
                raise answer.error
            self.stats.retries += 1
            self._sleep(pause_s)

    def _once(self, operation: str, request: dict[str, Any]) -> dict[str, Any] | Failure:
        client = self._streams if operation in STREAM_OPERATIONS else self._table
        try:
            response = client._make_api_call(operation, request)
        except ClientError as error:
            return of_client_error(self.where, operation, error)
        except BotoCoreError as error:
            return of_connection(self.where, operation, error)
        except (ResponseParserError, AttributeError) as error:
            # boto3's parser asks what it expects to be an object for its members, whatever it is.
            return of_garbage(self.where, operation, str(error))
        content_type = response.pop("ResponseMetadata")["HTTPHeaders"].get("content-type", "")
        if "json" not in content_type:
            # boto3 takes any page with status 200 for an empty answer, and a write would seem to be done.
            return of_garbage(self.where, operation, f"it answers with {content_type or 'no content type'}")
        answer: dict[str, Any] = from_boto(response)
        return answer


def connect(endpoint_url: str, credentials: Credentials) -> Store:
    """Return the store behind an endpoint. Nothing is sent before the first operation."""
    return Store(RemoteTransport(endpoint_url, credentials, region=_ANY_REGION))


def _config() -> Config:
    return Config(
        connect_timeout=_CONNECT_TIMEOUT_S,
        read_timeout=_READ_TIMEOUT_S,
        # Attempts are made here, where it is known which operations may be repeated.
        retries={"mode": "standard", "total_max_attempts": 1},
        max_pool_connections=_CONNECTIONS,
        parameter_validation=False,
        user_agent_extra="iotlab",
    )


def _quiet_session() -> BotocoreSession:
    """Return a session that never waits for the metadata service of a cloud machine that this is not."""
    session = get_session()
    session.set_config_variable("metadata_service_num_attempts", 1)
    session.set_config_variable("metadata_service_timeout", 1)
    return session

"""The transport through boto3: to a lab's own endpoint, to AWS, or to anything else that speaks DynamoDB."""

from __future__ import annotations

import base64
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.session import Session as BotocoreSession
from botocore.session import get_session

from iotlab.errors import UnavailableError
from iotlab.table import errors
from iotlab.table.credentials import Credentials
from iotlab.table.errors import CancellationReason, DynamoDBError
from iotlab.table.operations import STREAM_OPERATIONS
from iotlab.table.store import Store

_REGION = "us-east-1"
_CONNECT_TIMEOUT_S = 2
_READ_TIMEOUT_S = 10
_RETRIED = {"InternalServerError", "ServiceUnavailable", "ThrottlingException"}


class RemoteTransport:
    """Carries operations through boto3. Safe to use from several threads.

    Args:
        endpoint_url: Where; None for AWS itself.
        credentials: The endpoint's key pair; None for boto3's own search (environment, profile, role).
        region: The AWS region; means nothing to a lab's own endpoint.
    """

    def __init__(
        self, endpoint_url: str | None = None, credentials: Credentials | None = None, *, region: str = _REGION
    ) -> None:
        self._where = endpoint_url or f"DynamoDB in {region}"
        config = Config(
            connect_timeout=_CONNECT_TIMEOUT_S,
            read_timeout=_READ_TIMEOUT_S,
            retries={"mode": "standard", "max_attempts": 3},
            max_pool_connections=16,
            parameter_validation=False,
        )
        session = boto3.Session(botocore_session=_quiet_session())
        keys: dict[str, Any] = {"region_name": region, "config": config, "endpoint_url": endpoint_url}
        if credentials is not None:
            keys["aws_access_key_id"] = credentials.access_key_id
            keys["aws_secret_access_key"] = credentials.secret_access_key
        self._table = session.client("dynamodb", **keys)
        self._streams = session.client("dynamodbstreams", **keys)

    def call(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """Execute one operation; see `iotlab.table.store.Transport.call`."""
        client = self._streams if operation in STREAM_OPERATIONS else self._table
        try:
            response = client._make_api_call(operation, _to_boto(request))
        except ClientError as error:
            raise self._error(operation, error) from error
        except (BotoCoreError, HTTPClientError) as error:
            raise UnavailableError(f"{self._where} does not answer {operation}: {error}") from error
        response.pop("ResponseMetadata", None)
        answer: dict[str, Any] = _from_boto(response)
        return answer

    def _error(self, operation: str, error: ClientError) -> DynamoDBError | UnavailableError:
        document = error.response.get("Error", {})
        code, message = document.get("Code", ""), document.get("Message", "")
        if code in _RETRIED:
            return UnavailableError(f"{self._where} can't do {operation} now: {message}")
        if code == "TransactionCanceledException":
            reasons = error.response.get("CancellationReasons", [])
            return errors.TransactionCanceledException(
                [CancellationReason(reason.get("Code", "None"), reason.get("Message")) for reason in reasons]
            )
        kind = getattr(errors, code, None)
        if isinstance(kind, type) and issubclass(kind, DynamoDBError):
            return kind(message)
        return errors.ValidationException(f"{operation}: {code}: {message}")


def connect(endpoint_url: str, credentials: Credentials) -> Store:
    """Return the store behind an endpoint. Nothing is sent before the first operation."""
    return Store(RemoteTransport(endpoint_url, credentials))


def _quiet_session() -> BotocoreSession:
    """Return a session that never waits for the metadata service of a cloud machine that this is not."""
    session = get_session()
    session.set_config_variable("metadata_service_num_attempts", 1)
    session.set_config_variable("metadata_service_timeout", 1)
    return session


def _to_boto(value: Any) -> Any:
    """Return a request with its binary attributes as bytes, as boto3 wants them."""
    if isinstance(value, dict):
        if len(value) == 1 and isinstance(value.get("B"), str):
            return {"B": base64.b64decode(value["B"])}
        if len(value) == 1 and isinstance(value.get("BS"), list):
            return {"BS": [base64.b64decode(element) for element in value["BS"]]}
        return {name: _to_boto(element) for name, element in value.items()}
    if isinstance(value, list):
        return [_to_boto(element) for element in value]
    return value


def _from_boto(value: Any) -> Any:
    """Return a response in wire form."""
    if isinstance(value, dict):
        return {name: _from_boto(element) for name, element in value.items()}
    if isinstance(value, list):
        return [_from_boto(element) for element in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    return value

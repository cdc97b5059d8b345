"""What the errors of boto3 mean to us: who acts, and whether the operation may have been executed all the same.

Source: Amazon DynamoDB Developer Guide, "Error handling with DynamoDB"; AWS SDKs Reference, "Retry behavior".
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,  # noqa: A004  botocore's name
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProxyConnectionError,
    SSLError,
)

from iotlab.errors import IotlabError, ThrottledError, UnavailableError
from iotlab.table import errors
from iotlab.table.errors import CancellationReason, DynamoDBError
from iotlab.table.remote.wire import from_boto

Outcome = Literal["refused", "not done", "unknown"]
"""refused: an answer, for the caller. not done: it may be made again. unknown: it may have been executed."""

THROTTLED = {
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ThrottlingError",
    "ThrottlingException",
}
_BUSY = {"TransactionConflictException", "TransactionInProgressException"}
_UNKNOWN = {"InternalFailure", "InternalServerError", "ServiceUnavailable", "ServiceUnavailableException"}
_NEVER_SENT = (ConnectTimeoutError, EndpointConnectionError, ProxyConnectionError, SSLError)
_REASONS_OF_THE_CALLER = {"ConditionalCheckFailed", "ValidationError", "ItemCollectionSizeLimitExceeded"}
_THROTTLED_REASONS = {"ProvisionedThroughputExceeded", "ThrottlingError"}
_SLOWER = "It is tried again by itself, more slowly. If it stays so, raise the table's capacity or limits."
_NETWORK = "Check the address and the network; it is tried again by itself."
_CREDENTIALS = "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile with AWS_PROFILE."


class ServiceError(DynamoDBError):
    """An error that DynamoDB's table API does not name, such as one of the caller's identity.

    Args:
        code: The service's own name for it, such as ``ExpiredTokenException``.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code

    @property
    def type(self) -> str:
        """The ``__type`` member of the response."""
        return f"{self.prefix}{self.code}"


class Failure(msgspec.Struct, frozen=True):
    """One failed call.

    Attributes:
        error: What the caller gets unless the call is repeated.
        outcome: Whether it may be repeated.
    """

    error: IotlabError
    outcome: Outcome


def of_client_error(where: str, operation: str, error: ClientError) -> Failure:
    """Return what an answer with an error means."""
    document = error.response.get("Error", {})
    code, message = document.get("Code", ""), document.get("Message", "")
    told = f"{where} can't do {operation} now: {code}: {message}"
    if code in THROTTLED:
        return Failure(ThrottledError(told, hint=_SLOWER), "not done")
    if code in _BUSY:
        return Failure(UnavailableError(told, hint="Somebody else is writing it; try again."), "not done")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
    if code in _UNKNOWN or status >= 500:
        return Failure(UnavailableError(told, hint="It is tried again by itself."), "unknown")
    if code == "TransactionCanceledException":
        return _canceled(told, error.response)
    return Failure(_named(code, message, error.response), "refused")


def of_connection(where: str, operation: str, error: BotoCoreError) -> Failure:
    """Return what a call without an answer means."""
    told = f"{where} does not answer {operation}: {error}"
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return Failure(UnavailableError(told, hint=_CREDENTIALS), "refused")
    if isinstance(error, NoRegionError):
        return Failure(UnavailableError(told, hint="Set table.region, or AWS_REGION."), "refused")
    if isinstance(error, _NEVER_SENT):
        return Failure(UnavailableError(told, hint=_NETWORK), "not done")
    if isinstance(error, HTTPClientError | ConnectionError):
        return Failure(UnavailableError(told, hint=_NETWORK), "unknown")
    return Failure(UnavailableError(told), "refused")


def of_garbage(where: str, operation: str, problem: str) -> Failure:
    """Return what an answer means that is not DynamoDB's."""
    told = f"what answers {operation} at {where} does not speak DynamoDB: {problem}"
    return Failure(UnavailableError(told, hint="Check table.endpoint_url."), "unknown")


def _canceled(told: str, response: dict[str, Any]) -> Failure:
    reasons = [
        CancellationReason(reason.get("Code", "None"), reason.get("Message"), from_boto(reason.get("Item")))
        for reason in response.get("CancellationReasons", [])
    ]
    codes = {reason.code for reason in reasons}
    if codes & _THROTTLED_REASONS and not codes & _REASONS_OF_THE_CALLER:
        return Failure(ThrottledError(told, hint=_SLOWER), "not done")
    return Failure(errors.TransactionCanceledException(reasons), "refused")


def _named(code: str, message: str, response: dict[str, Any]) -> DynamoDBError:
    if code == "ConditionalCheckFailedException":
        return errors.ConditionalCheckFailedException(message, item=from_boto(response.get("Item")))
    kind = getattr(errors, code, None)
    if isinstance(kind, type) and issubclass(kind, DynamoDBError):
        return kind(message)
    return ServiceError(code, message)

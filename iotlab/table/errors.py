"""DynamoDB's errors under DynamoDB's names.

Source: Amazon DynamoDB Developer Guide, "Error handling with DynamoDB"; DynamoDB Streams API Reference.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from iotlab.errors import TableError
from iotlab.table.values import Item

DYNAMODB_PREFIX = "com.amazonaws.dynamodb.v20120810#"
CORAL_PREFIX = "com.amazon.coral.validate#"
SERVICE_PREFIX = "com.amazon.coral.service#"


class DynamoDBError(TableError):
    """Base of the errors that the table answers with; each class has DynamoDB's own name."""

    prefix = DYNAMODB_PREFIX
    status = 400

    @property
    def type(self) -> str:
        """The ``__type`` member of the response."""
        return f"{self.prefix}{type(self).__name__}"


class ValidationException(DynamoDBError):  # noqa: N818  DynamoDB's name
    """The request itself is wrong."""

    prefix = CORAL_PREFIX


class ResourceNotFoundException(DynamoDBError):  # noqa: N818
    """The table, stream or shard does not exist."""

    def __init__(self, message: str = "Requested resource not found") -> None:
        super().__init__(message)


class ResourceInUseException(DynamoDBError):  # noqa: N818
    """The table exists already, or is not active."""


class ConditionalCheckFailedException(DynamoDBError):  # noqa: N818
    """The condition of a write does not hold; nothing was changed.

    Args:
        item: The item as it was, when the request asked for it.
    """

    def __init__(self, message: str = "The conditional request failed", *, item: Item | None = None) -> None:
        super().__init__(message)
        self.item = item


class CancellationReason(msgspec.Struct, frozen=True, rename="pascal", omit_defaults=True):
    """Why one action of a transaction was refused; ``code`` is ``None`` (the word) for one that was not."""

    code: str = "None"
    message: str | None = None
    item: Item | None = None


class TransactionCanceledException(DynamoDBError):  # noqa: N818
    """A transaction was refused as a whole; ``reasons`` has one entry for each action, in order."""

    def __init__(self, reasons: Sequence[CancellationReason]) -> None:
        codes = ", ".join(reason.code for reason in reasons)
        super().__init__(f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]")
        self.reasons = list(reasons)


class ExpiredIteratorException(DynamoDBError):  # noqa: N818
    """The shard iterator is older than 15 minutes."""


class TrimmedDataAccessException(DynamoDBError):  # noqa: N818
    """The position is older than the 24 hours that a shard keeps."""


class LimitExceededException(DynamoDBError):  # noqa: N818
    """Too many of something at once."""


class IdempotentParameterMismatchException(DynamoDBError):  # noqa: N818
    """A transaction's token was used before, with other parameters."""

    def __init__(
        self, message: str = "The parameters of this request do not match those of the request with the same token"
    ) -> None:
        super().__init__(message)


class DuplicateItemException(DynamoDBError):  # noqa: N818
    """An INSERT statement's item exists already."""

    def __init__(self, message: str = "Duplicate primary key exists in table") -> None:
        super().__init__(message)


class ItemCollectionSizeLimitExceededException(DynamoDBError):  # noqa: N818
    """The items of one partition with a local index have come to 10 GB."""


class ProvisionedThroughputExceededException(DynamoDBError):  # noqa: N818
    """Too many requests; the same one may work later."""


class ThrottlingException(DynamoDBError):  # noqa: N818
    """Too many requests of one kind; the same one may work later."""

    prefix = CORAL_PREFIX


class RequestLimitExceeded(DynamoDBError):  # noqa: N818
    """Too many requests of the account; the same one may work later."""


class SerializationException(DynamoDBError):  # noqa: N818
    """The request is not DynamoDB JSON."""

    prefix = SERVICE_PREFIX


class UnknownOperationException(DynamoDBError):  # noqa: N818
    """There is no such operation."""

    prefix = SERVICE_PREFIX


class AccessDeniedException(DynamoDBError):  # noqa: N818
    """The caller may not do this."""

    prefix = SERVICE_PREFIX


class MissingAuthenticationTokenException(DynamoDBError):  # noqa: N818
    """The request is not signed."""

    prefix = SERVICE_PREFIX


class UnrecognizedClientException(DynamoDBError):  # noqa: N818
    """The access key is not one of this table's."""

    prefix = SERVICE_PREFIX


class InvalidSignatureException(DynamoDBError):  # noqa: N818
    """The signature does not fit the request, or its time is too far off."""

    prefix = SERVICE_PREFIX


class InternalServerError(DynamoDBError):
    """The table failed; the same request may work later."""

    status = 500

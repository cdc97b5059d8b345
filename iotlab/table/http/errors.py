"""The errors that only HTTP has, under AWS's names. Source: Amazon DynamoDB API Reference, "Common Errors"."""

from __future__ import annotations

from iotlab.table.errors import SERVICE_PREFIX, DynamoDBError


class IncompleteSignatureException(DynamoDBError):  # noqa: N818  AWS's name
    """The request's signature lacks a part, or a part has no valid form."""

    prefix = SERVICE_PREFIX


class RequestTooLargeException(DynamoDBError):  # noqa: N818
    """The body, as sent or decompressed, is larger than 16 MB."""

    prefix = SERVICE_PREFIX
    status = 413


class ServiceUnavailable(DynamoDBError):  # noqa: N818
    """The table can't be used now; nothing was changed, and the same request may be sent again."""

    status = 503

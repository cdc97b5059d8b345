"""The form of answers: DynamoDB's errors as JSON, and the headers that each answer has."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

import msgspec

from iotlab.table.errors import (
    ConditionalCheckFailedException,
    DynamoDBError,
    SerializationException,
    TransactionCanceledException,
)

JSON = "application/x-amz-json-1.0"
_RETRY_AFTER_S = b"1"
_REQUEST_ID_LENGTH = 52
Header = tuple[bytes, bytes]

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_STATUS = {status.value: f"HTTP/1.1 {status.value} {status.phrase}".encode() for status in HTTPStatus}


class Response(msgspec.Struct, frozen=True):
    """An HTTP response.

    Attributes:
        status: The HTTP status.
        body: As it is sent, so compressed where a header says so.
        content_type: Empty for none.
        headers: Further headers.
    """

    status: int
    body: bytes
    content_type: str = JSON
    headers: tuple[Header, ...] = ()


NOT_FOUND = Response(404, b"<UnknownOperationException/>\n", "")
"""DynamoDB's answer to what is not even a request of its protocol."""


def error_response(error: DynamoDBError, content_type: str = JSON) -> Response:
    """Return an error in DynamoDB's JSON form."""
    document: dict[str, Any] = {"__type": error.type}
    if error.message:
        # DynamoDB writes this member with a capital letter in these two errors only.
        capital = isinstance(error, SerializationException | TransactionCanceledException)
        document["Message" if capital else "message"] = error.message
    if isinstance(error, ConditionalCheckFailedException) and error.item is not None:
        document["Item"] = error.item
    if isinstance(error, TransactionCanceledException):
        document["CancellationReasons"] = [{"Code": "None"} | msgspec.to_builtins(reason) for reason in error.reasons]
    headers = ((b"retry-after", _RETRY_AFTER_S),) if error.status == 503 else ()
    return Response(error.status, msgspec.json.encode(document), content_type, headers)


def message(response: Response, general: Iterable[Header], *, is_last: bool, has_body: bool = True) -> bytes:
    """Return a response as it is sent: with its length, its CRC-32 and a new request id.

    Args:
        response: The response.
        general: Headers that all have, such as the date.
        is_last: Whether the connection is closed after it.
        has_body: Without it the answer is that to HEAD.
    """
    body = response.body
    lines = [
        _STATUS[response.status],
        *(name + b": " + value for name, value in general),
        b"x-amzn-requestid: " + request_id(),
        b"x-amz-crc32: %d" % zlib.crc32(body),
        b"content-length: %d" % len(body),
        *(name + b": " + value for name, value in response.headers),
    ]
    if response.content_type:
        lines.append(b"content-type: " + response.content_type.encode())
    if is_last:
        lines.append(b"connection: close")
    lines += (b"", body if has_body else b"")
    return b"\r\n".join(lines)


def request_id() -> bytes:
    """Return a new request id in the form of AWS's: 52 capital letters and digits."""
    return os.urandom(_REQUEST_ID_LENGTH // 2).hex().upper().encode()

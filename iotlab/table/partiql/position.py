"""NextToken: where the next page of a SELECT begins."""

from __future__ import annotations

import base64
import binascii

import msgspec

from iotlab.table.errors import ValidationException
from iotlab.table.values import Item


class Position(msgspec.Struct, frozen=True, array_like=True):
    """A place in the reads of one statement.

    Attributes:
        digest: Of the statement and its parameters.
        read: The number of the plan's read.
        key: Its ExclusiveStartKey, or None at its beginning.
    """

    digest: str
    read: int = 0
    key: Item | None = None


def token_of(position: Position) -> str:
    """Return a position as NextToken."""
    return base64.urlsafe_b64encode(msgspec.json.encode(position)).decode("ascii")


def position_of(token: str | None, digest: str, reads: int) -> Position:
    """Return where to go on: at the beginning without a token.

    Args:
        token: The request's NextToken.
        digest: Of the request's statement.
        reads: How many reads its plan has.

    Raises:
        ValidationException: it is no token, or belongs to another statement or other parameters.
    """
    if token is None:
        return Position(digest)
    try:
        position = msgspec.json.decode(base64.urlsafe_b64decode(token.encode("ascii")), type=Position)
    except (binascii.Error, UnicodeEncodeError, msgspec.DecodeError) as error:
        raise ValidationException("Invalid NextToken") from error
    if position.digest != digest:
        raise ValidationException("NextToken does not match request")
    if not 0 <= position.read < reads:
        raise ValidationException("Invalid NextToken")
    return position

"""Idempotency tokens of transactions: kept for ten minutes, in the transaction that they belong to.

Source: Amazon DynamoDB API Reference, TransactWriteItems, ClientRequestToken.
"""

from __future__ import annotations

import msgspec

from iotlab.clock import US_PER_S
from iotlab.table import limits
from iotlab.table.errors import IdempotentParameterMismatchException
from iotlab.table.unit_of_work import UnitOfWork


class Token(msgspec.Struct, frozen=True):
    """A client's token with a digest of what it was used for."""

    text: str
    digest: bytes


def claim(unit: UnitOfWork, token: Token) -> bool:
    """Return whether the token is new, and keep it then; False when the request was done in the last ten minutes.

    Raises:
        IdempotentParameterMismatchException: it was used for another request.
    """
    kept = unit.token(token.text)
    if kept is not None:
        if kept != token.digest:
            raise IdempotentParameterMismatchException
        return False
    unit.stage_token(token.text, token.digest, unit.now_us + limits.TRANSACTION_TOKEN_S * US_PER_S)
    return True

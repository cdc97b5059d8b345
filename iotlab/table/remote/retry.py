"""Which calls may be made again, and after what pause.

A call that was not executed may always be repeated. One of unknown outcome only if twice does the same as once: a
conditional write that succeeded would be told that its condition fails, and an update would count twice.
Source: AWS Builders' Library, "Timeouts, retries, and backoff with jitter" (full jitter).
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

ATTEMPTS = 4
FIRST_S = 0.05
CAP_S = 1.0

_REPEATABLE = {
    "BatchGetItem",
    "BatchWriteItem",
    "DescribeLimits",
    "DescribeStream",
    "DescribeTable",
    "DescribeTimeToLive",
    "GetItem",
    "GetRecords",
    "GetShardIterator",
    "ListStreams",
    "ListTables",
    "ListTagsOfResource",
    "Query",
    "Scan",
    "TransactGetItems",
}
_REPEATABLE_WITHOUT_CONDITION = {"PutItem", "DeleteItem"}
_SHOWS_WHAT_WAS = {"ALL_OLD", "UPDATED_OLD"}


def is_repeatable(operation: str, request: dict[str, Any]) -> bool:
    """Return whether doing it twice leaves the table, and tells the caller, the same as doing it once."""
    if operation in _REPEATABLE:
        return True
    if operation == "TransactWriteItems":
        # Within ten minutes the service knows a token again and answers as it did.
        return "ClientRequestToken" in request
    if operation in _REPEATABLE_WITHOUT_CONDITION:
        has_condition = "ConditionExpression" in request or "Expected" in request
        return not has_condition and request.get("ReturnValues") not in _SHOWS_WHAT_WAS
    return False


def pauses_s(*, attempts: int = ATTEMPTS, first_s: float = FIRST_S, cap_s: float = CAP_S) -> Iterator[float]:
    """Yield the pause before each further attempt, in seconds: random up to a bound that doubles."""
    for attempt in range(attempts - 1):
        yield random.uniform(0, min(cap_s, first_s * 2**attempt))  # noqa: S311  jitter is no secret

"""What a function's response says of its batch.

Source: Lambda Developer Guide, "Configuring partial batch response with DynamoDB and Lambda": success and failure
conditions; "Implementing stateful DynamoDB stream processing": the state must come back, at most 1 MB of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from iotlab.triggers.invoke import FunctionError
from iotlab.triggers.mapping.record import Entry

MAX_STATE_BYTES = 1_000_000
BAD_RESPONSE = "InvalidResponse"


class Failure(msgspec.Struct, frozen=True):
    """Why a batch is not done.

    Attributes:
        error: The function's error, or what is wrong with its response.
        first_failed: The index of the first record that was not handled; 0 when nobody knows.
        is_named: Whether the function named that record.
    """

    error: FunctionError
    first_failed: int = 0
    is_named: bool = False


def read_failures(payload: bytes, entries: Sequence[Entry]) -> Failure | None:
    """Return what a ReportBatchItemFailures response says; None for complete success.

    Complete success: null, an empty response, no ``batchItemFailures``, or null or an empty list as that. Complete
    failure: an identifier that is empty, null, missing under its name, or of no record of the batch. Otherwise the
    lowest identifier is where to go on.
    """
    response = _decode(payload)
    if isinstance(response, Failure) or response is None:
        return response
    if not isinstance(response, dict):
        return _wrong(f"the response is {_kind(response)}", 'an object such as {"batchItemFailures": []}')
    reported = response.get("batchItemFailures")
    if not reported and (reported is None or isinstance(reported, list)):
        return None
    if not isinstance(reported, list):
        return _wrong(f"batchItemFailures is {_kind(reported)}", "a list")
    return _lowest(reported, entries)


def _lowest(reported: list[Any], entries: Sequence[Entry]) -> Failure:
    places = {entry.sequence_number: index for index, entry in enumerate(entries)}
    found: list[int] = []
    for one in reported:
        identifier = one.get("itemIdentifier") if isinstance(one, dict) else None
        index = places.get(identifier) if isinstance(identifier, str) else None
        if index is None:
            return _wrong(f"{_shown(one)} names no record of the batch", '{"itemIdentifier": "<SequenceNumber>"}')
        found.append(index)
    first = min(found)
    message = f"the function reported {len(found)} of {len(entries)} records, the first at index {first}"
    return Failure(FunctionError("BatchItemFailures", message), first, is_named=True)


def read_state(payload: bytes) -> Any | Failure:
    """Return the ``state`` of a tumbling window's response, a JSON value; a failure when it has none."""
    response = _decode(payload)
    if isinstance(response, Failure):
        return response
    if not isinstance(response, dict) or "state" not in response:
        return _wrong("the response has no state", 'an object such as {"state": {…}}, since the mapping has windows')
    return response["state"]


def _decode(payload: bytes) -> Any:
    if not payload.strip():
        return None
    try:
        return msgspec.json.decode(payload)
    except (msgspec.DecodeError, RecursionError) as error:
        return _wrong(f"the response is no JSON: {error}", "JSON")


def _wrong(problem: str, expected: str) -> Failure:
    return Failure(FunctionError(BAD_RESPONSE, f"{problem}; expected {expected}"))


def _kind(value: object) -> str:
    names = {
        bool: "true or false",
        str: "a text",
        int: "a number",
        float: "a number",
        list: "a list",
        dict: "an object",
    }
    return names.get(type(value), "null")


def _shown(value: Any) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= 80 else f"{text[:80]}…"

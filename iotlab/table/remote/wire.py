"""Between wire form and what boto3 wants: bytes for binary attributes, and its datetimes as seconds since 1970."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Any


def to_boto(value: Any) -> Any:
    """Return a request with its binary attributes as bytes."""
    if isinstance(value, dict):
        if len(value) == 1 and isinstance(value.get("B"), str):
            return {"B": base64.b64decode(value["B"])}
        if len(value) == 1 and isinstance(value.get("BS"), list):
            return {"BS": [base64.b64decode(element) for element in value["BS"]]}
        return {name: to_boto(element) for name, element in value.items()}
    if isinstance(value, list):
        return [to_boto(element) for element in value]
    return value


def from_boto(value: Any) -> Any:
    """Return a response in wire form."""
    if isinstance(value, dict):
        return {name: from_boto(element) for name, element in value.items()}
    if isinstance(value, list):
        return [from_boto(element) for element in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, datetime):
        return value.timestamp()
    return value

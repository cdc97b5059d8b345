"""Keys for the contract's tests."""

from __future__ import annotations

import uuid

from iotlab.table.values import Item


def fresh() -> str:
    """Return a key that no other test uses."""
    return uuid.uuid4().hex


def key(name: str) -> Item:
    """Return it in wire form."""
    return {"id": {"S": name}}

from __future__ import annotations

from typing import Any


def condition_from_expected(e: Any, o: Any) -> Any:
    raise NotImplementedError


def condition_from_filter(e: Any, o: Any) -> Any:
    raise NotImplementedError


def update_from_attribute_updates(e: Any) -> Any:
    raise NotImplementedError


def key_conditions_from_legacy(e: Any) -> Any:
    raise NotImplementedError


def projection_from_attributes_to_get(e: Any) -> Any:
    raise NotImplementedError

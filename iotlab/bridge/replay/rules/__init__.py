"""The rules of those conventions whose recordings need one, each in one file with its ``RULES``: most have one."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from iotlab.bridge.replay.rule import AsRecorded, Rule


@cache
def _rules() -> dict[str, Rule]:
    modules = (importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__))
    rules: list[Rule] = [rule for module in modules for rule in module.RULES]
    return {rule.convention: rule for rule in rules}


def rule_of(convention: str) -> Rule:
    """Return the rule of a convention."""
    return _rules().get(convention) or AsRecorded(convention)


def ruled() -> frozenset[str]:
    """Return the conventions that have one."""
    return frozenset(_rules())

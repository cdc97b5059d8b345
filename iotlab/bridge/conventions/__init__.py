"""Stop 2 of the journey: the conventions in which devices write, each in one file.

To add one: write ``<name>.py`` with a class that fulfils `Convention` and a ``CONVENTION`` that enters it, and its
test. Nothing else names it: this package finds its modules by itself.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from graphlib import TopologicalSorter

from iotlab.bridge.conventions.base import Ask, Convention, Entry, Rank, Route, ask_nobody
from iotlab.bridge.conventions.native import numbered
from iotlab.bridge.conventions.resolver import Resolver

__all__ = ["Convention", "Entry", "Rank", "Resolver", "Route", "conventions", "entries", "numbered"]


@cache
def entries() -> tuple[Entry, ...]:
    """Return every convention's entry, in the order in which they are asked: by rank, then as they say, then name."""
    modules = (importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__))
    found = [entry for module in modules if isinstance(entry := getattr(module, "CONVENTION", None), Entry)]
    return tuple(entry for rank in Rank for entry in _ordered([one for one in found if one.rank is rank]))


def conventions(ask: Ask = ask_nobody) -> tuple[Convention, ...]:
    """Return a new set of all conventions for one bridge, in the order in which they are asked.

    Args:
        ask: How they publish to devices.
    """
    return tuple(entry.make(ask) for entry in entries())


def _ordered(rank: list[Entry]) -> list[Entry]:
    by_name = {entry.name: entry for entry in sorted(rank, key=lambda entry: entry.name)}
    sorter = TopologicalSorter({name: set[str]() for name in by_name})
    for entry in rank:
        for later in entry.before & by_name.keys():
            sorter.add(later, entry.name)
    return [by_name[name] for name in sorter.static_order()]

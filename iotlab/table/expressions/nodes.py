"""The syntax tree of expressions. Placeholders are still unresolved in it, so that one tree serves many requests."""

from __future__ import annotations

from typing import Literal

import msgspec


class Path(msgspec.Struct, frozen=True):
    """A document path: names (``#n`` unresolved) and list indexes."""

    parts: tuple[str | int, ...]


class ValueRef(msgspec.Struct, frozen=True):
    """``:name``."""

    name: str


class Call(msgspec.Struct, frozen=True):
    """``size(path)``, ``if_not_exists(path, operand)``, ``begins_with(path, operand)`` …"""

    function: str
    arguments: tuple[Operand, ...]


class Sum(msgspec.Struct, frozen=True):
    """``left + right`` or ``left - right`` in a SET action."""

    operator: Literal["+", "-"]
    left: Operand
    right: Operand


Operand = Path | ValueRef | Call | Sum

Comparator = Literal["=", "<>", "<", "<=", ">", ">="]


class Compare(msgspec.Struct, frozen=True):
    """``left op right``."""

    operator: Comparator
    left: Operand
    right: Operand


class Between(msgspec.Struct, frozen=True):
    """``operand BETWEEN low AND high``, both ends included."""

    operand: Operand
    low: Operand
    high: Operand


class In(msgspec.Struct, frozen=True):
    """``operand IN (a, b, …)``."""

    operand: Operand
    choices: tuple[Operand, ...]


class Not(msgspec.Struct, frozen=True):
    """``NOT condition``."""

    condition: Condition


class Every(msgspec.Struct, frozen=True):
    """``a AND b AND …``."""

    conditions: tuple[Condition, ...]


class Either(msgspec.Struct, frozen=True):
    """``a OR b OR …``."""

    conditions: tuple[Condition, ...]


Condition = Compare | Between | In | Not | Every | Either | Call


class SetAction(msgspec.Struct, frozen=True):
    """``path = operand``."""

    path: Path
    value: Operand


class RemoveAction(msgspec.Struct, frozen=True):
    """``REMOVE path``."""

    path: Path


class AddAction(msgspec.Struct, frozen=True):
    """``ADD path :value``."""

    path: Path
    value: ValueRef


class DeleteAction(msgspec.Struct, frozen=True):
    """``DELETE path :value``."""

    path: Path
    value: ValueRef


Action = SetAction | RemoveAction | AddAction | DeleteAction

"""The syntax tree of statements. Parameters are still unresolved in it, so that one tree serves many requests."""

from __future__ import annotations

from typing import Literal

import msgspec

from iotlab.table.values import AttributeValue


class Constant(msgspec.Struct, frozen=True):
    """A string, a number, true, false or null."""

    value: AttributeValue


class Parameter(msgspec.Struct, frozen=True):
    """``?``: the request's parameter of that number, from 0."""

    number: int


class ListOf(msgspec.Struct, frozen=True):
    """``[a, b, …]``."""

    elements: tuple[Value, ...]


class MapOf(msgspec.Struct, frozen=True):
    """``{'name': value, …}``."""

    members: tuple[tuple[str, Value], ...]


class SetOf(msgspec.Struct, frozen=True):
    """``<<a, b, …>>``."""

    elements: tuple[Value, ...]


class Missing(msgspec.Struct, frozen=True):
    """``MISSING``: no value at all. A map leaves out a member that is missing."""


Value = Constant | Parameter | ListOf | MapOf | SetOf | Missing


class Path(msgspec.Struct, frozen=True):
    """A document path: names and list indexes."""

    parts: tuple[str | int, ...]


class Call(msgspec.Struct, frozen=True):
    """``size(path)``, ``begins_with(path, value)``, ``list_append(path, value)`` …, its name in small letters."""

    function: str
    arguments: tuple[Operand, ...]


Operand = Path | Call | Value
Comparator = Literal["=", "<>", "<", "<=", ">", ">="]


class Compare(msgspec.Struct, frozen=True):
    """``left operator right``."""

    operator: Comparator
    left: Operand
    right: Operand


class Between(msgspec.Struct, frozen=True):
    """``operand BETWEEN low AND high``, both ends included."""

    operand: Operand
    low: Operand
    high: Operand


class In(msgspec.Struct, frozen=True):
    """``operand IN [a, b, …]``."""

    operand: Operand
    choices: tuple[Operand, ...]


class Not(msgspec.Struct, frozen=True):
    """``NOT condition``."""

    condition: Condition


class Both(msgspec.Struct, frozen=True):
    """``a AND b AND …``, two or more."""

    parts: tuple[Condition, ...]


class Either(msgspec.Struct, frozen=True):
    """``a OR b OR …``, two or more."""

    parts: tuple[Condition, ...]


Condition = Compare | Between | In | Not | Both | Either | Call


class Order(msgspec.Struct, frozen=True):
    """One key of ORDER BY."""

    name: str
    descending: bool = False


class Target(msgspec.Struct, frozen=True):
    """The table, and the index where one is named."""

    table: str
    index: str | None = None


class Select(msgspec.Struct, frozen=True):
    """``SELECT paths FROM target WHERE condition ORDER BY order``. No paths mean ``*``."""

    target: Target
    paths: tuple[Path, ...] = ()
    where: Condition | None = None
    order: tuple[Order, ...] = ()


class Exists(msgspec.Struct, frozen=True):
    """``EXISTS(SELECT …)``, a statement of transactions: nothing is written, but the item must be there."""

    select: Select

    @property
    def target(self) -> Target:
        """The table."""
        return self.select.target


class Insert(msgspec.Struct, frozen=True):
    """``INSERT INTO target VALUE item``."""

    target: Target
    item: Value


class Sum(msgspec.Struct, frozen=True):
    """``left + right`` or ``left - right``."""

    operator: Literal["+", "-"]
    left: Operand
    right: Operand


class Assignment(msgspec.Struct, frozen=True):
    """``SET path = value``."""

    path: Path
    value: Operand | Sum


Returning = Literal["ALL OLD", "ALL NEW", "MODIFIED OLD", "MODIFIED NEW"]


class Update(msgspec.Struct, frozen=True):
    """``UPDATE target SET assignments REMOVE paths WHERE condition RETURNING …``."""

    target: Target
    assignments: tuple[Assignment, ...] = ()
    removes: tuple[Path, ...] = ()
    where: Condition | None = None
    returning: Returning | None = None


class Delete(msgspec.Struct, frozen=True):
    """``DELETE FROM target WHERE condition RETURNING …``."""

    target: Target
    where: Condition | None = None
    returning: Returning | None = None


Statement = Select | Exists | Insert | Update | Delete

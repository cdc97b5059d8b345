from __future__ import annotations

from typing import Any

from iotlab.table.expressions import condition, key_condition, projection, update
from iotlab.table.expressions.key_condition import KeyRange
from iotlab.table.values import Item


class Condition:
    def __init__(self, t: Any, p: Any, w: str) -> None:
        self.t, self.p, self.w = t, p, w
        self.names: frozenset[str] = frozenset()
        condition.holds(t, {}, p, w)

    def holds(self, item: Item) -> bool:
        return condition.holds(self.t, item, self.p, self.w)


def compile_condition(t: str, p: Any, what: str = "ConditionExpression") -> Condition:
    return Condition(t, p, what)


class Update:
    def __init__(self, t: Any, p: Any) -> None:
        self.t, self.p = t, p
        p.use(update.words_of_update(t))
        u = update.parse_update(t)
        self.paths: Any = tuple(
            p.path(x, "UpdateExpression")
            for x in [a.path for a in u.sets] + list(u.removes) + [a for a, _ in u.adds + u.deletes]
        )

    def apply(self, item: Item) -> Item:
        return update.apply_update(self.t, item, self.p)

    def select(self, item: Item) -> Item:
        return {k: v for k, v in item.items() if k in {p[0] for p in self.paths}}


def compile_update(t: str, p: Any) -> Update:
    return Update(t, p)


class Projection:
    def __init__(self, t: Any, p: Any) -> None:
        self.t, self.p = t, p
        self.names: frozenset[str] = frozenset()
        projection.project(t, {}, p)

    def apply(self, item: Item) -> Item:
        return projection.project(self.t, item, self.p)


def compile_projection(t: str, p: Any) -> Projection:
    return Projection(t, p)


class KeyConditions:
    def __init__(self, t: Any, p: Any) -> None:
        self.t, self.p = t, p
        p.use({":pk", ":sk", "#pk", "#sk"} | set(p._values) | set(p._names))

    def key_range(self, schema: Any) -> KeyRange:
        return key_condition.key_range(self.t, schema, self.p)


def compile_key_condition(t: str, p: Any) -> KeyConditions:
    return KeyConditions(t, p)

"""DynamoDB's expressions: text → syntax tree (cached) → checked with a request's placeholders → used on items.

Every mistake that can be found without an item is found when an expression is compiled, with DynamoDB's message, in
DynamoDB's order.

Source: Amazon DynamoDB Developer Guide, "Using expressions in DynamoDB".
"""

from __future__ import annotations

from iotlab.table.expressions.condition import Condition, compile_condition
from iotlab.table.expressions.key_condition import KeyConditions, compile_key_condition
from iotlab.table.expressions.key_range import KeyRange
from iotlab.table.expressions.paths import ResolvedPath
from iotlab.table.expressions.placeholders import Placeholders
from iotlab.table.expressions.projection import Projection, compile_projection
from iotlab.table.expressions.update import Update, compile_update

__all__ = [
    "Condition",
    "KeyConditions",
    "KeyRange",
    "Placeholders",
    "Projection",
    "ResolvedPath",
    "Update",
    "compile_condition",
    "compile_key_condition",
    "compile_projection",
    "compile_update",
]

"""DynamoDB's expressions: text → syntax tree (cached) → evaluated on an item with its placeholders.

Source: Amazon DynamoDB Developer Guide, "Using expressions in DynamoDB".
"""

from __future__ import annotations

from iotlab.table.expressions.condition import holds
from iotlab.table.expressions.key_condition import KeyRange, key_range
from iotlab.table.expressions.placeholders import Placeholders
from iotlab.table.expressions.projection import project
from iotlab.table.expressions.update import apply_update, words_of_update

__all__ = ["KeyRange", "Placeholders", "apply_update", "holds", "key_range", "project", "words_of_update"]

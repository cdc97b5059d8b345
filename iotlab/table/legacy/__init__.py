"""The parameters that expressions replaced, compiled to the same objects.

Expected, QueryFilter and ScanFilter → Condition; AttributeUpdates → Update; KeyConditions → KeyConditions;
AttributesToGet → Projection.

Source: Amazon DynamoDB Developer Guide, "Legacy conditional parameters".
"""

from __future__ import annotations

from iotlab.table.legacy.attribute_updates import compile_attribute_updates
from iotlab.table.legacy.attributes_to_get import compile_attributes_to_get
from iotlab.table.legacy.expected import compile_expected
from iotlab.table.legacy.filters import compile_filter
from iotlab.table.legacy.key_conditions import compile_key_conditions

__all__ = [
    "compile_attribute_updates",
    "compile_attributes_to_get",
    "compile_expected",
    "compile_filter",
    "compile_key_conditions",
]

"""AttributesToGet: the top-level attributes that a read returns. A dot in a name is part of the name."""

from __future__ import annotations

from typing import Any

from iotlab.table.errors import ValidationException
from iotlab.table.expressions.projection import Projection
from iotlab.table.legacy.requests import PREFIX, sequence
from iotlab.table.validation import check_attribute_name


def compile_attributes_to_get(names: Any) -> Projection:
    """Return the projection to these attributes.

    Raises:
        ValidationException: there are none, one is named twice, or a name can't be an attribute's.
    """
    wanted = sequence(names)
    if not wanted:
        raise ValidationException(
            "1 validation error detected: Value '[]' at 'attributesToGet' failed to satisfy constraint: "
            "Member must have length greater than or equal to 1"
        )
    seen: set[str] = set()
    for name in wanted:
        check_attribute_name(name, PREFIX)
        if name in seen:
            raise ValidationException(f"{PREFIX}Duplicate value in attribute name: {name}")
        seen.add(name)
    return Projection([(name,) for name in wanted])

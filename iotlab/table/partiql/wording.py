"""Errors of generated expressions, in the words of a statement's author."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from iotlab.table.errors import ValidationException

_PREFIX = re.compile(r"^(?:Invalid \w+Expression|ExpressionAttributeValues contains invalid value): ")


@contextmanager
def statement_errors() -> Iterator[None]:
    """Leave out of errors the expression's name, which the author of a statement has never seen."""
    try:
        yield
    except ValidationException as error:
        words = _PREFIX.sub("", error.message, count=1)
        if words == error.message:
            raise
        raise ValidationException(words) from error

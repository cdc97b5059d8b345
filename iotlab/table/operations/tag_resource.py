"""TagResource, UntagResource and ListTagsOfResource: one resource, three small operations on it."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from iotlab.table import tags
from iotlab.table.engine import Engine
from iotlab.table.errors import ValidationException
from iotlab.table.operations.common import Images, parse
from iotlab.table.requests import Base

Arn = Annotated[str, Meta(min_length=1, max_length=1283)]


class TagResource(Base, kw_only=True):
    """The request to add tags."""

    resource_arn: Arn
    tags: list[tags.Tag]


class UntagResource(Base, kw_only=True):
    """The request to take tags away."""

    resource_arn: Arn
    tag_keys: list[Annotated[str, Meta(min_length=1, max_length=128)]]


class ListTagsOfResource(Base, kw_only=True):
    """The request to show tags."""

    resource_arn: Arn
    next_token: str | None = None


def tag(engine: Engine, request: dict[str, Any], images: Images) -> dict[str, Any]:  # noqa: ARG001
    """Add tags, replacing those of the same key."""
    wanted = parse(request, TagResource)
    if not wanted.tags:
        raise ValidationException("Atleast one Tag needs to be provided as Input.")
    tags.check(wanted.tags)
    tags.add(engine, tags.table_of(engine, wanted.resource_arn), wanted.tags)
    return {}


def untag(engine: Engine, request: dict[str, Any], images: Images) -> dict[str, Any]:  # noqa: ARG001
    """Take tags away; keys that are not there are passed over."""
    wanted = parse(request, UntagResource)
    if not wanted.tag_keys:
        raise ValidationException("Atleast one Tag Key needs to be provided as Input.")
    tags.remove(engine, tags.table_of(engine, wanted.resource_arn), wanted.tag_keys)
    return {}


def list_tags(engine: Engine, request: dict[str, Any], images: Images) -> dict[str, Any]:  # noqa: ARG001
    """Return ``Tags``, all of them: at most 50 are on one page."""
    wanted = parse(request, ListTagsOfResource)
    return {"Tags": tags.of(engine, tags.table_of(engine, wanted.resource_arn))}

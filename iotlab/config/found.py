"""What a source of settings says: values by the setting's name, each with where it was said."""

from __future__ import annotations

from typing import Any

from iotlab.config.kinds import RejectedError
from iotlab.config.settings import Source
from iotlab.errors import ConfigError, Place

Found = dict[str, tuple[Any, Source]]


def config_error(place: Place, rejected: RejectedError) -> ConfigError:
    """Return the error that a person sees for a rejected value."""
    return ConfigError(place, rejected.problem, expected=rejected.expected, nearest=rejected.nearest)

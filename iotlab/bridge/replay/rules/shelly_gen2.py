"""Shelly, second generation: ``status/<component>`` leaves the component out of its payload, the channels have it."""

from __future__ import annotations

from collections.abc import Sequence

from iotlab.bridge.replay.recording import Recorded
from iotlab.bridge.replay.rule import AsRecorded, Facts, Lookup


class ShellyGen2(AsRecorded):
    """Expected values stand under ``<component>.<name>``."""

    def facts(self, recorded: Recorded, lookup: Lookup) -> Sequence[Facts]:
        """Return the values of each message under the names that its payload has."""
        head, _, component = recorded.topic.rpartition("/")
        found = super().facts(recorded, lookup)
        if not head.endswith("/status"):
            return found
        return [{name.removeprefix(f"{component}."): value for name, value in facts.items()} for facts in found]


RULES = (ShellyGen2("shelly-gen2"),)

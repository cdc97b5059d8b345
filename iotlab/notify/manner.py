"""When a channel is told, and in which words."""

from __future__ import annotations

import msgspec

from iotlab.notify.policy import Policy
from iotlab.notify.words import Words


class Manner(msgspec.Struct, frozen=True):
    """How one channel is told. The defaults: at once, each notification alone, in its own words."""

    policy: Policy = Policy()
    words: Words = Words()


PLAIN = Manner()

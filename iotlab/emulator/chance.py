"""Chance that can be repeated: one generator for each (seed, device, subject), so that no device disturbs another."""

from __future__ import annotations

import secrets
from random import Random

_BOOT_ALPHABET = "0123456789abcdefghijkmnpqrstuvwxyz"
_BOOT_LENGTH = 6


def chance(seed: int, device: str, subject: str) -> Random:
    """Return the generator of one subject (a channel, a phase) of one device."""
    return Random(f"{seed}:{device}:{subject}")  # noqa: S311  repeatable on purpose


def seeded_boot_id(seed: int, device: str) -> str:
    """Return the boot id that a device has in a recording: the same for the same seed."""
    rng = chance(seed, device, "boot")
    return "".join(rng.choice(_BOOT_ALPHABET) for _ in range(_BOOT_LENGTH))


def fresh_boot_id() -> str:
    """Return a boot id for a live run, never used before: about 1.5 thousand million different ones."""
    return "".join(secrets.choice(_BOOT_ALPHABET) for _ in range(_BOOT_LENGTH))

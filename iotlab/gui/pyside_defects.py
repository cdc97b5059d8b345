"""What has to be put right in a binding before a window runs on it."""

from __future__ import annotations

import ctypes
import sys

from PySide6.QtCore import QObject, Signal

_PROBES = 8
_SPARE_REFERENCES = 1 << 40


class _Probe(QObject):
    signal = Signal()


def signals_drop_references() -> bool:
    """Return whether each ``emit`` of this PySide6 takes a reference from ``True`` that is not its own.

    PySide6 6.12.0 on Python 3.11 does, and the interpreter ends with "deallocating True or False" after some thousand
    signals. From Python 3.12 on ``True`` has no count of references.
    """
    probe = _Probe()
    before = sys.getrefcount(True)  # noqa: FBT003  the object itself is what is counted
    for _ in range(_PROBES):
        probe.signal.emit()
    return sys.getrefcount(True) <= before - _PROBES  # noqa: FBT003  the object itself is what is counted


def keep_booleans_alive() -> bool:
    """Give ``True`` and ``False`` references to spare where signals take them; return whether that was needed."""
    if not signals_drop_references():
        return False
    for value in (True, False):
        ctypes.c_ssize_t.from_address(id(value)).value += _SPARE_REFERENCES
    return True

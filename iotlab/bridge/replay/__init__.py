"""Recorded messages: read from a JSONL file, and judged by what the lab has stored of them.

Publishing them and reading the table is the caller's part: `publications` says what to publish, and `compare` asks a
lookup what was stored.
"""

from iotlab.bridge.replay.judging import BUILT, Tally, Verdict, compare, publications, tally
from iotlab.bridge.replay.recording import MAX_LINE_BYTES, Recorded, read_recording
from iotlab.bridge.replay.rule import Lookup, Publication, Stored

__all__ = [
    "BUILT",
    "MAX_LINE_BYTES",
    "Lookup",
    "Publication",
    "Recorded",
    "Stored",
    "Tally",
    "Verdict",
    "compare",
    "publications",
    "read_recording",
    "tally",
]

"""What one cell of a list shows, said without Qt."""

from __future__ import annotations

from typing import Literal

import msgspec

from iotlab.gui.models.ring import Ring

Tone = Literal["text", "muted", "faint", "accent", "critical", "warning", "info", "good"]


class Cell(msgspec.Struct, frozen=True, gc=False):
    """What one cell shows.

    Attributes:
        text: One harmless line.
        tone: A colour of the theme, by its meaning.
        right: Whether it is aligned to the right, as numbers are.
        strong, mono, small: The font.
        below: A second line under the text, muted.
        presence: A presence shape before the text.
        severity: A severity shape before the text; ``filled`` while nobody has taken it on.
        spark: A sparkline instead of text; with ``steps`` it keeps each value until the next.
        aside: With ``below``: a text at the right end of the upper line.
        level: Depth in a tree, -1 outside of one; ``twist`` is ``open``, ``closed`` or empty for a leaf.
    """

    text: str = ""
    tone: Tone = "text"
    right: bool = False
    strong: bool = False
    mono: bool = False
    small: bool = False
    below: str = ""
    presence: str = ""
    severity: str = ""
    filled: bool = True
    spark: Ring | None = None
    steps: bool = False
    aside: str = ""
    level: int = -1
    twist: str = ""

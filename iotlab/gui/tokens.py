"""Colours, type and spacing of the window, for a dark and a light room. Nothing else names a colour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ThemeName = Literal["light", "dark", "system"]

SPACE = 4
"""The grid in logical pixels; distances are multiples of it."""

ROW_HEIGHT = 30
TEXT_PX = 13
SMALL_PX = 12
TITLE_PX = 14


@dataclass(frozen=True)
class Tokens:
    """The colours of one theme, by what they are for.

    Series colours follow Okabe and Ito's palette for all kinds of colour vision, shifted until each has a contrast
    of 3:1 to the plot's ground. Severity and presence never speak by colour alone: each has a shape.
    """

    name: Literal["light", "dark"]
    window: str
    surface: str
    raised: str
    hover: str
    selected: str
    border: str
    strong_border: str
    text: str
    muted: str
    faint: str
    accent: str
    on_accent: str
    grid: str
    critical: str
    warning: str
    info: str
    good: str
    critical_ground: str
    warning_ground: str
    series: tuple[str, ...]

    def severity(self, severity: str) -> str:
        """Return the colour of an alarm's severity."""
        return {"critical": self.critical, "warning": self.warning}.get(severity, self.info)

    def series_colour(self, index: int) -> str:
        """Return the colour of a plotted channel."""
        return self.series[index % len(self.series)]


DARK = Tokens(
    name="dark",
    window="#0d1117",
    surface="#131922",
    raised="#1b2330",
    hover="#1d2633",
    selected="#1f3550",
    border="#232c3a",
    strong_border="#3a475a",
    text="#e8edf4",
    muted="#9fadbf",
    faint="#7d8b9e",
    accent="#5cb3ff",
    on_accent="#06121f",
    grid="#232c3a",
    critical="#ff7b72",
    warning="#f2b544",
    info="#6cb6ff",
    good="#4cc9a0",
    critical_ground="#2c191d",
    warning_ground="#2a2316",
    series=(
        "#56b4e9", "#f0a030", "#2fc79b", "#e58fc1", "#f0e442", "#8f9dff",
        "#ff8f6b", "#9fd8ff", "#c3a6ff", "#7fd67f", "#e0b48a", "#b9c4d2",
    ),
)  # fmt: skip

LIGHT = Tokens(
    name="light",
    window="#eef1f5",
    surface="#ffffff",
    raised="#f5f7fa",
    hover="#f0f4f9",
    selected="#d9e9fb",
    border="#dfe5ec",
    strong_border="#b9c4d1",
    text="#141c26",
    muted="#4e5d6e",
    faint="#66758a",
    accent="#0a63c2",
    on_accent="#ffffff",
    grid="#e6ebf1",
    critical="#c2262e",
    warning="#8f5a00",
    info="#0a63c2",
    good="#0b7a58",
    critical_ground="#fdecec",
    warning_ground="#fdf4e1",
    series=(
        "#0072b2", "#b85c00", "#00805f", "#b0447f", "#857900", "#4c52c9",
        "#c23b12", "#2a86b8", "#7a4fc0", "#3c8a3c", "#8a6238", "#5d6b7c",
    ),
)  # fmt: skip

"""How values, times and foreign names are written. Everything that came from a device passes `one_line` first."""

from __future__ import annotations

import html
import math
import unicodedata
from datetime import datetime
from functools import lru_cache

from iotlab.clock import US_PER_S
from iotlab.domain.reading import Scalar

UNKNOWN = "\u2013"
"""What stands where nothing is known."""

LIMIT_CHARS = 240
"""No label needs more; laying out 10 kB of a hostile name would cost a frame."""

TOOLTIP_CHARS = 1_000
WHOLE_PERCENT = 10

_BIDI_CONTROLS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_UNITS = {
    "Cel": "°C",
    "[degF]": "°F",
    "%": "%",
    "kW.h": "kWh",
    "W.h": "Wh",
    "[ppm]": "ppm",
    "1": "",
    "m3": "m³",
    "m3/h": "m³/h",
    "L/min": "L/min",
    "l/min": "L/min",
    "ug/m3": "µg/m³",
    "dB[SPL]": "dB",
    "deg": "°",
}
_DECIMALS = {"Cel": 1, "[degF]": 1, "L/min": 1, "l/min": 1, "V": 1, "bar": 2, "W": 1}
_BOOL_WORDS = {
    "open": ("open", "closed"),
    "contact": ("closed", "open"),
    "motion": ("motion", "still"),
    "occupan": ("occupied", "free"),
    "presence": ("present", "away"),
    "leak": ("wet", "dry"),
    "smoke": ("smoke", "clear"),
}


@lru_cache(maxsize=8192)
def one_line(text: str, limit_chars: int = LIMIT_CHARS) -> str:
    """Return foreign text as one harmless line.

    Line ends become ``⏎``, other control characters and bidirectional overrides become ``�``; what is longer than
    ``limit_chars`` ends in ``…``.
    """
    cut = text[: limit_chars + 1]
    shown = "".join(_visible(char) for char in cut)
    return shown[: limit_chars - 1] + "…" if len(text) > limit_chars else shown


def _visible(char: str) -> str:
    if char in "\n\r\u2028\u2029":
        return "⏎"
    if char == "\t":
        return " "
    if char in _BIDI_CONTROLS or unicodedata.category(char) in {"Cc", "Cs"}:
        return "�"
    return char


@lru_cache(maxsize=512)
def unit_text(ucum: str) -> str:
    """Return a UCUM code as people write it (``Cel`` → ``°C``); unknown codes as they are."""
    return _UNITS.get(ucum, one_line(ucum, 16))


def number_text(value: float) -> str:
    """Return a number with about four significant digits: ``21.5``, ``1 013``, ``0.004``."""
    if isinstance(value, int):
        return f"{value:,}".replace(",", "\u202f")
    if not math.isfinite(value):
        return UNKNOWN
    magnitude = abs(value)
    if magnitude != 0 and (magnitude >= 1e9 or magnitude < 1e-3):
        return f"{value:.3g}"
    decimals = 0 if magnitude >= 1000 else 1 if magnitude >= 10 else 2 if magnitude >= 1 else 3
    text = f"{value:,.{decimals}f}".replace(",", "\u202f")
    return text.rstrip("0").rstrip(".") if decimals > 1 and "." in text else text


def bool_words(channel: str) -> tuple[str, str]:
    """Return what True and False mean in a channel of that name, such as ``open`` and ``closed``."""
    name = channel.casefold()
    return next((words for part, words in _BOOL_WORDS.items() if part in name), ("on", "off"))


def value_text(value: Scalar, unit: str = "", channel: str = "") -> str:
    """Return one channel's value with its unit, such as ``21.5 °C``, ``on`` or, by the channel's name, ``open``."""
    if isinstance(value, bool):
        return bool_words(channel)[0 if value else 1]
    if isinstance(value, str):
        return one_line(value, 64)
    shown = unit_text(unit)
    gap = "" if shown in {"", "°"} else "\u00a0"
    decimals = _DECIMALS.get(unit)
    if decimals is not None and isinstance(value, float) and abs(value) < 1000:
        return f"{value:.{decimals}f}{gap}{shown}"
    if unit == "%" and isinstance(value, float) and abs(value) >= WHOLE_PERCENT:
        return f"{value:.0f}{gap}{shown}"
    return f"{number_text(value)}{gap}{shown}"


def age_text(seconds: float) -> str:
    """Return how long ago something was, in its largest unit: ``now``, ``12 s``, ``3 min``, ``5 h``, ``2 d``."""
    if seconds < 1:
        return "now"
    if seconds < 60:
        return f"{int(seconds)} s"
    if seconds < 3600:
        return f"{int(seconds // 60)} min"
    if seconds < 86_400:
        return f"{int(seconds // 3600)} h"
    return f"{int(seconds // 86_400)} d"


def ago_text(seconds: float) -> str:
    """Return how long ago something was, as part of a sentence: ``just now``, ``12 s ago``."""
    return "just now" if seconds < 1 else f"{age_text(seconds)} ago"


def local_time(us: int, now_us: int, *, millis: bool = False) -> str:
    """Return a time of day in the person's zone, ``14:03:12``, with the date before it when that is not today's."""
    moment = datetime.fromtimestamp(us / US_PER_S).astimezone()
    text = moment.strftime("%H:%M:%S") + (f".{moment.microsecond // 1000:03d}" if millis else "")
    same_day = moment.date() == datetime.fromtimestamp(now_us / US_PER_S).astimezone().date()
    return text if same_day else f"{moment:%Y-%m-%d} {text}"


def size_text(size_bytes: int) -> str:
    """Return a size in decimal units, ``12.4 MB``."""
    size = float(size_bytes)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            return f"{int(size)} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    raise AssertionError("unreachable")


def milliseconds_text(ms: float | None) -> str:
    """Return a latency, ``1.8 ms`` or ``2.4 s``; an en dash when it is not known."""
    if ms is None:
        return UNKNOWN
    if ms >= 1000:
        return f"{ms / 1000:.1f} s"
    return f"{ms:.1f} ms" if ms < 100 else f"{ms:.0f} ms"


def rate_text(per_s: float) -> str:
    """Return a rate per second, ``41.2``, ``0.3``, ``1 240``; empty when nothing comes."""
    if per_s < 0.05:
        return ""
    return f"{per_s:.1f}" if per_s < 100 else number_text(round(per_s))


def count_text(count: int, one: str, many: str = "") -> str:
    """Return a counted noun, ``1 alarm``, ``2 alarms``, ``1 204 messages``."""
    noun = one if count == 1 else (many or one + "s")
    return f"{number_text(count)} {noun}"


def plain_tooltip(text: str) -> str:
    """Return a tooltip that shows the text as it is: Qt would take one with tags in it for rich text."""
    if not text:
        return ""
    cut = text if len(text) <= TOOLTIP_CHARS else text[: TOOLTIP_CHARS - 1] + "…"
    return f"<span style='white-space:pre-wrap'>{html.escape(cut)}</span>"

"""A payload as a person reads it: JSON laid out, text, or bytes in hex."""

from __future__ import annotations

from typing import Literal

import msgspec

from iotlab.gui.models.text import one_line

View = Literal["json", "text", "hex"]

SHOWN_BYTES = 64_000
"""What a viewer lays out; beyond it the text says how much more there is."""

_PREVIEW_BYTES = 160


def preview(payload: bytes) -> str:
    """Return one line for a list: the start of the text, or hex for what is not UTF-8."""
    if not payload:
        return "(empty)"
    head = payload[:_PREVIEW_BYTES]
    try:
        text = head.decode()
    except UnicodeDecodeError as error:
        if len(payload) <= _PREVIEW_BYTES or error.start < len(head) - 4:
            return head[:32].hex(" ") + (" …" if len(payload) > 32 else "")
        text = head[: error.start].decode()
    return one_line(text + ("…" if len(payload) > _PREVIEW_BYTES else ""))


def best_view(payload: bytes) -> View:
    """Return the view that suits a payload: JSON if it parses, else text if it is UTF-8, else hex."""
    if payload[:1] in b"{[" and payload and json_text(payload) is not None:
        return "json"
    try:
        payload[:SHOWN_BYTES].decode()
    except UnicodeDecodeError as error:
        return "text" if len(payload) > SHOWN_BYTES and error.start > SHOWN_BYTES - 4 else "hex"
    return "text"


def json_text(payload: bytes) -> str | None:
    """Return JSON laid out with two spaces, or None when it is not JSON or too large to lay out."""
    if len(payload) > SHOWN_BYTES:
        return None
    try:
        msgspec.json.decode(payload)
        return msgspec.json.format(payload, indent=2).decode()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def show(payload: bytes, view: View, size_bytes: int) -> str:
    """Return the payload in that view, cut at `SHOWN_BYTES` with a line that says so."""
    shown = payload[:SHOWN_BYTES]
    if view == "json" and (laid_out := json_text(payload)) is not None:
        return laid_out
    body = hex_text(shown[: SHOWN_BYTES // 4]) if view == "hex" else shown.decode(errors="replace")
    drawn = min(len(shown), SHOWN_BYTES // 4) if view == "hex" else len(shown)
    return body if drawn >= size_bytes else f"{body}\n… the first {drawn:,} of {size_bytes:,} bytes"


def hex_text(payload: bytes) -> str:
    """Return a hex dump with offsets and printable characters, 16 bytes a line."""
    lines = []
    for offset in range(0, len(payload), 16):
        chunk = payload[offset : offset + 16]
        printable = "".join(chr(byte) if 32 <= byte < 127 else "·" for byte in chunk)
        lines.append(f"{offset:06x}  {chunk.hex(' '):<47}  {printable}")
    return "\n".join(lines)

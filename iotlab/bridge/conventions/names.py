"""Which device ids, channel names and topic names are accepted.

Refused is what can cheat a log, a terminal or a reader's eye: control characters (with line ends and escape
sequences), characters that reverse or hide text (every Unicode format character but the two joiners that scripts
and emoji need), lone surrogates, and names longer than the limit.

Accepted is everything else, and it is data and nothing more: ``../../etc/passwd``, ``'; DROP TABLE``, ``<img>``,
homoglyphs and joiners. Whoever shows such a name shows it as plain text, whoever makes a file name of it escapes it.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from iotlab.errors import DecodeError

MAX_NAME_BYTES = 256
MAX_TOPIC_BYTES = 1024

_JOINERS = "\u200c\u200d"
_REFUSED_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def quoted(text: str, limit: int = 60) -> str:
    """Return the text for a message or a log line: in quotes, nothing unprintable, at most ``limit`` characters."""
    return repr(text if len(text) <= limit else text[: limit - 1] + "…")


@lru_cache(maxsize=8192)
def check_name(text: str, field: str) -> str:
    """Return the device id, channel name or other short name unchanged.

    Args:
        text: The name.
        field: Where it stands, for the error.

    Raises:
        DecodeError: ``bad_name`` for an empty name or a refused character, ``name_too_long`` over 256 bytes.
    """
    if not text:
        raise DecodeError("bad_name", "the name is empty", field=field)
    refused = _refused_character(text)
    if refused is not None:
        problem = f"{quoted(text)} contains the character U+{ord(refused):04X}, which names may not contain"
        raise DecodeError("bad_name", problem, field=field)
    size_bytes = len(text.encode())
    if size_bytes > MAX_NAME_BYTES:
        problem = f"{quoted(text)} has {size_bytes} bytes; a name may have {MAX_NAME_BYTES}"
        raise DecodeError("name_too_long", problem, field=field)
    return text


def _refused_character(text: str) -> str | None:
    if text.isascii() and text.isprintable():
        return None
    for character in text:
        if character not in _JOINERS and unicodedata.category(character) in _REFUSED_CATEGORIES:
            return character
    return None


def check_topic(topic: str) -> None:
    """Refuse what MQTT doesn't allow as a topic name, and topics that are longer than any device needs.

    Raises:
        DecodeError: ``bad_topic`` or, over 1024 bytes, ``topic_too_long``.

    Source: MQTT 5, sections 1.5.4 and 4.7.
    """
    if not topic:
        raise DecodeError("bad_topic", "the topic name is empty", field="topic")
    try:
        size_bytes = len(topic.encode())
    except UnicodeEncodeError as error:
        problem = f"{quoted(topic)} contains a lone surrogate, which is not UTF-8"
        raise DecodeError("bad_topic", problem, field="topic") from error
    if size_bytes > MAX_TOPIC_BYTES:
        problem = f"the topic name has {size_bytes} bytes; this bridge reads up to {MAX_TOPIC_BYTES}"
        raise DecodeError("topic_too_long", problem, field="topic")
    for character in "\0+#":
        if character in topic:
            problem = f"{quoted(topic)} contains {character!r}, which a topic name may not contain"
            raise DecodeError("bad_topic", problem, field="topic")

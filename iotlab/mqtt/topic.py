"""Topic names and topic filters: which are valid, and which filter matches which name.

Source: OASIS MQTT 5.0 sections 1.5.4, 4.7 and 4.8.2.
"""

from __future__ import annotations

from iotlab.errors import DecodeError
from iotlab.mqtt.packets import MAX_UINT16

SHARE_PREFIX = "$share/"

BAD_TOPIC = "bad_topic"
"""The reason word under which messages with an invalid topic name are counted."""


def topic_name_problem(name: str) -> str:
    """Return what makes ``name`` no valid topic name, or an empty text."""
    problem = _text_problem(name)
    if not problem and ("+" in name or "#" in name):
        problem = "it contains a wildcard (+ or #), which only a topic filter may"
    return problem


def topic_filter_problem(topic_filter: str) -> str:
    """Return what makes ``topic_filter`` no valid topic filter, or an empty text."""
    problem = _text_problem(topic_filter)
    if problem:
        return problem
    if topic_filter == "$share" or topic_filter.startswith(SHARE_PREFIX):
        return _shared_problem(topic_filter)
    return _wildcard_problem(topic_filter)


def check_topic_name(name: str) -> None:
    """Raise ValueError unless ``name`` is a valid topic name."""
    problem = topic_name_problem(name)
    if problem:
        raise ValueError(f"{_shown(name)} is no topic name: {problem}")


def check_topic_filter(topic_filter: str) -> None:
    """Raise ValueError unless ``topic_filter`` is a valid topic filter."""
    problem = topic_filter_problem(topic_filter)
    if problem:
        raise ValueError(f"{_shown(topic_filter)} is no topic filter: {problem}")


def decode_topic_name(raw: bytes) -> str:
    """Return a topic name as it came over the network.

    Raises:
        DecodeError: ``bad_topic``; it is not UTF-8, or no valid topic name.
    """
    try:
        name = raw.decode()
    except UnicodeDecodeError as error:
        raise DecodeError(
            BAD_TOPIC, f"is not valid UTF-8: {error.reason} at byte {error.start}", field="topic name"
        ) from error
    problem = topic_name_problem(name)
    if problem:
        raise DecodeError(BAD_TOPIC, problem, field="topic name")
    return name


def split_share(topic_filter: str) -> tuple[str | None, str]:
    """Return the share name and the filter behind it; the share name is None for a subscription of one's own."""
    if not topic_filter.startswith(SHARE_PREFIX):
        return None, topic_filter
    share_name, _, inner = topic_filter[len(SHARE_PREFIX) :].partition("/")
    return share_name, inner


def matches(topic_filter: str, name: str) -> bool:
    """Return whether a message on ``name`` goes to a subscriber of ``topic_filter``. Both are taken as valid.

    A leading wildcard matches no name that begins with ``$``. A shared subscription matches as its inner filter does.
    """
    _, pattern = split_share(topic_filter)
    if name.startswith("$") and pattern[:1] in ("+", "#"):
        return False
    if "+" not in pattern and "#" not in pattern:
        return pattern == name
    wanted = pattern.split("/")
    levels = name.split("/")
    for index, level in enumerate(wanted):
        if level == "#":
            return True
        if index == len(levels) or level not in ("+", levels[index]):
            # "sport/#" matches its parent "sport" too; any other longer filter does not match.
            return False
        if index + 1 == len(levels) and wanted[index + 1 :] == ["#"]:
            return True
    return len(wanted) == len(levels)


def _text_problem(text: str) -> str:
    if not text:
        return "it is empty"
    if "\0" in text:
        return "it contains U+0000"
    try:
        size_bytes = len(text.encode())
    except UnicodeEncodeError as error:
        return f"it contains the surrogate U+{ord(text[error.start]):04X}, which UTF-8 cannot carry"
    if size_bytes > MAX_UINT16:
        return f"it has {size_bytes:,} bytes, more than {MAX_UINT16:,}"
    return ""


def _wildcard_problem(topic_filter: str) -> str:
    levels = topic_filter.split("/")
    for index, level in enumerate(levels):
        if "#" in level and level != "#":
            return f"in the level {_shown(level)} the # does not stand alone"
        if level == "#" and index != len(levels) - 1:
            return "# is not its last level"
        if "+" in level and level != "+":
            return f"in the level {_shown(level)} the + does not stand alone"
    return ""


def _shared_problem(topic_filter: str) -> str:
    share_name, inner = split_share(topic_filter)
    if not share_name:
        return "a shared subscription is $share/<share name>/<topic filter>"
    if "+" in share_name or "#" in share_name:
        return f"the share name {_shown(share_name)} contains a wildcard"
    if not inner:
        return "there is no topic filter behind the share name"
    return _wildcard_problem(inner)


def _shown(text: str, limit: int = 80) -> str:
    """Return text for a message: escaped, and marked where it was cut."""
    return repr(text) if len(text) <= limit else f"{text[:limit]!r}… ({len(text):,} characters)"

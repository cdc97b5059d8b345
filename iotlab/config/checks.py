"""Checks of values that have the right type and still can't be used. Each raises `RejectedError`."""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from urllib.parse import urlsplit

from iotlab.config.kinds import RejectedError
from iotlab.mqtt.topic import SHARE_PREFIX, topic_filter_problem

_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_TABLE_PREFIX = re.compile(r"[A-Za-z0-9_.-]+")
MAX_PREFIX = 200
_URL_EXAMPLES = "such as http://127.0.0.1:8000 or https://dynamodb.eu-central-1.amazonaws.com"
_HOST = re.compile(r"[A-Za-z0-9._:%-]+")


def check_word(value: str) -> None:
    """Accept a name that is safe in topics, files and logs, or an empty text."""
    if value and not (_WORD.fullmatch(value) and len(value) <= 64):
        raise RejectedError(
            f"{value[:40]!r} can't be a name here", expected="up to 64 letters, digits, '-', '_' or '.'"
        )


def check_host(value: str) -> None:
    """Accept a host name or address without scheme or port."""
    if not value:
        return
    if "://" in value or "/" in value:
        raise RejectedError(
            f"{value[:60]!r} is a URL", expected="a host name or address alone; the port has its own setting"
        )
    if not _HOST.fullmatch(value):
        raise RejectedError(
            f"{value[:60]!r} is not a host name", expected="a host name or address, such as broker.local"
        )


def check_loopback(value: str) -> None:
    """Accept only addresses of this machine itself: nobody else must reach the lab unasked."""
    if value == "localhost":
        return
    try:
        loopback = ipaddress.ip_address(value).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise RejectedError(
            f"{value[:60]!r} is not a loopback address, and the endpoint has no TLS yet",
            expected="127.0.0.1, ::1 or localhost; to reach it from elsewhere, use an SSH tunnel",
        )


def check_url(value: str) -> None:
    """Accept an HTTP address without user, path or query."""
    if not value:
        return
    try:
        parts = urlsplit(value)
        has_port = parts.port is not None or ":" not in parts.netloc.rpartition("]")[2]
    except ValueError:
        raise RejectedError(f"{value[:60]!r} is not a URL", expected=_URL_EXAMPLES) from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or not has_port:
        raise RejectedError(f"{value[:60]!r} is not an HTTP address", expected=_URL_EXAMPLES)
    if parts.username is not None or parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise RejectedError(f"{value[:60]!r} has more than an address", expected=_URL_EXAMPLES)


def check_table_prefix(value: str) -> None:
    """Accept the beginning of a table's name: DynamoDB allows letters, digits, '_', '-' and '.'."""
    if value and not (_TABLE_PREFIX.fullmatch(value) and len(value) <= MAX_PREFIX):
        raise RejectedError(
            f"{value[:40]!r} can't begin a table's name",
            expected=f"up to {MAX_PREFIX} letters, digits, '_', '-' or '.'",
        )


def check_topic_filters(filters: tuple[str, ...]) -> None:
    """Accept topic filters as MQTT 5, section 4.7 defines them; at least one."""
    if not filters:
        raise RejectedError(
            "there is no topic filter, so nothing would be received", expected='at least one, such as "#"'
        )
    for topic_filter in filters:
        problem = topic_filter_problem(topic_filter)
        if topic_filter.startswith(SHARE_PREFIX):
            problem = "a shared subscription is made with bridge.shared_group"
        if problem:
            raise RejectedError(
                f"{topic_filter[:60]!r} can't be subscribed to: {problem}",
                expected="such as lab/# or lab/+/telemetry",
            )
    [(most_common, count)] = Counter(filters).most_common(1)
    if count > 1:
        raise RejectedError(f"the topic filter {most_common!r} is there {count} times", expected="each once")

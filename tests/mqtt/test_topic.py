"""Topic names and filters by the standard's own examples."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotlab.errors import DecodeError
from iotlab.mqtt.topic import check_topic_filter, check_topic_name, decode_topic_name, matches, split_share


@pytest.mark.parametrize("name", ["a", "/", "a//b", "lab/kitchen/telemetry", "$SYS/x", " ", "ü/日本", "x" * 65_535])
def test_a_valid_topic_name_is_accepted(name: str) -> None:
    check_topic_name(name)
    assert decode_topic_name(name.encode()) == name


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("", "empty"),
        ("a\0b", r"U\+0000"),
        ("a/+/b", "wildcard"),
        ("a/#", "wildcard"),
        ("\ud800", r"surrogate U\+D800"),
        ("x" * 65_536, "65,536 bytes"),
        ("ü" * 32_768, "65,536 bytes"),
    ],
)
def test_an_invalid_topic_name_is_refused_with_what_is_wrong(name: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        check_topic_name(name)


@pytest.mark.parametrize("raw", [b"\xff", b"lab/\xed\xa0\x80", b"a\0", b"", b"a/+", b"\xc3"])
def test_bytes_that_are_no_topic_name_are_a_decode_error(raw: bytes) -> None:
    with pytest.raises(DecodeError) as caught:
        decode_topic_name(raw)
    assert caught.value.reason == "bad_topic"


@pytest.mark.parametrize(
    "topic_filter",
    [
        "#",
        "+",
        "/#",
        "+/+",
        "sport/+/player1",
        "sport/tennis/#",
        "$SYS/#",
        "$share/bridges/lab/#",
        "$share/g/+",
        "a" * 65_535,
    ],
)
def test_a_valid_topic_filter_is_accepted(topic_filter: str) -> None:
    check_topic_filter(topic_filter)


@pytest.mark.parametrize(
    ("topic_filter", "problem"),
    [
        ("", "empty"),
        ("sport/tennis#", "# does not stand alone"),
        ("sport/#/ranking", "# is not its last level"),
        ("sport+", r"\+ does not stand alone"),
        ("a\0", r"U\+0000"),
        ("$share", "shared subscription"),
        ("$share/", "shared subscription"),
        ("$share//lab", "shared subscription"),
        ("$share/g", "no topic filter behind"),
        ("$share/g/", "no topic filter behind"),
        ("$share/g+/lab", "contains a wildcard"),
        ("$share/g/a#", "# does not stand alone"),
        ("a" * 65_536, "65,536 bytes"),
    ],
)
def test_an_invalid_topic_filter_is_refused_with_what_is_wrong(topic_filter: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        check_topic_filter(topic_filter)


@pytest.mark.parametrize(
    ("topic_filter", "name", "expected"),
    [
        ("sport/tennis/player1/#", "sport/tennis/player1", True),
        ("sport/tennis/player1/#", "sport/tennis/player1/ranking", True),
        ("sport/tennis/player1/#", "sport/tennis/player10", False),
        ("sport/#", "sport", True),
        ("sport/tennis/+", "sport/tennis/player1", True),
        ("sport/tennis/+", "sport/tennis/player1/ranking", False),
        ("sport/+", "sport", False),
        ("sport/+", "sport/", True),
        ("+/+", "/finance", True),
        ("/+", "/finance", True),
        ("+", "/finance", False),
        ("+/#", "a", True),
        ("#", "a/b/c", True),
        ("#", "$SYS/uptime", False),
        ("+/monitor/Clients", "$SYS/monitor/Clients", False),
        ("$SYS/#", "$SYS/monitor/Clients", True),
        ("$SYS/monitor/+", "$SYS/monitor/Clients", True),
        ("a/b", "a/b", True),
        ("a/b", "A/b", False),
        ("a/b", "a/b/", False),
        ("$share/g/lab/+/telemetry", "lab/x/telemetry", True),
        ("$share/g/#", "$SYS/x", False),
    ],
)
def test_a_filter_matches_as_the_standard_says(topic_filter: str, name: str, *, expected: bool) -> None:
    assert matches(topic_filter, name) is expected


LEVELS = st.lists(st.sampled_from(["a", "b", "", "$x"]), min_size=1, max_size=4).filter(lambda levels: levels != [""])
PATTERNS = st.tuples(st.lists(st.sampled_from(["a", "b", "", "+", "$x"]), max_size=4), st.booleans()).map(
    lambda parts: [*parts[0], *(["#"] if parts[1] else [])]
)


@given(LEVELS, PATTERNS.filter(lambda levels: "/".join(levels) != ""))
def test_matching_agrees_with_a_regular_expression(levels: list[str], pattern: list[str]) -> None:
    name, topic_filter = "/".join(levels), "/".join(pattern)
    expression = re.escape(topic_filter).replace(r"\+", "[^/]*").replace("/\\#", "(/.*)?").replace(r"\#", ".*")
    hidden = name.startswith("$") and topic_filter[0] in "+#"
    assert matches(topic_filter, name) is (not hidden and re.fullmatch(expression, name) is not None)


def test_a_shared_subscription_is_split_into_share_name_and_filter() -> None:
    assert split_share("$share/bridges/lab/#") == ("bridges", "lab/#")
    assert split_share("lab/#") == (None, "lab/#")

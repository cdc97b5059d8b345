"""Recordings: read line by line, and judged by what was stored."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from iotlab.bridge.replay import (
    MAX_LINE_BYTES,
    Recorded,
    Stored,
    Verdict,
    compare,
    publications,
    read_recording,
    tally,
)
from iotlab.errors import ConfigError, Place

PLACE = Place("r.jsonl", line=1)


def recorded(expected: dict[str, Any], convention: str = "tasmota", topic: str = "tele/x/SENSOR") -> Recorded:
    return Recorded(PLACE, topic, b"", convention, expected)


def verdict(expected: dict[str, Any], *everything: Stored, convention: str = "tasmota") -> Verdict:
    return compare(recorded(expected, convention), lambda _recorded: everything)


def write(tmp_path: Path, *lines: object) -> Path:
    path = tmp_path / "recording.jsonl"
    path.write_bytes(b"\n".join(x if isinstance(x, bytes) else json.dumps(x).encode() for x in lines))
    return path


def test_every_field_of_a_line_is_read(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        {"topic": "a", "payload": "ü", "source": "somewhere"},
        b"",
        {
            "topic": "b",
            "payload": "00ff",
            "encoding": "hex",
            "time": "2025-11-24T04:20:00Z",
            "qos": 1,
            "retain": True,
        },
    )
    assert list(read_recording(path)) == [
        Recorded(Place(str(path), line=1), "a", "ü".encode()),
        Recorded(Place(str(path), line=3), "b", b"\x00\xff", at_us=1_763_958_000_000_000, qos=1, retain=True),
    ]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"{", "truncated"),
        (b"[]", "object"),
        (b'{"topic":"a"}', "payload"),
        (b'{"topic":1,"payload":""}', "$.topic"),
        (b'{"topic":"a","payload":"","qos":3}', "$.qos"),
        (b'{"topic":"a","payload":"","encoding":"base64"}', "$.encoding"),
        (b'{"topic":"a","payload":"0g","encoding":"hex"}', "[payload]"),
        (b'{"topic":"a","payload":"","time":"noon"}', "[time]"),
        (b'{"topic":"\xff","payload":""}', "utf-8"),
        (b"x" * (MAX_LINE_BYTES + 1), "too long"),
    ],
)
def test_an_error_names_file_and_line(tmp_path: Path, line: bytes, words: str) -> None:
    path = write(tmp_path, {"topic": "a", "payload": ""}, line)
    with pytest.raises(ConfigError) as caught:
        list(read_recording(path))
    assert f"{path}:2" in str(caught.value)
    assert words in str(caught.value)
    assert "expected" in str(caught.value)


@pytest.mark.parametrize("name", ["missing.jsonl", "."])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        list(read_recording(tmp_path / name))


def test_everything_expected_and_stored_is_understood() -> None:
    found = verdict({"A.B": 1.5, "C": True}, Stored({"A.B": Decimal("1.5"), "C": True, "D": "more"}))
    assert (found.outcome, found.found, found.of) == ("understood", 2, 2)


@pytest.mark.parametrize(
    ("expected", "actual"), [(True, 1), (1, True), ("1", 1), (1, "1"), (1.5, Decimal("1.50001")), ("on", "ON")]
)
def test_values_of_another_type_or_size_are_missed(expected: object, actual: object) -> None:
    found = verdict({"A": expected, "B": 1}, Stored({"A": actual, "B": 1}))
    assert (found.outcome, found.found, found.of) == ("missed", 1, 2)
    assert found.details == (f"A: expected {expected!r}, stored is {actual!r}",)


def test_a_missing_channel_is_named() -> None:
    assert verdict({"A": 1}, Stored({})).details == ("A: there is no channel A",)


def test_the_parts_of_an_expected_object_stand_under_their_paths() -> None:
    assert verdict({"L": {"on": True, "rgb": [1, 2]}}, Stored({"L.on": True, "L.rgb.0": 1, "L.rgb.1": 2})).found == 1
    assert verdict({"L": {"on": True}}, Stored({"L": "x"})).details == ("L: there is no channel L.on",)


def test_a_component_that_stands_in_the_topic_stands_in_the_channel() -> None:
    message = recorded({"output": False}, "shelly-gen2", "a/b/status/switch:0")
    assert compare(message, lambda _topic: [Stored({"switch:0.output": False})]).outcome == "understood"
    assert compare(message, lambda _topic: [Stored({"switch:1.output": False})]).outcome == "missed"


def test_of_several_messages_on_one_topic_the_best_counts() -> None:
    found = verdict({"A": 1, "B": 2}, Stored({"A": 1}), Stored({"A": 1, "B": 2}), Stored(dead_letter="not_json"))
    assert found.outcome == "understood"


def test_a_message_that_must_be_refused_is_judged_by_its_dead_letter() -> None:
    assert verdict({"_error": "not json"}, Stored(dead_letter="not_json")).outcome == "refused"
    stored = verdict({"_error": "not json"}, Stored({"A": 1}))
    assert (stored.outcome, stored.found, stored.of) == ("missed", 0, 1)


def test_a_message_that_was_refused_against_expectation_is_missed_with_its_reason() -> None:
    assert verdict({"A": 1}, Stored(dead_letter="too_deep")).details == ("refused as too_deep",)
    assert verdict({"A": 1}).details == ("nothing is stored under this topic",)


@pytest.mark.parametrize("expected", [{"A": 1}, {"_error": "x"}])
def test_a_convention_that_is_not_built_is_not_yet_understood(expected: dict[str, Any]) -> None:
    found = verdict(expected, convention="heard-of-by-nobody")
    assert (found.outcome, found.details) == ("not_yet", ())


def test_the_figures_leave_out_what_is_not_yet_understood() -> None:
    figures = tally(
        [
            verdict({"A": 1, "B": 2}, Stored({"A": 1, "B": 2})),
            verdict({"A": 1, "B": 2}, Stored({"A": 1})),
            verdict({"_error": "x"}, Stored(dead_letter="not_json")),
            verdict({"A": 1, "B": 2, "C": 3}, convention="heard-of-by-nobody"),
        ]
    )
    assert (figures.found, figures.of) == (4, 5)
    assert (figures.understood, figures.refused, figures.not_yet, figures.missed) == (1, 1, 1, 1)


def test_a_description_in_place_of_a_topic_is_not_published() -> None:
    assert publications(recorded({}, topic="(any; content type x+json)")) == []
    assert [one.topic for one in publications(recorded({}))] == ["tele/x/SENSOR"]

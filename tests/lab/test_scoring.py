"""The score of alarms against planted incidents, made by hand."""

from __future__ import annotations

from typing import Any

import pytest

from iotlab.lab.report import Report
from iotlab.lab.scoring import score

S = 1_000_000


def incident(start_s: int, end_s: int | None, **more: Any) -> dict[str, Any]:
    end_us = None if end_s is None else end_s * S
    row = {
        "rule": "r",
        "device": "d",
        "start_us": start_s * S,
        "end_us": end_us,
        "expected": True,
        "near_miss": False,
    }
    return row | more


def raised(at_s: int, alarm: str = "r/d") -> dict[str, Any]:
    return {"alarm": alarm, "what": "raised", "at_us": at_s * S}


CASES: dict[str, tuple[list[dict[str, Any]], list[dict[str, Any]], tuple[int, int, int, int]]] = {
    "an alarm within its incident": ([incident(100, 200)], [raised(150)], (1, 1, 0, 0)),
    "an incident that nobody noticed": ([incident(100, 200)], [], (1, 0, 1, 0)),
    "an alarm for nothing": ([], [raised(150)], (0, 1, 0, 1)),
    "an alarm before its incident": ([incident(100, 200)], [raised(99)], (1, 1, 1, 1)),
    "an alarm long after its incident": ([incident(100, 200)], [raised(261)], (1, 1, 1, 1)),
    "an alarm a little after its incident": ([incident(100, 200)], [raised(260)], (1, 1, 0, 0)),
    "one incident and two alarms": ([incident(100, 200)], [raised(120), raised(180)], (1, 2, 0, 1)),
    "two incidents and one alarm": ([incident(100, 200), incident(900, 950)], [raised(910)], (2, 1, 1, 0)),
    "the alarm of another device": ([incident(100, 200)], [raised(150, "r/e")], (1, 1, 1, 1)),
    "an alarm for a near miss": ([incident(100, 200, expected=False, near_miss=True)], [raised(150)], (0, 1, 0, 1)),
    "an incident that was cut short and raised": ([incident(100, 200, expected=False)], [raised(150)], (0, 1, 0, 0)),
    "an incident that was cut short and not raised": ([incident(100, 200, expected=False)], [], (0, 0, 0, 0)),
    "silence after the end of the devices": ([], [raised(1_061)], (0, 0, 0, 0)),
    "a step that is no raise": ([], [raised(150) | {"what": "cleared"}], (0, 0, 0, 0)),
}


@pytest.mark.parametrize("case", CASES)
def test_the_score_is_what_a_person_would_say(case: str) -> None:
    incidents, transitions, (expected, count, missed, unexpected) = CASES[case]
    found = score(incidents, transitions, ended_us=1_000 * S)
    assert (found["expected"], found["raised"], found["missed"], found["unexpected"]) == (
        expected,
        count,
        missed,
        unexpected,
    )


ALARMS = {"expected": 6, "raised": 6, "missed": 0, "unexpected": 0, "near_misses": 6}
NOTES = {"transitions": 12, "delivered": 12, "repeats": 0, "without_transition": 0}


def report(*, stored: int = 100, alarms: dict[str, int] | None = None, notes: dict[str, int] | None = None) -> Report:
    return Report(
        devices=20,
        sent=100,
        stored=stored,
        losses={},
        unnamed_losses=0,
        alarms=ALARMS | (alarms or {}),
        notifications=NOTES | (notes or {}),
        latency_ms={},
        per_device={},
        foreign_devices=0,
        restarts={},
        speed=1.0,
        alarm_details=[],
    )


def test_a_run_in_which_all_is_as_it_must_be_has_no_shortcomings() -> None:
    assert report().shortcomings() == []


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (report(stored=99), "1 messages were sent and are not stored"),
        (report(alarms={"missed": 1}), "1 incidents raised no alarm"),
        (report(alarms={"unexpected": 2}), "2 alarms were raised for nothing"),
        (report(notes={"delivered": 11}), "1 notifications did not arrive"),
        (report(notes={"repeats": 1}), "1 notifications arrived again"),
        (report(notes={"without_transition": 1}), "1 notifications arrived that no transition asked for"),
        (report(alarms={"expected": 0}), "nothing was expected to go wrong"),
    ],
)
def test_each_shortcoming_is_said(wrong: Report, sentence: str) -> None:
    assert wrong.shortcomings() == [sentence]

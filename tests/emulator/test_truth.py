from __future__ import annotations

import msgspec

from iotlab.clock import US_PER_S
from iotlab.emulator.incidents import Calendar, Plan
from iotlab.emulator.truth import KEPT, Truth

START_US = 1_763_958_000 * US_PER_S
PLAN = Plan("Fire", "fire", "t", ("one",), (10.0, 10.0), to=90.0, full_s=8.0, rise_s=2.0, fall_s=2.0, hold_s=3.0)


def truth(every_s: float = 60.0) -> Truth:
    calendar = Calendar([PLAN], ["one", "two"], seed=1, every_s=every_s)
    return Truth(calendar, START_US, {"one": "Number one"})


def emit(book: Truth, first_s: float, last_s: float, period_s: float = 1.0) -> None:
    for turn in range(int((last_s - first_s) / period_s) + 1):
        book.note("one", first_s + turn * period_s)
        book.note("two", first_s + turn * period_s)


def test_an_incident_that_was_emitted_to_its_end_is_expected_with_its_real_times() -> None:
    book = truth()
    emit(book, 0, 30)
    (row,) = book.rows(30.0, ended=True)
    assert (row.name, row.rule, row.device, row.channel) == ("Fire: Number one", "fire", "one", "t")
    assert (row.start_us - START_US, (row.end_us or 0) - START_US) == (10 * US_PER_S, 22 * US_PER_S)
    assert (row.hold_s, row.expected) == (3.0, True)


def test_an_incident_cut_short_is_expected_only_after_its_hold_time_and_a_second() -> None:
    for last_s, expected in ((15, False), (16, True)):
        book = truth()
        emit(book, 0, last_s)
        (row,) = book.rows(float(last_s), ended=True)
        assert row.expected is expected, last_s
        assert row.end_us == START_US + last_s * US_PER_S


def test_an_incident_that_goes_on_has_no_end_yet() -> None:
    book = truth()
    emit(book, 0, 13)
    assert [row.end_us for row in book.rows(13.0, ended=False)] == [None]
    assert book.running(13.0) == ["Fire: Number one"]
    assert book.running(23.0) == []


def test_an_incident_that_has_not_begun_or_was_never_emitted_is_not_listed() -> None:
    book = truth()
    emit(book, 0, 9)
    emit(book, 23, 40)
    assert book.rows(40.0, ended=True) == []


def test_the_list_is_bounded_and_the_rest_is_counted() -> None:
    book = truth()
    for window in range(KEPT + 5):
        emit(book, window * 60 + 10, window * 60 + 22)
    rows = book.rows(1e9, ended=True)
    assert len(rows) == KEPT
    assert (book.earlier, book.earlier_expected) == (5, 5)
    assert rows[0].start_us == START_US + (5 * 60 + 10) * US_PER_S


def test_a_near_miss_is_listed_and_never_expected() -> None:
    plan = msgspec.structs.replace(PLAN, near_miss=True)
    book = Truth(Calendar([plan], ["one", "two"], seed=1, every_s=60.0), START_US, {})
    emit(book, 0, 30)
    (row,) = book.rows(30.0, ended=True)
    assert (row.near_miss, row.expected) == (True, False)

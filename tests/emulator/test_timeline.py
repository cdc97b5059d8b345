from __future__ import annotations

import pytest

from iotlab.emulator.timeline import Slot, Timeline


def timeline(*slots: Slot) -> Timeline:
    found = Timeline()
    for slot in slots:
        found.add(slot)
    return found


def test_turns_come_in_order_of_time_and_then_of_name() -> None:
    turns = timeline(Slot(0.5, "b", 1.0), Slot(0.2, "c", 1.0), Slot(0.5, "a", 1.0))
    assert list(turns.due(1.3)) == [("c", 0.2), ("a", 0.5), ("b", 0.5), ("c", 1.2)]
    assert turns.next_s == 1.5


def test_a_late_fleet_makes_up_for_what_it_missed_up_to_five_seconds() -> None:
    turns = timeline(Slot(0.0, "a", 1.0))
    assert len(list(turns.due(4.5))) == 5
    assert turns.skipped == 0


def test_a_fleet_that_slept_for_an_hour_skips_and_counts_the_missed_turns() -> None:
    turns = timeline(Slot(0.0, "a", 1.0))
    assert len(list(turns.due(3600.5))) == 1
    assert turns.skipped == 3600
    assert turns.next_s == pytest.approx(3601.0)


def test_a_changed_period_counts_from_the_next_turn() -> None:
    slot = Slot(0.0, "a", 1.0)
    turns = timeline(slot)
    list(turns.due(0.0))
    slot.period_s = 0.25
    assert [due for _, due in turns.due(1.5)] == [1.0, 1.25, 1.5]


def test_without_devices_there_is_no_turn() -> None:
    assert timeline().next_s == float("inf")
    assert list(timeline().due(10.0)) == []


def test_at_600_times_a_fleet_that_is_late_by_five_of_the_machines_seconds_makes_up_for_fifty_minutes() -> None:
    turns = Timeline(5.0 * 600)
    turns.add(Slot(0.0, "a", 60.0))
    assert len(list(turns.due(3_000.0))) == 51
    assert turns.skipped == 0

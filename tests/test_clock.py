"""Time as a part: a lab's time that runs faster than the machine's."""

from __future__ import annotations

from iotlab.clock import US_PER_S, Clock, ManualClock, ScaledClock, SystemClock, UnhurriedClock, unhurried

MIDNIGHT_US = 1_763_942_400 * US_PER_S


def scaled(machine: ManualClock) -> ScaledClock:
    return ScaledClock(speed=600, start_us=MIDNIGHT_US, origin_s=machine.monotonic_s(), machine=machine)


def test_a_day_at_600_times_takes_144_seconds_of_the_machine() -> None:
    machine = ManualClock()
    clock = scaled(machine)
    before_s = clock.monotonic_s()
    machine.advance(144)
    assert clock.now_us() - MIDNIGHT_US == 86_400 * US_PER_S
    assert clock.monotonic_s() - before_s == 86_400


def test_it_says_at_which_moment_of_the_machine_the_lab_reaches_a_time() -> None:
    machine = ManualClock()
    machine.advance(1000)
    clock = scaled(machine)
    assert clock.machine_s(MIDNIGHT_US + 3_600 * US_PER_S) == 1006


def test_a_process_that_is_started_again_with_the_same_numbers_goes_on_where_the_others_are() -> None:
    machine = ManualClock()
    first = scaled(machine)
    machine.advance(60)
    again = ScaledClock(speed=600, start_us=MIDNIGHT_US, origin_s=0.0, machine=machine)
    assert again.now_us() == first.now_us() == MIDNIGHT_US + 36_000 * US_PER_S


def test_setting_the_machines_time_of_day_does_not_move_the_labs() -> None:
    machine = ManualClock()
    clock = scaled(machine)
    machine.step(-3_600)
    assert clock.now_us() == MIDNIGHT_US


def test_a_connection_counts_the_machines_seconds_and_stamps_the_labs_time() -> None:
    machine = ManualClock()
    clock = unhurried(scaled(machine))
    machine.advance(30)
    assert clock.monotonic_s() == 30
    assert clock.now_us() == MIDNIGHT_US + 18_000 * US_PER_S
    assert clock.speed == 1


def test_at_the_machines_own_speed_there_is_one_clock_for_all() -> None:
    clocks: list[Clock] = [SystemClock(), ManualClock()]
    assert all(unhurried(clock) is clock for clock in clocks)
    assert isinstance(unhurried(scaled(ManualClock())), UnhurriedClock)

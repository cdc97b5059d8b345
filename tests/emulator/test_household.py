"""A day in a house: courses by the clock, what people use, and the kinds of what goes wrong."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest

from iotlab.clock import ManualClock
from iotlab.emulator.chance import seeded_boot_id
from iotlab.emulator.device import NumberedDevice
from iotlab.emulator.generator import Generator
from iotlab.emulator.household import Course, Uses
from iotlab.emulator.incidents import Calendar, Kind, Plan
from iotlab.emulator.outbox import Outbox
from iotlab.emulator.scenario import Device
from iotlab.emulator.sources import Counter, Now, Sampler, Walk
from iotlab.emulator.timeline import Slot
from iotlab.emulator.types import Channel, DeviceType

HOUR_S = 3_600.0
DAY_S = 86_400.0


def at(sampler: Sampler, second: float, first_day_s: float = 0.0) -> float:
    return sampler(Now(second, (first_day_s + second) % DAY_S))


def test_a_course_goes_straight_from_point_to_point_and_over_midnight() -> None:
    sampler = Course(points=((6, 10), (18, 22), (22, 18))).sampler(Random(1))
    assert [at(sampler, hour * HOUR_S) for hour in (6, 12, 18, 20, 22)] == [10, 16, 22, 20, 18]
    assert at(sampler, 2 * HOUR_S) == 14
    assert at(sampler, 24 * HOUR_S - 0.001) == pytest.approx(16)


def uses(seed: int, first_day_s: float = 0.0, days: int = 3) -> list[list[float]]:
    """Return the hours at which something began to be used, day by day."""
    sampler = Uses(times=3, between=(6, 8), lasts_s=(120, 300), value=9).sampler(Random(seed))
    found: list[list[float]] = [[] for _ in range(days + 1)]
    before = 0.0
    for second in range(0, round(days * DAY_S), 30):
        value = at(sampler, second, first_day_s)
        assert value in {0, 9}
        if value > before:
            day, rest_s = divmod(first_day_s + second, DAY_S)
            found[int(day)].append(rest_s / HOUR_S)
        before = value
    return found


def test_uses_begin_within_their_hours_every_day_and_every_day_at_other_times() -> None:
    days = uses(1)[:3]
    assert all(1 <= len(day) <= 3 for day in days)
    assert all(6 <= hour <= 8.01 for day in days for hour in day)
    assert days[0] != days[1] != days[2]
    assert uses(1)[:3] == days
    assert uses(2)[:3] != days


def test_a_day_of_uses_is_drawn_anew_at_midnight_also_when_the_run_began_at_noon() -> None:
    days = uses(1, first_day_s=12 * HOUR_S)
    assert days[0] == []
    assert all(1 <= len(day) <= 3 for day in days[1:3])


def test_a_walk_on_a_coarse_grid_moves_straight_between_its_steps() -> None:
    sampler = Walk(mean=0, spread=1, memory_s=600, step_s=60).sampler(Random(3))
    values = [at(sampler, second) for second in range(0, 121, 20)]
    steps = [after - before for before, after in pairwise(values)]
    assert steps[0] == pytest.approx(steps[1]) == pytest.approx(steps[2])
    assert steps[3] == pytest.approx(steps[4]) == pytest.approx(steps[5])
    assert steps[0] != pytest.approx(steps[3])


def meter(kind: Kind, to: float = 0.0) -> NumberedDevice:
    """Return a meter that counts 1 a second from 1,000, on which something goes wrong from second 10 to 20."""
    channel = Channel("total", "", 0, "number", (Counter(per_s=1, start=1000),), ())
    kind_of = DeviceType("meter", "Meter", "", "native", "1", 1.0, {"total": channel})
    device = Device("m", kind_of, "", "Meter", 1.0, {})
    plan = Plan("It", "rule", "total", ("m",), (10.0, 10.0), full_s=10.0, to=to, kind=kind)
    return NumberedDevice(
        device,
        Generator(device, 1),
        Calendar([plan], ["m"], seed=1, every_s=60),
        boot_id=seeded_boot_id(1, "m"),
        outbox=Outbox(100),
        slot=Slot(0, "m", 1),
        clock=ManualClock(),
    )


def emitted(device: NumberedDevice) -> dict[int, bytes]:
    """Return what is emitted in seconds 8 to 22, every second second, without the channel's name."""
    found = {}
    for second in range(8, 23, 2):
        if device.sample(float(second), second * 1_000_000) is not None:
            taken = device.outbox.take()
            assert taken is not None
            found[second] = taken[1].values.removeprefix(b'{"total":').removesuffix(b"}")
    return found


def test_a_stuck_channel_repeats_its_last_value_and_then_is_where_it_would_have_been() -> None:
    assert list(emitted(meter("stuck")).values()) == [b"1008"] * 7 + [b"1022"]


def test_a_silent_device_uses_no_number_while_it_is_silent() -> None:
    device = meter("silent")
    assert emitted(device) == {8: b"1008", 22: b"1022"}
    assert device.outbox.next_seq == 2


def test_a_counter_that_was_reset_goes_on_from_there_for_good() -> None:
    assert list(emitted(meter("reset", to=5)).values()) == [b"1008"] + [b"%d" % n for n in range(5, 18, 2)]

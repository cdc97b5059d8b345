from __future__ import annotations

from random import Random

import pytest

from iotlab.emulator.effects import Clip, Drift, Lag, Noise, Quantise
from iotlab.emulator.sources import (
    Counter,
    Diurnal,
    Integral,
    Linear,
    Now,
    Ramp,
    Sine,
    Source,
    Square,
    Switch,
    Triangle,
    Walk,
)


def series(source: Source, seconds: int = 600, seed: int = 1, step_s: float = 1.0) -> list[float]:
    sampler = source.sampler(Random(seed))
    return [sampler(Now(index * step_s, index * step_s % 86_400)) for index in range(round(seconds / step_s))]


def test_a_walk_stays_within_three_spreads_and_moves() -> None:
    values = series(Walk(mean=20, spread=1, memory_s=10), seconds=20_000)
    assert min(values) >= 17
    assert max(values) <= 23
    assert max(values) > 22
    assert min(values) < 18
    assert abs(sum(values) / len(values) - 20) < 0.2


def test_a_walk_says_the_same_at_the_same_moment_however_often_it_is_asked() -> None:
    walk = Walk(mean=20, spread=1)
    assert series(walk, seconds=60, step_s=0.25)[::4] == pytest.approx(series(walk, seconds=60))


def test_a_switch_is_on_for_its_share_of_the_time() -> None:
    values = series(Switch(on=5, off=1, on_s=20, off_s=60), seconds=50_000)
    assert set(values) == {1, 5}
    assert values.count(5) / len(values) == pytest.approx(0.25, abs=0.05)


def test_a_sine_and_a_triangle_reach_their_bounds_once_a_period() -> None:
    for source in (Sine(mean=5, amplitude=2, period_s=100), Triangle(low=3, high=7, period_s=100)):
        values = series(source, seconds=100)
        assert max(values) == pytest.approx(7, abs=0.1)
        assert min(values) == pytest.approx(3, abs=0.1)
        assert series(source, seconds=200)[100:] == pytest.approx(values)


def test_a_square_is_high_for_its_duty() -> None:
    assert series(Square(low=0, high=1, period_s=10, duty=0.3), seconds=1000).count(1) == 300


def test_a_ramp_ends_or_begins_anew() -> None:
    assert series(Ramp(start=0, end=10, over_s=10), seconds=13)[9:] == [9, 10, 10, 10]
    assert series(Ramp(start=0, end=10, over_s=10, repeat=True), seconds=13)[9:] == pytest.approx([9, 0, 1, 2])


def test_the_day_peaks_at_its_hour_and_keeps_its_floor() -> None:
    sampler = Diurnal(mean=0, amplitude=4, peak_hour=14, floor=-1).sampler(Random(1))
    assert sampler(Now(0, 14 * 3600)) == pytest.approx(4)
    assert sampler(Now(0, 2 * 3600)) == -1


def test_a_counter_rolls_over() -> None:
    assert series(Counter(per_s=3, start=5, rollover=10), seconds=4) == [5, 8, 1, 4]


def test_an_integral_adds_up_what_the_other_channel_says() -> None:
    sampler = Integral(of="flow", per_s=1 / 60, start=100).sampler(Random(1))
    assert sampler(Now(0, 0, {"flow": 6})) == 100
    assert sampler(Now(10, 10, {"flow": 6})) == pytest.approx(101)
    assert sampler(Now(30, 30, {"flow": 0})) == pytest.approx(101)


def test_a_linear_channel_follows_the_other_one() -> None:
    assert Linear(of="power", factor=0.5, plus=1).sampler(Random(1))(Now(0, 0, {"power": 8})) == 5


def test_noise_has_its_sigma_and_its_limit() -> None:
    noise = Noise(sigma=2).filter(Random(1))
    values = [noise(10, 0) for _ in range(20_000)]
    assert max(abs(value - 10) for value in values) <= 8
    spread = (sum((value - 10) ** 2 for value in values) / len(values)) ** 0.5
    assert spread == pytest.approx(2, rel=0.05)


def test_the_other_effects_do_what_they_say() -> None:
    assert Quantise(step=0.5).filter(Random(1))(3.3, 0) == 3.5
    assert Clip(low=0, high=5).filter(Random(1))(7, 0) == 5
    assert Clip(low=0).filter(Random(1))(-7, 0) == 0
    assert Drift(per_hour=2).filter(Random(1))(10, 1800) == 11
    lag = Lag(time_s=10).filter(Random(1))
    assert lag(0, 0) == 0
    assert lag(1, 10) == pytest.approx(0.632, abs=0.001)

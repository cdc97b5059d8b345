from __future__ import annotations

import threading

from iotlab.stats import Percentiles, Reservoir


def test_an_empty_reservoir_says_zero() -> None:
    assert Reservoir().percentiles() == Percentiles()


def test_percentiles_are_nearest_ranks() -> None:
    reservoir = Reservoir()
    reservoir.extend(range(100, 0, -1))
    assert reservoir.percentiles() == Percentiles(count=100, p50=50, p99=99, max=100, last=1)


def test_one_duration_is_every_percentile() -> None:
    reservoir = Reservoir()
    reservoir.add(7)
    assert reservoir.percentiles() == Percentiles(count=1, p50=7, p99=7, max=7, last=7)


def test_a_full_reservoir_keeps_the_newest_and_counts_all() -> None:
    reservoir = Reservoir(capacity=3)
    reservoir.extend([1000, 1, 2, 3])
    assert reservoir.percentiles() == Percentiles(count=4, p50=2, p99=3, max=3, last=3)


def test_a_duration_across_a_clock_that_was_set_back_counts_as_zero() -> None:
    reservoir = Reservoir()
    reservoir.extend([-5])
    reservoir.add(-7)
    assert reservoir.percentiles().max == 0


def test_many_threads_lose_no_duration() -> None:
    reservoir = Reservoir(capacity=10)

    def add_many() -> None:
        for _ in range(1000):
            reservoir.add(1)

    threads = [threading.Thread(target=add_many) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert reservoir.percentiles().count == 4000

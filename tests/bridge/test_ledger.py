"""The account of one boot against a plain set."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from iotlab.bridge.ledger import BootLedger


@given(st.lists(st.integers(min_value=0, max_value=60), max_size=200))
def test_a_ledger_accepts_each_number_once_in_any_order(numbers: list[int]) -> None:
    ledger, model = BootLedger(), set[int]()
    for number in numbers:
        assert ledger.has(number) == (number in model)
        assert ledger.add(number) == (number not in model)
        model.add(number)
    first_missing = next(number for number in range(100) if number not in model)
    assert ledger.contiguous == first_missing - 1
    beyond = {n for low, high in ledger.ranges for n in range(low, high + 1)}
    assert beyond == {number for number in model if number >= first_missing}
    assert ledger.missing == (max(model) + 1 - len(model) if model else 0)


@given(st.sets(st.integers(min_value=0, max_value=60)), st.integers(min_value=0, max_value=70))
def test_passing_over_a_gap_counts_what_never_came_and_moves_on(numbers: set[int], below: int) -> None:
    ledger = BootLedger()
    for number in numbers:
        ledger.add(number)
    before = ledger.contiguous
    lost = ledger.pass_over(below)
    assert lost == sum(number not in numbers for number in range(below))
    assert all(ledger.has(number) == (number in numbers or number < below) for number in range(80))
    assert ledger.contiguous >= max(before, below - 1)
    assert not ledger.has(ledger.contiguous + 1)


@given(st.sets(st.integers(min_value=0, max_value=60)))
def test_a_ledger_is_the_same_after_it_was_kept_as_an_item(numbers: set[int]) -> None:
    ledger = BootLedger()
    for number in numbers:
        ledger.add(number)
    again = BootLedger.from_item(ledger.to_item("d", "b", 1))
    assert (again.contiguous, again.ranges) == (ledger.contiguous, ledger.ranges)

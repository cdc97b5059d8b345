from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from iotlab.emulator.outbox import Outbox


def filled(count: int, capacity: int = 100) -> Outbox:
    outbox = Outbox(capacity, resend_after_s=5.0)
    for number in range(count):
        outbox.add(number, b"{}")
    return outbox


def sent(outbox: Outbox) -> list[int]:
    """Take all that is to be sent; the broker accepts it at second 0."""
    found = []
    while (taken := outbox.take()) is not None:
        found.append(taken[0])
        outbox.accepted(taken[0], 0.0)
    return found


def test_messages_are_numbered_from_0_and_sent_once_in_order() -> None:
    outbox = filled(3)
    assert sent(outbox) == [0, 1, 2]
    outbox.add(3, b"{}")
    assert sent(outbox) == [3]
    assert len(outbox) == 4


def test_an_entry_leaves_only_at_the_labs_acknowledgement_which_is_cumulative() -> None:
    outbox = filled(5)
    sent(outbox)
    assert len(outbox) == 5
    assert outbox.ack(2, 1.0)
    assert (len(outbox), outbox.first_seq, outbox.acked) == (2, 3, 2)
    assert outbox.ack(1, 1.0)
    assert outbox.acked == 2


def test_an_acknowledgement_of_a_number_never_used_drops_nothing() -> None:
    outbox = filled(5)
    assert not outbox.ack(5, 1.0)
    assert len(outbox) == 5


def test_a_new_connection_begins_with_the_oldest_unacknowledged() -> None:
    outbox = filled(5)
    sent(outbox)
    outbox.ack(1, 1.0)
    outbox.rewind()
    assert sent(outbox) == [2, 3, 4]


def test_a_full_ring_gives_up_its_oldest_and_counts_it() -> None:
    outbox = filled(10, capacity=4)
    assert (outbox.overflow, outbox.first_seq, len(outbox), outbox.hole) == (6, 6, 4, True)
    assert sent(outbox) == [6, 7, 8, 9]
    outbox.ack(9, 1.0)
    assert not outbox.hole


def test_what_gave_way_while_its_acknowledgement_was_on_its_way_is_not_counted_as_lost() -> None:
    outbox = filled(4, capacity=4)
    sent(outbox)
    outbox.add(4, b"{}")
    outbox.add(5, b"{}")
    assert outbox.overflow == 2
    outbox.ack(3, 1.0)
    assert (outbox.overflow, outbox.first_seq) == (0, 4)


def test_what_the_lab_was_told_to_pass_over_stays_counted_as_lost() -> None:
    outbox = filled(6, capacity=4)
    outbox.announced = 2
    outbox.ack(3, 1.0)
    assert outbox.overflow == 2


def test_without_progress_the_oldest_is_sent_again_after_5_s_and_only_that() -> None:
    outbox = filled(50)
    sent(outbox)
    assert not outbox.check(4.9)
    assert sent(outbox) == []
    assert outbox.check(5.0)
    assert sent(outbox) == [0]
    assert outbox.resent == 1


def test_progress_puts_off_sending_again() -> None:
    outbox = filled(50)
    sent(outbox)
    outbox.ack(0, 4.0)
    assert not outbox.check(8.9)
    assert outbox.check(9.0)
    assert sent(outbox) == [1]


def test_what_the_broker_has_not_taken_is_not_sent_again_on_the_same_connection() -> None:
    outbox = filled(1)
    assert outbox.take() is not None
    assert not outbox.check(1000.0)


def test_a_run_of_losses_is_made_good_with_doubling_bursts() -> None:
    outbox = filled(60)
    sent(outbox)
    outbox.check(5.0)
    bursts = []
    while (burst := sent(outbox)) and len(outbox) > 1:
        bursts.append(len(burst))
        outbox.ack(burst[-1], 5.0)
    assert bursts == [1, 2, 4, 8, 16, 20, 9]
    assert outbox.acked == 59


def test_an_acknowledgement_beyond_what_was_sent_again_ends_the_repeats() -> None:
    outbox = filled(60)
    sent(outbox)
    outbox.check(5.0)
    assert sent(outbox) == [0]
    outbox.ack(10, 5.0)
    assert sent(outbox) == []


@given(st.lists(st.sampled_from(["add", "take", "ack", "rewind", "check"]), max_size=200), st.data())
def test_whatever_happens_every_number_is_acknowledged_waits_or_is_counted_as_lost(
    steps: list[str], data: st.DataObject
) -> None:
    outbox = Outbox(5, resend_after_s=1.0)
    for now_s, step in enumerate(steps):
        match step:
            case "add":
                outbox.add(0, b"{}")
            case "take":
                taken = outbox.take()
                if taken is not None:
                    assert outbox.first_seq <= taken[0] < outbox.next_seq
                    outbox.accepted(taken[0], float(now_s))
            case "ack" if outbox.next_seq:
                # The lab acknowledges past a hole only when it was told of it.
                outbox.ack(data.draw(st.integers(0, outbox.next_seq - 1)), float(now_s))
            case "rewind":
                outbox.rewind()
            case "check":
                outbox.check(float(now_s))
        assert len(outbox) <= 5
        assert outbox.first_seq + len(outbox) == outbox.next_seq
        assert outbox.acked + 1 <= outbox.first_seq
        assert outbox.first_seq <= outbox.acked + 1 + outbox.overflow

"""When to try again, and when to give a silent connection up."""

from __future__ import annotations

import random

from iotlab.mqtt.backoff import Backoff
from iotlab.mqtt.liveness import Liveness


def _longest(low: float, high: float) -> float:
    return high


def test_the_first_retry_comes_within_half_a_second_and_the_pauses_double_up_to_the_cap() -> None:
    backoff = Backoff(cap_s=30.0, uniform=_longest)
    assert [backoff.after(None).seconds for _ in range(9)] == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


def test_pauses_have_full_jitter() -> None:
    backoff = Backoff(uniform=random.Random(7).uniform)
    for _ in range(10):
        backoff.after(None)
    pauses = [backoff.after(None).seconds for _ in range(300)]
    assert min(pauses) < 1
    assert max(pauses) > 29
    assert max(pauses) <= 30


def test_a_connection_that_lasted_lets_the_pauses_start_anew_and_a_short_one_does_not() -> None:
    backoff = Backoff(uniform=_longest)
    for _ in range(5):
        backoff.after(None)
    assert backoff.after(0.1).seconds == 16
    assert backoff.after(100.0).seconds == 0.5


def test_a_takeover_pauses_for_seconds_that_double_so_that_no_loop_can_arise() -> None:
    backoff = Backoff(takeover_s=5.0, uniform=min)
    pauses = [backoff.after(0.2, taken_over=True) for _ in range(6)]
    assert [pause.seconds for pause in pauses] == [5, 10, 20, 40, 60, 60]
    assert all(pause.takeover for pause in pauses)


def test_three_short_connections_closed_without_a_word_look_like_a_takeover() -> None:
    backoff = Backoff(uniform=_longest)
    assert [backoff.after(0.3, closed_silently=True).takeover for _ in range(4)] == [False, False, True, True]
    assert not backoff.after(1000.0, closed_silently=True).takeover


def test_a_failed_attempt_between_short_connections_clears_the_suspicion_as_the_broker_was_down() -> None:
    backoff = Backoff(uniform=_longest)
    for _ in range(5):
        assert not backoff.after(0.3, closed_silently=True).takeover
        assert not backoff.after(0.3, closed_silently=True).takeover
        assert not backoff.after(None).takeover


def test_a_ping_is_due_after_half_the_keep_alive_and_death_within_one_and_a_half() -> None:
    liveness = Liveness(10, now_s=0)
    assert liveness.due(4.9) == "nothing"
    assert liveness.due(5.0) == "ping"
    liveness.pinged(5.0)
    assert liveness.due(11.2) == "nothing"
    assert liveness.due(11.25) == "dead"


def test_any_byte_after_the_ping_proves_that_the_broker_lives() -> None:
    liveness = Liveness(10, now_s=0)
    liveness.pinged(5.0)
    liveness.received(11.0)
    assert liveness.due(13.0) == "ping"


def test_a_client_that_only_receives_still_pings_or_the_broker_would_give_it_up() -> None:
    liveness = Liveness(10, now_s=0)
    for second in range(1, 6):
        liveness.received(float(second))
    assert liveness.due(5.0) == "ping"


def test_a_blocked_thread_does_not_take_its_own_silence_for_the_brokers() -> None:
    liveness = Liveness(10, now_s=0)
    assert liveness.due(1000.0) == "ping"


def test_keep_alive_zero_switches_it_off() -> None:
    assert Liveness(0, now_s=0).due(1e9) == "nothing"

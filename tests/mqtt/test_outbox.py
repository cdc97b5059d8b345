"""What other threads hand to the network thread."""

from __future__ import annotations

from iotlab.mqtt.message import Message
from iotlab.mqtt.options import Counters
from iotlab.mqtt.outbox import Batch, Outbox, Outgoing
from iotlab.mqtt.packets import MQTT_5, MQTT_311


def _outbox(limit: int = 3, limit_bytes: int = 100) -> tuple[Outbox, Counters]:
    counters = Counters()
    outbox = Outbox(limit, limit_bytes, counters)
    outbox.open(1, MQTT_5)
    return outbox, counters


def _message(mid: int, *, qos: int = 1, epoch: int = 1) -> Message:
    return Message("t", b"", qos=qos, mid=mid, epoch=epoch)


def _outgoing(payload: bytes) -> Outgoing:
    return Outgoing("t", payload, 1, retain=False, size_bytes=len(payload))


def test_many_acknowledgements_become_one_piece_of_bytes_in_their_order() -> None:
    outbox, _ = _outbox()
    assert outbox.acknowledge([_message(7), _message(1, qos=2), _message(0, qos=0)]) == 3
    assert outbox.acknowledge([_message(258)]) == 1
    assert outbox.take() == Batch(bytes.fromhex("40020007 70020001 40020102"), acks=3)
    assert outbox.take() is None


def test_an_acknowledgement_for_another_connection_is_refused_and_counted() -> None:
    outbox, counters = _outbox()
    outbox.close()
    outbox.open(2, MQTT_5)
    assert outbox.acknowledge([_message(1, epoch=1), _message(2, epoch=2)]) == 1
    assert counters.acks_too_late == 1
    batch = outbox.take()
    assert batch is not None
    assert batch.data == bytes.fromhex("40020002")


def test_what_a_connection_did_not_take_is_counted_when_it_ends() -> None:
    outbox, counters = _outbox()
    outbox.acknowledge([_message(1), _message(2)])
    outbox.publish_now(b"12345", MQTT_5)
    outbox.close()
    assert (counters.acks_too_late, counters.publish_lost) == (2, 1)
    assert outbox.take() is None
    assert not outbox.publish_now(b"1", MQTT_5)
    assert counters.publish_offline == 1


def test_qos_0_beyond_the_limit_is_refused_and_counted() -> None:
    outbox, counters = _outbox(limit_bytes=10)
    assert outbox.publish_now(bytes(10), MQTT_5)
    assert not outbox.publish_now(b"1", MQTT_5)
    assert counters.publish_congested == 1


def test_a_packet_of_the_other_protocol_is_not_sent() -> None:
    outbox, counters = _outbox()
    assert not outbox.publish_now(b"1", MQTT_311)
    assert counters.publish_offline == 1


def test_the_queue_is_bounded_in_messages_and_in_bytes_and_counts_what_it_refuses() -> None:
    outbox, counters = _outbox(limit=3, limit_bytes=100)
    assert not outbox.publish_later(_outgoing(bytes(101)))
    assert [outbox.publish_later(_outgoing(b"x")) for _ in range(4)] == [True, True, True, False]
    assert counters.publish_refused == 2
    assert outbox.queued == 3


def test_a_message_put_back_is_the_first_again() -> None:
    outbox, _ = _outbox()
    outbox.publish_later(_outgoing(b"1"))
    outbox.publish_later(_outgoing(b"2"))
    first = outbox.next_queued()
    assert first is not None
    outbox.put_back(first)
    assert outbox.next_queued() == first


def test_what_is_still_queued_at_the_end_is_counted_as_lost() -> None:
    outbox, counters = _outbox()
    outbox.publish_later(_outgoing(b"1"))
    outbox.abandon()
    assert counters.publish_lost == 1
    assert outbox.next_queued() is None

"""From the socket's bytes to messages."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iotlab.errors import DecodeError
from iotlab.mqtt import wire
from iotlab.mqtt.framing import FrameSocket
from iotlab.mqtt.receive import to_bad_packet, to_message


@pytest.fixture
def pair() -> Iterator[tuple[FrameSocket, socket.socket]]:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)  # noqa: FBT003  the signature of the standard library
    yield FrameSocket(ours), theirs
    ours.close()
    theirs.close()


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(1, 15), st.binary(max_size=300)), max_size=8), st.integers(1, 700))
def test_packets_come_out_as_they_went_in_however_the_stream_is_cut(
    pair: tuple[FrameSocket, socket.socket], packets: list[tuple[int, bytes]], piece_bytes: int
) -> None:
    frames, theirs = pair
    stream = b"".join(wire.frame(kind << 4, body) for kind, body in packets)
    found: list[tuple[int, bytes]] = []
    for start in range(0, len(stream), piece_bytes):
        theirs.sendall(stream[start : start + piece_bytes])
        while frames.fill():
            found += list(frames.frames())
    assert found == [(kind << 4, body) for kind, body in packets]


def test_a_packet_of_megabytes_is_put_together(pair: tuple[FrameSocket, socket.socket]) -> None:
    frames, theirs = pair
    theirs.setblocking(False)  # noqa: FBT003  the signature of the standard library
    packet = wire.encode_publish("t", bytes(range(256)) * 16_384)
    left, found = memoryview(packet), list[tuple[int, bytes]]()
    while not found:
        if left:
            left = left[theirs.send(left) :]
        while frames.fill():
            found += list(frames.frames())
    assert wire.frame(found[0][0], found[0][1]) == packet


def test_a_remaining_length_of_five_bytes_is_refused(pair: tuple[FrameSocket, socket.socket]) -> None:
    frames, theirs = pair
    theirs.sendall(b"\x30\xff\xff\xff\xff\x01")
    frames.fill()
    with pytest.raises(wire.MalformedPacketError, match="four bytes"):
        list(frames.frames())


def test_paho_reads_exactly_the_packet_that_it_is_offered_and_then_nothing(
    pair: tuple[FrameSocket, socket.socket],
) -> None:
    frames, _ = pair
    frames.offer(0xD0, b"")
    assert frames.recv(1) + frames.recv(5) == b"\xd0\x00"
    with pytest.raises(BlockingIOError):
        frames.recv(1)


def test_paho_learns_of_the_end_and_of_a_failure(pair: tuple[FrameSocket, socket.socket]) -> None:
    frames, theirs = pair
    theirs.close()
    assert not frames.fill()
    assert frames.recv(1) == b""
    frames.failure = ConnectionResetError("gone")
    with pytest.raises(ConnectionResetError):
        frames.recv(1)


def _body(packet: bytes) -> tuple[int, bytes]:
    return packet[0] & 0x0F, packet[2:]


def test_a_message_has_all_that_the_packet_says() -> None:
    properties = wire.Properties(
        user_properties=(("id", "m1"), ("id", "m2")), content_type="c", response_topic="r", correlation_data=b"d"
    )
    flags, body = _body(
        wire.encode_publish("lab/x", b"p", qos=1, packet_id=9, retain=True, dup=True, properties=properties)
    )
    message = to_message(flags, body, wire.MQTT_5, 123, 4)
    assert (message.topic, message.payload, message.qos, message.retain, message.dup) == (
        "lab/x",
        b"p",
        1,
        True,
        True,
    )
    assert (message.received_at_us, message.mid, message.epoch) == (123, 9, 4)
    assert message.user_properties == (("id", "m1"), ("id", "m2"))
    assert (message.content_type, message.response_topic, message.correlation_data) == ("c", "r", b"d")


@pytest.mark.parametrize("topic", [b"lab/\xff", b"a\0b", b"a/+", b"#", b"", b"\xed\xa0\x80"])
def test_a_bad_topic_keeps_its_packet_identifier_and_its_bytes(topic: bytes) -> None:
    flags, body = _body(wire.encode_publish(topic, b"p", qos=1, packet_id=9))
    with pytest.raises(DecodeError) as caught:
        to_message(flags, body, wire.MQTT_5, 0, 1)
    bad = to_bad_packet(flags, body, wire.MQTT_5, error=caught.value, received_at_us=5, epoch=1)
    assert bad is not None
    assert (bad.reason, bad.topic, bad.payload, bad.mid, bad.qos, bad.epoch) == ("bad_topic", topic, b"p", 9, 1, 1)


def test_broken_properties_still_leave_an_acknowledgeable_packet() -> None:
    flags, body = _body(wire.encode_publish("t", b"\x7frest", qos=1, packet_id=9, protocol=wire.MQTT_311))
    with pytest.raises(wire.MalformedPacketError) as caught:
        to_message(flags, body, wire.MQTT_5, 0, 1)
    bad = to_bad_packet(flags, body, wire.MQTT_5, error=caught.value, received_at_us=5, epoch=1)
    assert bad is not None
    assert (bad.reason, bad.topic, bad.payload, bad.mid) == ("malformed_packet", b"t", b"\x7frest", 9)


@pytest.mark.parametrize("body", [b"", b"\x00", b"\x00\x05ab", b"\x00\x01a\x00", b"\x00\x01a\x00\x00"])
def test_a_packet_without_identifier_can_not_be_saved(body: bytes) -> None:
    with pytest.raises(DecodeError) as caught:
        to_message(0x02, body, wire.MQTT_5, 0, 1)
    assert to_bad_packet(0x02, body, wire.MQTT_5, error=caught.value, received_at_us=0, epoch=1) is None

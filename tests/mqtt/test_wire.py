"""The packet codec: what is written can be read, and what is wrong is named."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iotlab.mqtt import wire
from iotlab.mqtt.packets import MAX_UINT16

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)
BINARY = st.binary(max_size=60)
PACKET_ID = st.integers(1, MAX_UINT16)
UINT32 = st.integers(0, 2**32 - 1)
PAIRS = st.lists(st.tuples(TEXT, TEXT), max_size=3).map(tuple)
QOS = st.integers(0, 2)
PROTOCOLS: tuple[wire.ProtocolLevel, ...] = (wire.MQTT_5, wire.MQTT_311)


def _properties(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[wire.Properties]:
    optional = {name: st.none() | strategy for name, strategy in fields.items()}
    return st.builds(wire.Properties, user_properties=PAIRS, **optional)


MESSAGE: dict[str, st.SearchStrategy[Any]] = {
    "payload_format_indicator": st.integers(0, 1),
    "message_expiry_interval": UINT32,
    "content_type": TEXT,
    "response_topic": TEXT,
    "correlation_data": BINARY,
}
WILLS = st.builds(wire.Will, TEXT, BINARY, QOS, st.booleans(), _properties(will_delay_interval=UINT32, **MESSAGE))
CONNECTS = st.builds(
    wire.Connect,
    TEXT,
    st.booleans(),
    st.integers(0, MAX_UINT16),
    st.none() | WILLS,
    st.none() | TEXT,
    st.none() | BINARY,
    properties=_properties(session_expiry_interval=UINT32, receive_maximum=PACKET_ID, maximum_packet_size=UINT32),
)
PUBLISHES = st.one_of(
    st.builds(
        wire.Publish, TEXT, BINARY, retain=st.booleans(), properties=_properties(topic_alias=PACKET_ID, **MESSAGE)
    ),
    st.builds(
        wire.Publish,
        TEXT,
        BINARY,
        st.integers(1, 2),
        st.booleans(),
        st.booleans(),
        PACKET_ID,
        st.builds(
            wire.Properties, subscription_identifiers=st.lists(st.integers(1, 268_435_455), max_size=3).map(tuple)
        ),
    ),
)
SUBSCRIPTIONS = st.builds(wire.Subscription, TEXT, QOS, st.booleans(), st.booleans(), st.integers(0, 2)).filter(
    lambda one: not (one.topic_filter.startswith("$share/") and one.no_local)
)
PACKETS = st.one_of(
    CONNECTS,
    PUBLISHES,
    st.builds(
        wire.ConnAck,
        st.booleans(),
        st.integers(0, 255),
        _properties(assigned_client_identifier=TEXT, server_keep_alive=PACKET_ID, reason_string=TEXT),
    ),
    st.builds(wire.PubAck, PACKET_ID, st.integers(0, 255), _properties(reason_string=TEXT)),
    st.builds(wire.Subscribe, PACKET_ID, st.lists(SUBSCRIPTIONS, min_size=1, max_size=4).map(tuple)),
    st.builds(wire.SubAck, PACKET_ID, st.lists(st.integers(0, 255), min_size=1, max_size=4).map(tuple)),
    st.builds(wire.PingReq),
    st.builds(wire.PingResp),
    st.builds(wire.Disconnect, st.integers(0, 255), _properties(session_expiry_interval=UINT32)),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(PACKETS, max_size=4), st.integers(1, 50))
def test_every_packet_that_is_written_is_read_back_the_same_in_pieces_of_any_size(
    packets: list[wire.Packet], piece_bytes: int
) -> None:
    stream = b"".join(wire.encode(packet) for packet in packets)
    reader = wire.PacketReader()
    read = [
        packet
        for start in range(0, len(stream), piece_bytes)
        for packet in reader.feed(stream[start : start + piece_bytes])
    ]
    assert read == packets
    assert reader.pending_bytes == 0


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=80), st.sampled_from(PROTOCOLS))
def test_any_bytes_are_packets_or_a_named_error_and_nothing_else(data: bytes, protocol: wire.ProtocolLevel) -> None:
    with contextlib.suppress(wire.MalformedPacketError):
        wire.PacketReader(protocol).feed(data)


@settings(max_examples=200, deadline=None)
@given(PACKETS, st.data())
def test_a_packet_with_one_changed_byte_never_raises_anything_but_the_named_error(
    packet: wire.Packet, data: st.DataObject
) -> None:
    stream = bytearray(wire.encode(packet))
    stream[data.draw(st.integers(0, len(stream) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(wire.MalformedPacketError):
        wire.PacketReader().feed(bytes(stream))


def test_the_bytes_of_a_publish_are_those_of_the_standard() -> None:
    packet = wire.encode_publish("a/b", b"hi", qos=1, packet_id=10, retain=True, dup=True)
    assert packet == bytes.fromhex("3b 0a 0003 612f62 000a 00 6869")
    old = wire.encode_publish("a/b", b"hi", qos=1, packet_id=10, protocol=wire.MQTT_311)
    assert old == bytes.fromhex("32 09 0003 612f62 000a 6869")


def test_the_bytes_of_a_connect_with_will_are_those_of_the_standard() -> None:
    will = wire.Will("w", b"x", qos=1, retain=True)
    packet = wire.Connect(
        "c", clean_start=True, keep_alive_s=10, will=will, username="u", password=b"p", protocol=wire.MQTT_311
    )
    assert wire.encode(packet) == bytes.fromhex(
        "10 19 0004 4d515454 04 ee 000a 0001 63 0001 77 0001 78 0001 75 0001 70"
    )


def test_packets_of_mqtt_311_have_no_properties() -> None:
    reader = wire.PacketReader(wire.MQTT_311)
    packets: list[wire.Packet] = [
        wire.ConnAck(session_present=True),
        wire.Publish("t", b"p", 1, packet_id=3),
        wire.PubAck(3),
        wire.Subscribe(4, (wire.Subscription("t", 1, no_local=False),)),
        wire.SubAck(4, (1,)),
        wire.Disconnect(),
    ]
    stream = b"".join(wire.encode(packet, wire.MQTT_311) for packet in packets)
    assert reader.feed(stream) == packets


def test_a_connect_sets_what_the_reader_expects_next() -> None:
    reader = wire.PacketReader()
    connect = wire.Connect("c", protocol=wire.MQTT_311)
    publish = wire.Publish("t", b"\x05rest")
    assert reader.feed(wire.encode(connect) + wire.encode(publish, wire.MQTT_311)) == [connect, publish]


def test_a_shared_subscription_is_never_sent_with_no_local() -> None:
    wanted = wire.Subscribe(1, (wire.Subscription("$share/g/lab/#", no_local=True),))
    (read,) = wire.PacketReader().feed(wire.encode(wanted))
    assert isinstance(read, wire.Subscribe)
    assert not read.subscriptions[0].no_local


def test_a_packet_that_is_not_taken_apart_is_framed() -> None:
    packet = wire.OtherPacket(wire.PacketType.PUBREL, 2, b"\x00\x01")
    assert wire.PacketReader().feed(wire.encode(packet)) == [packet]


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        ("00 00", "fixed header"),
        ("36 05 0001 61 0001", "PUBLISH.QoS"),
        ("38 04 0001 61 00", "PUBLISH.DUP"),
        ("30 04 0001 ff 00", "PUBLISH.topic name"),
        ("30 04 0001 00 00", "PUBLISH.topic name"),
        ("30 06 0003 eda080 00", "PUBLISH.topic name"),
        ("30 03 0009 61", "PUBLISH.topic name"),
        ("32 06 0001 61 0000 00", "PUBLISH.packet identifier"),
        ("30 06 0001 61 02 7f00", "PUBLISH.properties"),
        ("30 08 0001 61 04 01000100", "PUBLISH.payload_format_indicator"),
        ("30 05 0001 61 05 01", "PUBLISH.properties"),
        ("30 ffffffff01", "remaining length"),
        ("80 00", "SUBSCRIBE.fixed header"),
        ("82 03 0001 00", "SUBSCRIBE.payload"),
        ("82 07 0001 00 0001 61 03", "SUBSCRIBE.subscription options"),
        ("c0 01 00", "PINGREQ.end"),
        ("20 03 02 00 00", "CONNACK.flags"),
        ("10 0d 0004 4d515454 03 02 0000 0001 63", "CONNECT.protocol level"),
        ("10 0d 0004 4d515454 04 03 0000 0001 63", "CONNECT.flags"),
    ],
)
def test_a_malformed_packet_is_refused_with_the_field_that_is_wrong(raw: str, field: str) -> None:
    with pytest.raises(wire.MalformedPacketError) as caught:
        wire.PacketReader().feed(bytes.fromhex(raw))
    assert caught.value.field == field


def test_a_packet_above_the_limit_is_refused_before_it_is_collected() -> None:
    reader = wire.PacketReader(max_packet_bytes=1000)
    assert reader.feed(wire.encode_publish("t", bytes(900)))
    with pytest.raises(wire.MalformedPacketError, match="more than the limit of 1000") as caught:
        reader.feed(wire.encode_publish("t", bytes(1000))[:5])
    assert caught.value.reason_code == 0x95


@pytest.mark.parametrize(
    "call",
    [
        lambda: wire.encode_publish("t" * 65_536, b""),
        lambda: wire.encode_publish("\ud800", b""),
        lambda: wire.encode_publish("t", b"", qos=1, packet_id=0),
        lambda: wire.encode_publish("t", b"", properties=wire.Properties(session_expiry_interval=1)),
        lambda: wire.encode(wire.Connect("c", keep_alive_s=70_000)),
        lambda: wire.encode(wire.Connect("c", properties=wire.Properties(session_expiry_interval=2**32))),
        lambda: wire.frame(0x30, bytes(268_435_456)),
    ],
)
def test_what_does_not_fit_into_a_packet_is_a_value_error(call: Any) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        call()


def test_the_password_is_not_shown() -> None:
    assert "hunter2" not in repr(wire.Connect("c", username="u", password=b"hunter2"))

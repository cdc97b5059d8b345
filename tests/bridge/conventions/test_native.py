"""The lab's own convention."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iotlab.bridge.conventions import Resolver, conventions, numbered
from iotlab.clock import ManualClock
from iotlab.domain.reading import Reading, Scalar, Value
from iotlab.mqtt.message import Message
from tests.bridge.conventions.decoding import NOW_US, decode, ignored, reading, refusal, values

TOPIC = "lab/kitchen/telemetry"
NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=12)
SCALARS = st.one_of(
    st.booleans(),
    st.integers(-(10**38) + 1, 10**38 - 1),
    st.floats(-1e125, 1e125).filter(lambda number: number == 0 or abs(number) >= 1e-130),
    st.text(max_size=20),
)
NUMBERS = st.from_regex(r"-?(0|[1-9][0-9]{0,45})(\.[0-9]{1,45})?([eE][-+]?[0-9]{1,3})?", fullmatch=True)


def telemetry(**fields: Any) -> bytes:
    return json.dumps({"boot_id": "k3f9", "seq": 12, "values": {"t": 1.5}} | fields).encode()


def test_telemetry_becomes_a_numbered_reading() -> None:
    payload = b'{"boot_id":"k3f9","seq":12,"ts":1763957999123,"values":{"temperature":21.5,"open":false},"id":"x1"}'
    assert decode(TOPIC, payload) == Reading(
        "kitchen",
        "native",
        {"temperature": Value(21.5), "open": Value(value=False)},
        measured_at_us=1_763_957_999_123_000,
        boot_id="k3f9",
        seq=12,
        message_id="x1",
    )


@settings(max_examples=300, deadline=None)
@given(found=st.dictionaries(NAMES, SCALARS, max_size=6), boot_id=NAMES, seq=st.integers(0, 2**53 - 1))
def test_what_a_device_writes_is_what_is_read(found: dict[str, Scalar], boot_id: str, seq: int) -> None:
    read = reading(TOPIC, telemetry(values=found, boot_id=boot_id, seq=seq))
    assert (values(read), read.boot_id, read.seq) == (found, boot_id, seq)


@settings(max_examples=300, deadline=None)
@given(number=NUMBERS, boot_id=NAMES)
def test_the_fast_reader_and_the_careful_one_agree_on_every_number(number: str, boot_id: str) -> None:
    plain = f'"boot_id":{json.dumps(boot_id)},"seq":1,"values":{{"t":{number}}}'
    # A field that is not in the contract leads past the fast reader.
    fast, careful = f"{{{plain}}}".encode(), f'{{{plain},"more":0}}'.encode()
    assert refusal(TOPIC, fast) == refusal(TOPIC, careful)
    if refusal(TOPIC, fast) is None:
        assert repr(decode(TOPIC, fast)) == repr(decode(TOPIC, careful))


def test_minus_zero_is_zero_as_in_the_table() -> None:
    assert str(values(reading(TOPIC, telemetry(values={"t": -0.0})))["t"]) == "0.0"


def test_telemetry_without_a_number_is_a_reading_that_the_ledger_does_not_count() -> None:
    read = reading(TOPIC, b'{"values":{"t":1}}')
    assert (read.boot_id, read.seq, values(read)) == (None, None, {"t": 1})


def test_the_id_may_come_as_a_user_property() -> None:
    message = Message(TOPIC, telemetry(), received_at_us=NOW_US, user_properties=(("id", "from-outside"),))
    decoded = Resolver(conventions(), ManualClock(NOW_US)).decode(message)
    assert isinstance(decoded, Reading)
    assert decoded.message_id == "from-outside"


@pytest.mark.parametrize(
    "ts",
    [
        1_763_957_940,
        1_763_957_940.0,
        1_763_957_940_000,
        1_763_957_940_000_000,
        "2025-11-24T04:19:00Z",
        "2025-11-24T05:19:00.000000000+01:00",
        "1763957940000",
    ],
)
def test_the_time_is_read_in_every_unit_and_form(ts: object) -> None:
    assert reading(TOPIC, telemetry(ts=ts)).measured_at_us == 1_763_957_940_000_000


def test_status_tells_what_the_device_is() -> None:
    payload = json.dumps(
        {
            "status": "online",
            "boot_id": "k3f9",
            "type": "room-sensor",
            "room": "kitchen",
            "name": "Kitchen sensor",
            "fw": "1.4.0",
            "channels": {"temperature": {"unit": "Cel"}, "open": {}},
        }
    ).encode()
    assert decode("lab/kitchen/status", payload, retain=True) == Reading(
        "kitchen",
        "native",
        boot_id="k3f9",
        status="online",
        device_type="room-sensor",
        room="kitchen",
        name="Kitchen sensor",
        firmware="1.4.0",
        units={"temperature": "Cel"},
    )


def test_the_will_says_offline() -> None:
    assert reading("lab/kitchen/status", b'{"status":"offline","boot_id":"k3f9"}').status == "offline"


def test_what_the_lab_itself_sends_is_ignored() -> None:
    assert ignored("lab/kitchen/ack", b'{"boot_id":"k3f9","seq":12}') == "own_ack"
    assert ignored("lab/kitchen/cmd", b"{}") == "command"
    assert ignored("lab/kitchen/cmd/response", b"{}") == "command_response"


@pytest.mark.parametrize("topic", ["lab", "lab/kitchen", "lab/kitchen/other", "lab/a/b/telemetry", "labs/a/x"])
def test_a_topic_outside_the_contract_is_not_claimed(topic: str) -> None:
    assert decode(topic, telemetry()) is None


@pytest.mark.parametrize(
    "payload",
    [
        telemetry(values={"t": float("nan")}),
        telemetry(values={"t": 10**400}),
        telemetry()[:-3],
        telemetry(device="other"),
        telemetry(ts=True),
        b'{"boot_id":"k3f9","seq":12,"seq":12,"values":{}}',
        b'{"boot_id":"k3f9","seq":12,"values":' + b'{"a":' * 50_000,
        b'{"boot_id":"k3f9","seq":12,"values":{"t":"\xff"}}',
        b'{"boot_id":"k3f9","seq":12,"values":{"t":"' + b"x" * 300_000 + b'"}}',
    ],
    ids=["nan", "digits", "truncated", "device", "time", "twice", "deep", "latin-1", "large"],
)
def test_the_number_of_a_message_that_cannot_be_decoded_is_still_told(payload: bytes) -> None:
    assert refusal(TOPIC, payload) is not None
    assert numbered(Message(TOPIC, payload)) == ("kitchen", "k3f9", 12)


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        (TOPIC, b"hello"),
        (TOPIC, b'{"boot_id":"k3f9","values":{}}'),
        (TOPIC, b'{"boot_id":"k3f9","seq":true,"values":NaN}'),
        (TOPIC, b'{"boot_id":"k3f9","seq":-1,"values":{}}'),
        (TOPIC, b'{"boot_id":"a\\nb","seq":1,"values":{}}'),
        (TOPIC, b'{"boot_id":"k3f9","seq":1'),
        ("lab/kitchen/status", b'{"boot_id":"k3f9","seq":1,"values":NaN}'),
        ("lab/kit\nchen/telemetry", b'{"boot_id":"k3f9","seq":1,"values":{}}'),
    ],
)
def test_a_number_that_cannot_be_trusted_is_not_told(topic: str, payload: bytes) -> None:
    assert numbered(Message(topic, payload)) is None

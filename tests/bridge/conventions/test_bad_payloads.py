"""Groups A and B of the bad input: each row ends in its defined outcome, and never in anything else."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iotlab.bridge.conventions import Resolver, conventions, numbered
from iotlab.clock import ManualClock
from iotlab.domain.reading import Ignored, Reading
from iotlab.errors import DecodeError
from iotlab.mqtt.message import Message
from tests.bridge.conventions.bad_payloads import BAD_PAYLOADS, ENTRIES, NOW_US, WIRE_ONLY, BadPayload


def resolver() -> Resolver:
    return Resolver(conventions(), ManualClock(NOW_US))


def test_every_entry_of_groups_a_and_b_has_a_row_or_a_named_guard() -> None:
    assert {row.entry for row in BAD_PAYLOADS} | set(WIRE_ONLY) == set(ENTRIES)


def test_every_row_has_its_own_id() -> None:
    assert len({row.id for row in BAD_PAYLOADS}) == len(BAD_PAYLOADS)


@pytest.mark.parametrize("row", BAD_PAYLOADS, ids=lambda row: row.id)
def test_bad_input_ends_in_its_defined_outcome(row: BadPayload) -> None:
    message = Message(row.topic, row.payload, retain=row.retain, received_at_us=NOW_US)
    if row.outcome == "error":
        with pytest.raises(DecodeError) as caught:
            resolver().decode(message)
        assert caught.value.reason == row.reason
        assert not row.field or caught.value.field == row.field
        assert str(caught.value).startswith(caught.value.field)
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) < 400
        return
    decoded = resolver().decode(message)
    match row.outcome:
        case "unclaimed":
            assert decoded is None
        case "ignored":
            assert isinstance(decoded, Ignored)
            assert decoded.reason == row.reason
        case "reading":
            assert isinstance(decoded, Reading)
            found = {name: value.value for name, value in decoded.values.items()}
            assert found == row.values
            assert [type(value) for value in found.values()] == [type(value) for value in (row.values or {}).values()]


@pytest.mark.parametrize(
    "payload",
    [
        b'"' + b'\\"[' * 87_000,
        b'{"a":' + b'"\\"' * 80_000,
        b"[" * 262_144,
        b'{"a":' * 52_000,
        b"9" * 262_144,
        b'{"boot_id"' * 26_000,
    ],
    ids=["quotes", "open strings", "brackets", "objects", "digits", "boot ids"],
)
def test_a_hostile_payload_costs_less_than_a_second(payload: bytes) -> None:
    message = Message("lab/bad/telemetry", payload, received_at_us=NOW_US)
    started_s = time.monotonic()
    with pytest.raises(DecodeError):
        resolver().decode(message)
    assert numbered(message) is None
    assert time.monotonic() - started_s < 1


LAST_LEVELS = (
    *("telemetry", "status", "cmd", "SENSOR", "LWT", "POWER1", "availability"),
    *("state", "rpc", "online", "announce", "sys", "switch:0"),
)
KEYS = (
    *("boot_id", "seq", "ts", "values", "id", "status", "channels", "device"),
    *("params", "method", "src", "Time", "TempUnit", "StatusSNS", "last_seen"),
)
TOPICS = st.one_of(
    st.text(max_size=40),
    st.builds(
        "{}/{}/{}".format,
        st.sampled_from(["lab", "zigbee2mqtt", "shellies", "tele", "a/stat", "x/status", "x"]),
        st.one_of(st.text(max_size=10), st.sampled_from(["d", "bridge", "events", "status", "relay/0"])),
        st.sampled_from(LAST_LEVELS),
    ),
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(st.text(max_size=8), st.sampled_from(KEYS)), inner, max_size=6),
    ),
    max_leaves=20,
)
PAYLOADS = st.one_of(
    st.binary(max_size=80), st.text(max_size=40).map(str.encode), JSON.map(lambda value: json.dumps(value).encode())
)


@settings(max_examples=600, deadline=None)
@given(topic=TOPICS, payload=PAYLOADS)
def test_any_bytes_on_any_topic_raise_nothing_but_a_decode_error(topic: str, payload: bytes) -> None:
    message = Message(topic, payload, received_at_us=NOW_US)
    numbered(message)
    try:
        decoded = resolver().decode(message)
    except DecodeError:
        return
    assert decoded is None or isinstance(decoded, Reading | Ignored)

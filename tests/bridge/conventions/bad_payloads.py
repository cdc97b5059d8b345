"""Every hostile topic and payload that a decoder may meet, with its defined outcome: one table for all tests.

The entries A1 to A18 concern topics and the protocol, B1 to B27 payloads. `WIRE_ONLY` names those that can't reach a
decoder, and who stops them. The same rows are run against the decoders and, where ``live`` is true, against a real
broker and the bridge.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from typing import Literal

from iotlab.domain.reading import Scalar

Outcome = Literal["reading", "ignored", "error", "unclaimed"]

TELEMETRY = "lab/bad/telemetry"
STATUS = "lab/bad/status"
SENSOR = "tele/bad/SENSOR"
NOW_US = 1_763_958_000_000_000
NOW_MS = NOW_US // 1_000


@dataclass(frozen=True)
class BadPayload:
    """One row.

    Attributes:
        id: The entry and a word, such as ``B4-nan``.
        topic, payload, retain: The message.
        outcome: What the decoder must make of it.
        reason: The error's or the ignored message's stable word.
        field: Where the error says that the fault is; empty to leave it open.
        values: The reading's values; None to leave them open.
        live: Whether a broker accepts the topic.
    """

    id: str
    topic: str
    payload: bytes
    outcome: Outcome
    reason: str = ""
    field: str = ""
    values: dict[str, Scalar] | None = None
    retain: bool = False
    live: bool = True

    @property
    def entry(self) -> str:
        return self.id.partition("-")[0]


WIRE_ONLY: dict[str, str] = {
    "A1": "a topic that is not UTF-8 is refused by the broker, and by the client when it reads the topic",
    "A10": "who may publish where is the broker's access list",
    "A11": "reserved bits and QoS 3 are malformed packets; the broker closes the connection",
    "A13": "an unfinished packet is held by the broker until its keep alive ends",
    "A14": "the size of the user properties is limited by the broker's maximum packet size",
    "A15": "an unknown topic alias is a protocol error; the broker closes the connection",
    "A18": "a client identifier never reaches a subscriber",
}


def _telemetry(values: str, more: str = "") -> bytes:
    return f'{{"boot_id":"b1","seq":1,"values":{values}{more}}}'.encode()


def _error(
    id_: str, payload: bytes, reason: str, *, field: str = "", topic: str = TELEMETRY, live: bool = True
) -> BadPayload:
    return BadPayload(id_, topic, payload, "error", reason, field, live=live)


def _reading(id_: str, payload: bytes, values: dict[str, Scalar] | None, *, topic: str = TELEMETRY) -> BadPayload:
    return BadPayload(id_, topic, payload, "reading", values=values)


GOOD = _telemetry('{"t":1.5}')
_MANY = json.dumps({f"c{i}": i for i in range(10_000)})
_WILL = b'{"status":"offline","boot_id":"b1"}'
_HUNDRED_LEVELS = "/".join(["zigbee2mqtt", *["x"] * 100])

_TOPICS = (
    _error("A2-nul", GOOD, "bad_topic", field="topic", topic="lab/b\0ad/telemetry", live=False),
    _error("A3-surrogate", GOOD, "bad_topic", field="topic", topic="lab/b\ud800/telemetry", live=False),
    _error("A4-plus", GOOD, "bad_topic", field="topic", topic="lab/+/telemetry", live=False),
    _error("A4-hash", GOOD, "bad_topic", field="topic", topic="lab/bad/#", live=False),
    _error("A5-empty", GOOD, "bad_topic", field="topic", topic="", live=False),
    _error("A6-longest", GOOD, "topic_too_long", field="topic", topic="lab/" + "x" * 65_521 + "/telemetry"),
    _error("A6-zigbee", b"{}", "topic_too_long", field="topic", topic="zigbee2mqtt/" + "x" * 1_100),
    BadPayload("A7-slashes", "/" * 1_000, b"1", "unclaimed", live=False),
    BadPayload("A7-slashes-live", "/" * 150, b"1", "unclaimed"),
    _reading("A7-levels", b'{"t":1}', {"t": 1}, topic=_HUNDRED_LEVELS),
    BadPayload("A8-sys", "$SYS/broker/version", b"iotlab", "unclaimed", live=False),
    BadPayload("A8-share", "$share/g/lab/bad/telemetry", GOOD, "unclaimed", live=False),
    _error("A9-other-device", _telemetry("{}", ',"device":"good"'), "device_mismatch", field="device"),
    _error("A9-not-text", _telemetry("{}", ',"device":["bad"]'), "device_mismatch", field="device"),
    _error("A9-status", b'{"status":"online","device":"good"}', "device_mismatch", field="device", topic=STATUS),
    _reading("A9-same-device", _telemetry('{"t":1}', ',"device":"bad"'), {"t": 1}),
    _error("A12-too-large", b" " * 262_145, "too_large", field="payload"),
    _error("A16-will-as-telemetry", _WILL, "missing_field", field="seq"),
    BadPayload("A17-garbage-status", STATUS, b"\x00garbage", "error", "not_json", retain=True),
    BadPayload("A17-garbage-telemetry", TELEMETRY, b"{", "error", "not_json", retain=True),
)

_NOT_JSON = (
    _error("B1-telemetry", b"", "empty", field="payload"),
    _error("B1-spaces", b" \r\n", "empty", field="payload"),
    BadPayload("B1-retained", TELEMETRY, b"", "ignored", "retained_clear", retain=True),
    BadPayload("B1-status", STATUS, b"", "ignored", "retained_clear"),
    _error("B1-tasmota", b"", "empty", topic=SENSOR),
    BadPayload("B1-tasmota-lwt", "tele/bad/LWT", b"", "ignored", "retained_clear"),
    _error("B1-zigbee", b"", "empty", topic="zigbee2mqtt/bad"),
    BadPayload("B1-zigbee-availability", "zigbee2mqtt/bad/availability", b"", "ignored", "retained_clear"),
    _error("B1-shelly1", b"", "empty", topic="shellies/bad/relay/0"),
    _error("B1-shelly2", b"", "empty", topic="bad/events/rpc"),
    _error("B2-text", b"hello", "not_json", field="payload"),
    _error("B2-truncated", GOOD[:-4], "not_json", field="payload"),
    _error("B2-two-documents", GOOD + GOOD, "not_json", field="payload"),
    _error("B2-single-quotes", b"{'boot_id':'b1'}", "not_json", field="payload"),
    _error("B2-trailing-comma", _telemetry('{"t":1,}'), "not_json", field="payload"),
    _error("B2-tasmota", b"invalid", "not_json", topic=SENSOR),
    _error("B2-zigbee", b"invalid", "not_json", topic="zigbee2mqtt/bad"),
    _error("B2-shelly2", b"invalid", "not_json", topic="bad/status/switch:0"),
    _error("B2-shelly1-object", b'{"ison":', "not_json", topic="shellies/bad/light/0/status"),
    _error("B2-lwt-word", b"Sleeping", "bad_value", topic="tele/bad/LWT"),
    _error("B3-latin1", _telemetry('{"t":"caf\u00e9"}').decode().encode("latin-1"), "not_utf8", field="payload"),
    _error("B3-utf16", GOOD.decode().encode("utf-16"), "not_utf8", field="payload"),
    _error("B3-utf16-without-mark", GOOD.decode().encode("utf-16-le"), "not_json", field="payload"),
    _reading("B3-utf8-mark", b"\xef\xbb\xbf" + GOOD, {"t": 1.5}),
    _error("B3-shelly1", b"\xff\xfe", "not_utf8", topic="shellies/bad/relay/0"),
)

_NUMBERS = (
    _error("B4-nan", _telemetry('{"t":NaN}'), "not_finite", field="values.t"),
    _error("B4-infinity", _telemetry('{"t":Infinity}'), "not_finite", field="values.t"),
    _error("B4-minus-infinity", _telemetry('{"t":-Infinity}'), "not_finite", field="values.t"),
    _error("B4-tasmota", b'{"A":{"Temperature":NaN}}', "not_finite", field="A.Temperature", topic=SENSOR),
    _reading("B4-nan-in-text", b"nan", {"temperature": "nan"}, topic="shellies/bad/temperature"),
    _error("B5-1e400", _telemetry('{"t":1e400}'), "number_range", field="values.t"),
    _error("B5-minus-1e400", _telemetry('{"t":-1e400}'), "number_range", field="values.t"),
    _error("B5-huge-exponent", _telemetry('{"t":1e99999999999999999999}'), "number_range", field="values.t"),
    _error("B5-exponent-too-large-to-calculate", _telemetry('{"t":1e1000000}'), "number_range", field="values.t"),
    _error("B5-largest-c-exponent", _telemetry('{"t":1e2147483647}'), "number_range", field="values.t"),
    _error("B5-seq", b'{"boot_id":"b1","seq":1e400,"values":{}}', "number_range", field="seq"),
    _error("B6-5000-digits", _telemetry('{"t":' + "7" * 5_000 + "}"), "number_precision", field="values.t"),
    _error("B6-in-a-list", b'{"A":[1,' + b"7" * 5_000 + b"]}", "number_precision", field="A.1", topic=SENSOR),
    _error("B13-39-digits", _telemetry('{"t":' + "7" * 39 + "}"), "number_precision", field="values.t"),
    _error("B13-39-decimals", _telemetry('{"t":0.' + "7" * 39 + "}"), "number_precision", field="values.t"),
    _reading("B13-38-digits", _telemetry('{"t":' + "7" * 38 + "}"), {"t": int("7" * 38)}),
    _reading("B13-minus-zero", _telemetry('{"t":-0.0,"u":-0}'), {"t": 0.0, "u": 0}),
    _reading("B13-1e-130", _telemetry('{"t":1e-130}'), {"t": 1e-130}),
    _error("B13-1e-131", _telemetry('{"t":1e-131}'), "number_range", field="values.t"),
    _error("B13-exponent-too-small", _telemetry('{"t":1e-1000000}'), "number_range", field="values.t"),
    _error("B13-1e-400", _telemetry('{"t":1e-400}'), "number_range", field="values.t"),
    _reading("B13-9.99e125", _telemetry('{"t":9.99e125}'), {"t": 9.99e125}),
    _error("B13-1e126", _telemetry('{"t":1e126}'), "number_range", field="values.t"),
    _reading("B11-comma", _telemetry('{"t":"21,5"}'), {"t": "21,5"}),
    _reading("B11-tasmota-comma", b'{"A":{"Temperature":"21,5"}}', {"A.Temperature": "21,5"}, topic=SENSOR),
    _reading("B11-tasmota", b'{"A":{"Temperature":"21.5"}}', {"A.Temperature": 21.5}, topic=SENSOR),
    _reading("B12-boolean-as-number", _telemetry('{"open":1}'), {"open": 1}),
    _reading("B12-number-as-boolean", _telemetry('{"t":true}'), {"t": True}),
)

_STRUCTURE = (
    _error("B7-arrays", b"[" * 100_000, "too_deep", field="payload"),
    _error("B7-objects", _telemetry('{"t":' * 50_000), "too_deep", field="payload"),
    _error("B7-33-levels", b'{"a":' * 33 + b"1" + b"}" * 33, "too_deep", topic=SENSOR),
    _reading("B7-32-levels", b'{"a":' * 32 + b"1" + b"}" * 32, {".".join("a" * 32): 1}, topic=SENSOR),
    _reading("B7-brackets-in-text", _telemetry('{"t":"' + "[" * 500 + '"}'), {"t": "[" * 500}),
    _error("B7-open-string", b'"' + b'\\"[' * 60_000, "not_json", field="payload"),
    _error("B8-value-twice", _telemetry('{"t":1,"t":2}'), "duplicate_key", field="values.t"),
    _error("B8-field-twice", _telemetry('{"t":1}', ',"seq":2'), "duplicate_key", field="seq"),
    _error("B8-spaced", _telemetry('{"t" :1,"t" :2}'), "duplicate_key", field="values.t"),
    _error("B8-escaped", _telemetry('{"t":1,"\\u0074":2}'), "duplicate_key", field="values.t"),
    _error("B8-same-channel", b'{"A.B":1,"A":{"B":2}}', "duplicate_channel", topic=SENSOR),
    _error("B9-value", _telemetry('{"t":"\\ud800"}'), "lone_surrogate", field="values.t"),
    _error("B9-key", _telemetry('{"\\udfff":1}'), "lone_surrogate"),
    _error("B9-zigbee", b'{"action":"\\udc00"}', "lone_surrogate", field="action", topic="zigbee2mqtt/bad"),
    _reading("B9-whole-pair", _telemetry('{"t":"\\ud83d\\ude00"}'), {"t": "\U0001f600"}),
    _error("B10-array", b"[1,2]", "not_object", field="payload"),
    _error("B10-text", b'"text"', "not_object", field="payload"),
    _error("B10-null", b"null", "not_object", field="payload"),
    _error("B10-number", b"42", "not_object", field="payload"),
    _error("B10-shelly2", b"[]", "not_object", field="payload", topic="bad/events/rpc"),
    _error("B19-no-values", b'{"boot_id":"b1","seq":1}', "missing_field", field="values"),
    _error("B19-no-seq", b'{"boot_id":"b1","values":{}}', "missing_field", field="seq"),
    _error("B19-no-boot-id", b'{"seq":1,"values":{}}', "missing_field", field="boot_id"),
    _error("B19-no-status", b"{}", "missing_field", field="status", topic=STATUS),
    _error("B19-other-status", b'{"status":"asleep"}', "bad_value", field="status", topic=STATUS),
    _error("B19-no-method", b'{"params":{}}', "missing_field", field="method", topic="bad/events/rpc"),
    _error("B19-no-params", b'{"method":"NotifyStatus"}', "missing_field", field="params", topic="bad/events/rpc"),
    _error("B19-values-array", _telemetry("[1]"), "bad_type", field="values"),
    _error("B19-value-object", _telemetry('{"t":{"v":1}}'), "bad_type", field="values.t"),
    _error("B19-seq-text", b'{"boot_id":"b1","seq":"1","values":{}}', "bad_type", field="seq"),
    _error("B19-seq-boolean", b'{"boot_id":"b1","seq":true,"values":{}}', "bad_type", field="seq"),
    _error("B19-seq-fraction", b'{"boot_id":"b1","seq":1.5,"values":{}}', "bad_type", field="seq"),
    _error("B19-boot-id-number", b'{"boot_id":1,"seq":1,"values":{}}', "bad_type", field="boot_id"),
    _error("B19-unit-number", b'{"status":"online","channels":{"t":{"unit":5}}}', "bad_type", topic=STATUS),
    _reading("B19-null-value", _telemetry('{"t":null,"u":1}'), {"u": 1}),
    _reading("B19-extra-fields", _telemetry('{"t":1}', ',"rssi":-70,"more":{"a":[1]}'), {"t": 1}),
    _error(
        "B20-10000-native",
        _telemetry(_MANY),
        "too_many_values",
        field="values",
    ),
    _error("B20-10000-tasmota", _MANY.encode(), "too_many_values", topic=SENSOR),
    _error("B20-long-text", _telemetry('{"t":"' + "x" * 5_000 + '"}'), "text_too_long", field="values.t"),
)

_TIMES = (
    *(
        _reading(f"B14-{word}", _telemetry('{"t":1}', f',"ts":{ts}'), {"t": 1})
        for word, ts in (
            ("s", NOW_MS // 1_000),
            ("ms", NOW_MS),
            ("us", NOW_US),
            ("iso", '"2025-11-24T04:20:00Z"'),
            ("text-ms", f'"{NOW_MS}"'),
        )
    ),
    *(
        _reading(f"B15-{word}", _telemetry('{"t":1}', f',"ts":{ts}'), {"t": 1})
        for word, ts in (
            ("1970", 0),
            ("2106", 4_294_967_295),
            ("9999", '"9999-12-31T23:59:59-12:00"'),
            ("year-1", '"0001-01-01T00:00:00+14:00"'),
            ("negative", -5),
            ("1e300", "1e120"),
        )
    ),
    _error("B15-boolean", _telemetry('{"t":1}', ',"ts":true'), "bad_type", field="ts"),
    _error("B15-no-time", _telemetry('{"t":1}', ',"ts":"yesterday"'), "bad_time", field="ts"),
    _reading("B16-hour-ahead", _telemetry('{"t":1}', f',"ts":{NOW_MS + 3_600_000}'), {"t": 1}),
    _reading("B17-no-zone", _telemetry('{"t":1}', ',"ts":"2025-11-24T05:20:00"'), {"t": 1}),
    _reading("B17-gap", b'{"Time":"2025-03-30T02:30:00","A":1}', {"A": 1}, topic=SENSOR),
    _reading("B17-broken", b'{"Time":"2025-03-30T02:30:00qq","A":1}', {"A": 1}, topic=SENSOR),
    _reading("B18-fahrenheit", b'{"A":{"Temperature":70},"TempUnit":"F"}', {"A.Temperature": 70}, topic=SENSOR),
    _reading("B18-unit-unknown", b'{"A":{"Temperature":70},"TempUnit":"X"}', {"A.Temperature": 70}, topic=SENSOR),
    _reading("B18-watt", b'{"ENERGY":{"Power":1}}', {"ENERGY.Power": 1}, topic=SENSOR),
    _reading("B21-2^32", b'{"boot_id":"b1","seq":4294967296,"values":{}}', {}),
    _error("B21-2^53", b'{"boot_id":"b1","seq":9007199254740992,"values":{}}', "seq_out_of_range", field="seq"),
    _error("B21-negative", b'{"boot_id":"b1","seq":-1,"values":{}}', "seq_out_of_range", field="seq"),
    _reading("B21-repeat", b'{"boot_id":"b2","seq":7,"values":{"t":1}}', {"t": 1}),
    _reading("B21-goes-back", b'{"boot_id":"b2","seq":3,"values":{"t":1}}', {"t": 1}),
    _error("B22-gzip", gzip.compress(b"0" * 1_000_000, mtime=0), "not_utf8", field="payload"),
    _error("B22-cbor", bytes.fromhex("9bffffffffffffffff"), "not_utf8", field="payload"),
)


def _named(id_: str, device: str, values: dict[str, Scalar] | None = None) -> BadPayload:
    return BadPayload(id_, f"zigbee2mqtt/{device}", b'{"t":1}', "reading", values=values or {"t": 1})


def _refused_name(id_: str, device: str, reason: str = "bad_name", *, live: bool = True) -> BadPayload:
    return _error(id_, GOOD, reason, field="topic", topic=f"lab/{device}/telemetry", live=live)


_NAMES = (
    _named("B23-path", "../../etc/passwd"),
    _reading("B23-dots", GOOD, {"t": 1.5}, topic="lab/../telemetry"),
    BadPayload("B23-native-path", "lab/../../etc/passwd/telemetry", GOOD, "unclaimed"),
    _error("B23-in-payload", _telemetry("{}", ',"device":"../../etc/passwd"'), "device_mismatch", field="device"),
    _reading("B24-device", GOOD, {"t": 1.5}, topic="lab/'; DROP TABLE devices;--/telemetry"),
    _reading("B24-channel", _telemetry('{"\'; DROP TABLE devices;--":1}'), {"'; DROP TABLE devices;--": 1}),
    _named("B25-image", "<img src=file:///etc/passwd>"),
    _reading("B25-value", _telemetry('{"t":"<b>x</b>"}'), {"t": "<b>x</b>"}),
    _refused_name("B26-override", "kit\u202egnp.exe"),
    _refused_name("B26-zero-width", "kit\u200bchen"),
    _refused_name("B26-mark", "kit\ufeffchen", live=False),
    _error("B26-channel", _telemetry('{"kit\u202echen":1}'), "bad_name", field="values"),
    _error("B26-zigbee", b"{}", "bad_name", field="topic", topic="zigbee2mqtt/kit\u2066chen"),
    _reading("B26-homoglyph", GOOD, {"t": 1.5}, topic="lab/kit\u0441hen/telemetry"),
    _reading("B26-emoji-joiner", GOOD, {"t": 1.5}, topic="lab/\U0001f469\u200d\U0001f4bb/telemetry"),
    _error("B27-4kB", GOOD, "topic_too_long", field="topic", topic=f"lab/{'x' * 4_096}/telemetry"),
    _refused_name("B27-257-bytes", "x" * 257, "name_too_long"),
    _refused_name("B27-newline", "bad\nINFO forged line", live=False),
    _refused_name("B27-escape", "bad\x1b[31m", live=False),
    _refused_name("B27-no-name", "", live=True),
    _error("B27-channel-4kB", _telemetry('{"' + "x" * 4_096 + '":1}'), "name_too_long", field="values"),
    _error("B27-channel-newline", b'{"a\\nb":1}', "bad_name", field="channel", topic=SENSOR),
    _error("B27-channel-empty", _telemetry('{"":1}'), "bad_name", field="values"),
    _error("B27-boot-id", b'{"boot_id":"\\u001b[2J","seq":1,"values":{}}', "bad_name", field="boot_id"),
    _error(
        "B27-boot-id-long",
        b'{"boot_id":"' + b"x" * 65 + b'","seq":1,"values":{}}',
        "name_too_long",
        field="boot_id",
    ),
    _error("B27-message-id", _telemetry("{}", ',"id":"a\\nb"'), "bad_name", field="id"),
)

BAD_PAYLOADS: tuple[BadPayload, ...] = (*_TOPICS, *_NOT_JSON, *_NUMBERS, *_STRUCTURE, *_TIMES, *_NAMES)

ENTRIES: tuple[str, ...] = (*(f"A{n}" for n in range(1, 19)), *(f"B{n}" for n in range(1, 28)))

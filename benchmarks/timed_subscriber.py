"""A bare paho subscriber that notes when its callback was called with each message.

``python -m benchmarks.timed_subscriber PORT FILTER …`` subscribes at QoS 1, and answers each question with what came
since the one before.
"""

from __future__ import annotations

import sys
import threading
import time

import msgspec
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from benchmarks.talking import answer_questions

_RECEIVE_MAXIMUM = 1000


class Heard(msgspec.Struct, frozen=True):
    """One message that came: its topic, its number among those of its device, and the monotonic clock then."""

    topic: str
    seq: int
    at_ns: int


class _Numbered(msgspec.Struct):
    seq: int


def main(port: int, topic_filters: list[str]) -> None:
    """Listen until standard input ends."""
    came: list[tuple[str, bytes | bytearray, int]] = []
    subscribed = threading.Event()

    def on_connect(client: mqtt.Client, *_: object) -> None:
        client.subscribe([(one, 1) for one in topic_filters])

    def on_subscribe(*_: object) -> None:
        subscribed.set()

    def on_message(_client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        came.append((message.topic, message.payload, time.monotonic_ns()))

    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.on_connect, client.on_subscribe, client.on_message = on_connect, on_subscribe, on_message
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho's own
    properties.ReceiveMaximum = _RECEIVE_MAXIMUM
    client.connect("127.0.0.1", port, properties=properties)
    client.loop_start()
    subscribed.wait(30)

    def taken(_question: object) -> list[Heard]:
        taken, came[:] = came[:], []
        return [Heard(topic, msgspec.json.decode(body, type=_Numbered).seq, at_ns) for topic, body, at_ns in taken]

    answer_questions("ready", taken)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])

"""Devices that publish at an even pace at QoS 1, and note when each message was given to the network.

``python -m benchmarks.paced_publisher PORT`` publishes each `Slice` that it is asked for, one message after another,
and answers with what it published. Some of the messages, at random places, are probes: those of devices of their own,
whose value goes far up or down, and which carry an id.
"""

from __future__ import annotations

import random
import socket
import sys
import time
import uuid
from typing import Any

import msgspec
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from benchmarks.talking import answer_questions

_IN_FLIGHT = 1000


class Slice(msgspec.Struct, frozen=True):
    """What is published.

    Attributes:
        root: The first level of the topics.
        length_s: For how long.
        rate: Messages a second, probes among them.
        probes: Probes a second.
        devices: Other devices than those that probe.
        probing: Devices that probe.
    """

    root: str
    length_s: float
    rate: int = 1000
    probes: int = 20
    devices: int = 200
    probing: int = 400


class Sent(msgspec.Struct, frozen=True):
    """One published message.

    Attributes:
        topic: Its topic.
        seq: Its number among those of its device.
        at_ns: The monotonic clock, which all processes of a machine share, just before it was published.
        value: A probe's value, no other's; 0 for other messages.
    """

    topic: str
    seq: int
    at_ns: int
    value: int = 0


class Publisher:
    """All devices, on one connection.

    Args:
        port: The broker's, on loopback.
    """

    def __init__(self, port: int) -> None:
        self._draw = random.Random(7)
        self._boot_id = uuid.uuid4().hex[:8]
        self._seqs: dict[str, int] = {}
        self._probes = 0
        self._turns: dict[str, int] = {}
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self._client.max_inflight_messages_set(_IN_FLIGHT)
        self._client.on_socket_open = _send_at_once
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        while not self._client.is_connected():
            time.sleep(0.01)

    def publish(self, wanted: Slice) -> list[Sent]:
        """Publish a slice and return its messages."""
        sent: list[Sent] = []
        pause_s = 1 / wanted.rate
        next_s = time.monotonic()
        for number in range(round(wanted.length_s * wanted.rate)):
            while (rest_s := next_s - time.monotonic()) > 0:
                time.sleep(rest_s)
            next_s += pause_s
            is_probe = self._draw.random() < wanted.probes / wanted.rate
            sent.append(self._probe(wanted) if is_probe else self._other(wanted, number))
        return sent

    def _probe(self, wanted: Slice) -> Sent:
        turn = self._turns.get(wanted.root, 0)
        self._turns[wanted.root] = turn + 1
        # No two probes have the same value: what a receiver is told of it names the probe.
        self._probes += 1
        is_down = turn // wanted.probing % 2
        value = -self._probes if is_down else 100_000 + self._probes
        return self._send(wanted.root, f"probe-{turn % wanted.probing}", value)

    def _other(self, wanted: Slice, number: int) -> Sent:
        return self._send(wanted.root, f"bench-{number % wanted.devices}", 0)

    def _send(self, root: str, device: str, value: int) -> Sent:
        topic = f"{root}/{device}/telemetry"
        seq = self._seqs.get(topic, -1) + 1
        self._seqs[topic] = seq
        body: dict[str, Any] = {"boot_id": self._boot_id, "seq": seq, "ts": time.time_ns() // 1_000_000}
        body["values"] = {"v": value or 20 + seq % 10, "humidity": 45 + seq % 7}
        if value:
            body["id"] = f"probe {value}"
        payload = msgspec.json.encode(body)
        at_ns = time.monotonic_ns()
        self._client.publish(topic, payload, qos=1)
        return Sent(topic, seq, at_ns, value)


def _send_at_once(_client: mqtt.Client, _data: object, opened: Any) -> None:
    # Otherwise a small packet waits for the acknowledgement of the one before.
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def main(port: int) -> None:
    """Publish what is asked for until standard input ends."""
    publisher = Publisher(port)
    answer_questions("ready", lambda wanted: publisher.publish(msgspec.convert(wanted, Slice)))


if __name__ == "__main__":
    main(int(sys.argv[1]))

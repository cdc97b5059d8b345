"""The reference: a bare paho subscriber that counts and acknowledges, and does nothing else.

``python -m benchmarks.counting_subscriber PORT COUNT`` subscribes in a persistent session; COUNT 0 ends at once, so
that the broker queues what follows. Prints the seconds from the first message to the COUNTth.
"""

from __future__ import annotations

import sys
import threading
import time

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

RECEIVE_MAXIMUM = 1000


def main(port: int, count: int) -> None:
    """Count until ``count`` messages have come."""
    done = threading.Event()
    seen, first_s = 0, 0.0

    def on_connect(client: mqtt.Client, *_: object) -> None:
        client.subscribe("lab/+/telemetry", qos=1)

    def on_subscribe(*_: object) -> None:
        if count == 0:
            done.set()

    def on_message(*_: object) -> None:
        nonlocal seen, first_s
        if not seen:
            first_s = time.perf_counter()
        seen += 1
        if seen == count:
            print(time.perf_counter() - first_s, flush=True)
            done.set()

    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="counting", protocol=mqtt.MQTTv5)
    client.on_connect, client.on_subscribe, client.on_message = on_connect, on_subscribe, on_message
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho's own
    properties.SessionExpiryInterval = 3600
    properties.ReceiveMaximum = RECEIVE_MAXIMUM
    client.connect("127.0.0.1", port, clean_start=False, properties=properties)
    client.loop_start()
    done.wait(120)
    client.loop_stop()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))

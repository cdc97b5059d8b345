"""The client with the fallback broker, which speaks MQTT 3.1.1 only."""

from __future__ import annotations

import os
import signal

from iotlab.clock import SystemClock
from iotlab.mqtt import wire
from iotlab.mqtt.broker import PrivateBroker
from iotlab.mqtt.client import Client, ClientOptions, Subscription
from iotlab.mqtt.message import Message
from tests.mqtt.peers import Inbox, Peer, connect, eventually, running

CLOCK = SystemClock()


def _port(broker: PrivateBroker) -> int:
    address = broker.address
    assert address is not None
    return address.port


def _publisher(broker: PrivateBroker) -> Peer:
    return connect(_port(broker), wire.Connect("publisher", protocol=wire.MQTT_311))


def _publish(peer: Peer, *payloads: bytes) -> None:
    for number, payload in enumerate(payloads):
        peer.send(wire.Publish("lab/x", payload, 1, packet_id=number + 1))
        peer.expect(wire.PubAck)


def test_the_client_falls_back_to_311_says_so_and_receives(amqtt: PrivateBroker) -> None:
    inbox = Inbox()
    client = Client(ClientOptions(port=_port(amqtt), client_id="c"), clock=CLOCK, on_message=inbox)
    client.subscribe(Subscription("lab/#"))
    with running(client):
        assert client.status.protocol == "3.1.1"
        assert client.status.reason == "the broker speaks MQTT 3.1.1 only"
        assert client.publish("lab/self", b"own", qos=1, user_properties=(("left", "out"),))
        inbox.wait(1)
        peer = _publisher(amqtt)
        _publish(peer, b"1", b"2")
        inbox.wait(3)
        assert inbox.payloads == [b"own", b"1", b"2"]
        assert client.ack_all(inbox.messages) == 3
        eventually(lambda: client.counters.acks == 3)
        peer.close()


def test_messages_wait_in_the_session_while_the_client_is_away(amqtt: PrivateBroker) -> None:
    inbox = Inbox()
    options = ClientOptions(port=_port(amqtt), client_id="c", protocol=amqtt.protocol)

    def take(message: Message) -> None:
        inbox(message)
        client.ack(message)

    client = Client(options, clock=CLOCK, on_message=take)
    client.subscribe(Subscription("lab/#"))
    peer = _publisher(amqtt)
    with running(client):
        _publish(peer, b"1")
        inbox.wait(1)
        eventually(lambda: client.counters.acks == 1)
    _publish(peer, b"2", b"3")
    client = Client(options, clock=CLOCK, on_message=take)
    with running(client):
        inbox.wait(3)
        assert client.status.session_present
        assert inbox.payloads == [b"1", b"2", b"3"]
    peer.close()


def test_a_killed_broker_is_found_again_and_what_was_queued_is_sent(amqtt: PrivateBroker) -> None:
    inbox = Inbox()
    client = Client(
        ClientOptions(port=_port(amqtt), client_id="c", protocol=amqtt.protocol), clock=CLOCK, on_message=inbox
    )
    client.subscribe(Subscription("lab/#"))
    with running(client):
        assert amqtt.pid is not None
        os.kill(amqtt.pid, signal.SIGKILL)
        eventually(lambda: client.status.state == "disconnected" and not amqtt.alive)
        assert client.publish("lab/later", b"queued", qos=1)
        amqtt.ensure_running()
        assert inbox.wait(1)[0].payload == b"queued"
        assert client.status.protocol == "3.1.1"
        assert client.counters.sessions_lost == 1

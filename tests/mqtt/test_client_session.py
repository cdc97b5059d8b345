"""The client with a real mosquitto: sessions, acknowledgements, reconnects."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from iotlab.clock import SystemClock
from iotlab.mqtt import wire
from iotlab.mqtt.broker import PrivateBroker
from iotlab.mqtt.client import Client, ClientOptions, Subscription, Will
from iotlab.mqtt.message import Message
from tests.mqtt.peers import Inbox, Peer, States, connect, eventually, running

CLOCK = SystemClock()
ROOT = Path(__file__).parents[2]


def _port(broker: PrivateBroker) -> int:
    address = broker.address
    assert address is not None
    return address.port


def _publisher(broker: PrivateBroker) -> Peer:
    return connect(_port(broker), wire.Connect("publisher"))


def _publish(peer: Peer, count: int, *, topic: str = "lab/x", first: int = 0) -> None:
    """Publish ``count`` numbered messages at QoS 1 and wait for their PUBACKs."""
    peer.send(
        *(wire.Publish(topic, b"%d" % number, 1, packet_id=number + 1) for number in range(first, first + count))
    )
    for _ in range(count):
        peer.expect(wire.PubAck)


def test_messages_arrive_in_order_with_their_properties_and_are_acknowledged(mosquitto: PrivateBroker) -> None:
    inbox = Inbox()
    client = Client(ClientOptions(port=_port(mosquitto), client_id="c"), clock=CLOCK, on_message=inbox)
    client.subscribe(Subscription("lab/+"))
    with running(client):
        peer = _publisher(mosquitto)
        properties = wire.Properties(user_properties=(("id", "m1"),), content_type="application/json")
        peer.send(wire.Publish("lab/x", b"first", 1, packet_id=9, properties=properties))
        _publish(peer, 50)
        messages = inbox.wait(51)
        assert inbox.payloads == [b"first", *(b"%d" % number for number in range(50))]
        assert messages[0].user_property("id") == "m1"
        assert messages[0].content_type == "application/json"
        assert messages[0].received_at_us > 0
        assert client.ack_all(messages) == 51
        eventually(lambda: client.counters.acks == 51)
        peer.close()


def test_what_was_not_acknowledged_comes_again_with_dup_and_the_rest_does_not(mosquitto: PrivateBroker) -> None:
    options = ClientOptions(port=_port(mosquitto), client_id="bridge")
    first = Inbox()
    peer = _publisher(mosquitto)
    client = Client(options, clock=CLOCK, on_message=first)
    client.subscribe(Subscription("lab/#"))
    with running(client):
        _publish(peer, 4)
        messages = first.wait(4)
        assert client.ack(messages[0])
        assert client.ack(messages[2])
        eventually(lambda: client.counters.acks == 2)
    _publish(peer, 1, first=4)
    peer.close()

    second = Inbox()
    with running(Client(options, clock=CLOCK, on_message=second)) as client:
        assert client.status.session_present
        second.wait(3)
        assert [(one.payload, one.dup) for one in second.messages] == [(b"1", True), (b"3", True), (b"4", False)]


def test_more_messages_than_the_brokers_usual_queue_wait_for_a_client_that_is_away(mosquitto: PrivateBroker) -> None:
    options = ClientOptions(port=_port(mosquitto), client_id="bridge")
    client = Client(options, clock=CLOCK)
    client.subscribe(Subscription("lab/#"))
    with running(client):
        _wait_for_subscription(client)
    peer = _publisher(mosquitto)
    for first in range(0, 3000, 500):
        _publish(peer, 500, first=first)
    peer.close()
    inbox = Inbox()

    def take(message: Message) -> None:
        inbox(message)
        client.ack(message)

    client = Client(options, clock=CLOCK, on_message=take)
    with running(client):
        inbox.wait(3000)
        assert inbox.payloads == [b"%d" % number for number in range(3000)]


def _wait_for_subscription(client: Client) -> None:
    """A QoS 1 message is acknowledged after the SUBSCRIBE that was sent before it."""
    before = client.counters.published
    client.publish("sync", b"", qos=1)
    eventually(lambda: client.counters.published > before)


def test_the_broker_sends_no_more_than_the_receive_maximum_before_the_first_ack(mosquitto: PrivateBroker) -> None:
    inbox = Inbox()
    options = ClientOptions(port=_port(mosquitto), client_id="c", receive_maximum=5)
    client = Client(options, clock=CLOCK, on_message=inbox)
    client.subscribe(Subscription("lab/#"), Subscription("other/#", qos=0))
    with running(client):
        peer = _publisher(mosquitto)
        _publish(peer, 20)
        peer.send(wire.Publish("other/x", b"mark", 0))
        inbox.wait(6)
        assert inbox.payloads == [b"0", b"1", b"2", b"3", b"4", b"mark"]
        done = 0
        while done < 21:
            done += client.ack_all(inbox.messages[done:])
        assert len(inbox.wait(21)) == 21
        peer.close()


def test_an_ack_for_an_earlier_connection_is_refused_and_the_message_comes_again(mosquitto: PrivateBroker) -> None:
    inbox = Inbox()
    client = Client(ClientOptions(port=_port(mosquitto), client_id="c"), clock=CLOCK, on_message=inbox)
    client.subscribe(Subscription("lab/#"))
    with running(client):
        peer = _publisher(mosquitto)
        _publish(peer, 1)
        (message,) = inbox.wait(1)
        # A second client with our id makes mosquitto end our connection.
        connect(_port(mosquitto), wire.Connect("c", clean_start=False)).close()
        eventually(lambda: client.status.state == "disconnected")
        assert not client.ack(message)
        assert client.counters.acks_too_late == 1
        assert client.counters.acks == 0
        peer.close()


def test_a_broker_killed_and_started_again_is_found_again_and_the_subscriptions_with_it(
    mosquitto: PrivateBroker,
) -> None:
    inbox = Inbox()
    client = Client(ClientOptions(port=_port(mosquitto), client_id="c"), clock=CLOCK, on_message=inbox)
    client.subscribe(Subscription("lab/#"))
    with running(client):
        _wait_for_subscription(client)
        assert mosquitto.pid is not None
        os.kill(mosquitto.pid, signal.SIGKILL)
        eventually(lambda: client.status.state == "disconnected")
        assert client.publish("lab/later", b"queued", qos=1)
        assert not client.publish("lab/later", b"lost", qos=0)
        assert client.counters.publish_offline == 1
        eventually(lambda: not mosquitto.alive)
        assert mosquitto.ensure_running()
        eventually(lambda: client.status.state == "connected")
        assert client.status.reconnects == 1
        peer = _publisher(mosquitto)
        eventually(lambda: client.counters.published == 2)
        _publish(peer, 1)
        assert inbox.wait(1)[0].payload == b"0"
        peer.close()


def test_a_broker_that_is_killed_again_and_again_is_not_taken_for_a_fight(mosquitto: PrivateBroker) -> None:
    states = States()
    options = ClientOptions(port=_port(mosquitto), client_id="c", reconnect_cap_s=0.3)
    with running(Client(options, clock=CLOCK, on_state=states)) as client:
        for killed in range(1, 7):
            assert mosquitto.pid is not None
            ended = states.count("disconnected")
            os.kill(mosquitto.pid, signal.SIGKILL)
            # The closed connection, and an attempt that nobody answers: in a fight there is always a broker.
            eventually(lambda number=ended: states.count("disconnected") >= number + 2)  # type: ignore[misc]
            mosquitto.ensure_running()
            eventually(lambda number=killed: states.count("connected") > number)  # type: ignore[misc]
        assert client.status.takeovers == 0


_VANISHING = """
import sys
from iotlab.clock import SystemClock
from iotlab.mqtt.client import Client, ClientOptions, Will
options = ClientOptions(port=int(sys.argv[1]), client_id="c", will=Will("wills/c", b"offline"))
client = Client(options, clock=SystemClock(), on_state=lambda status: print(status.state, flush=True))
client.start()
sys.stdin.read()
"""


def test_the_will_is_published_when_the_client_is_killed_and_not_when_it_stops(mosquitto: PrivateBroker) -> None:
    watcher = connect(_port(mosquitto), wire.Connect("watcher"))
    watcher.send(wire.Subscribe(1, (wire.Subscription("wills/#"),)))
    watcher.expect(wire.SubAck)
    options = ClientOptions(port=_port(mosquitto), client_id="stops", will=Will("wills/stops", b"offline"))
    with running(Client(options, clock=CLOCK)):
        pass
    command = [sys.executable, "-c", _VANISHING, str(_port(mosquitto))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"connecting\n"
        assert child.stdout.readline() == b"connected\n"
        child.kill()
    packet = watcher.expect(wire.Publish)
    assert (packet.topic, packet.payload, packet.qos) == ("wills/c", b"offline", 1)
    watcher.close()


def test_a_client_id_that_others_keep_taking_over_is_said_counted_and_not_fought_for(
    mosquitto: PrivateBroker,
) -> None:
    states = States()
    options = ClientOptions(port=_port(mosquitto), client_id="bridge")
    client = Client(options, clock=CLOCK, on_state=states)
    thieves: list[Peer] = []
    with running(client):
        # mosquitto 2.0 closes without a word: one takeover alone looks like any other end of a connection.
        for taken in (1, 2, 3):
            eventually(lambda number=taken: states.count("connected") == number)  # type: ignore[misc]
            thieves.append(connect(_port(mosquitto), wire.Connect("bridge")))
            eventually(lambda number=taken: states.count("disconnected") == number)  # type: ignore[misc]
        assert client.status.takeovers == 1
        assert "another client uses the client id 'bridge'" in client.status.reason
        thieves[-1].send(wire.PingReq())
        assert isinstance(thieves[-1].read(), wire.PingResp)
        assert client.status.state == "disconnected"
    for thief in thieves:
        thief.close()


def test_publishing_carries_properties_and_counts_what_the_broker_acknowledged(mosquitto: PrivateBroker) -> None:
    peer = connect(_port(mosquitto), wire.Connect("watcher"))
    peer.send(wire.Subscribe(1, (wire.Subscription("out/#", 1),)))
    peer.expect(wire.SubAck)
    with running(Client(ClientOptions(port=_port(mosquitto)), clock=CLOCK)) as client:
        for qos in (0, 1):
            assert client.publish(
                f"out/{qos}",
                b"p",
                qos=qos,
                user_properties=(("a", "1"), ("a", "2")),
                content_type="t",
                response_topic="r",
                correlation_data=b"c",
            )
        packets = [peer.expect(wire.Publish) for _ in range(2)]
        expected = wire.Properties(
            user_properties=(("a", "1"), ("a", "2")), content_type="t", response_topic="r", correlation_data=b"c"
        )
        assert sorted((packet.topic, packet.qos) for packet in packets) == [("out/0", 0), ("out/1", 1)]
        assert [packet.properties for packet in packets] == [expected, expected]
        eventually(lambda: client.counters.published == 2)
    peer.close()


def test_a_qos_2_message_is_delivered_once_and_its_flow_completed(mosquitto: PrivateBroker) -> None:
    inbox = Inbox()
    options = ClientOptions(port=_port(mosquitto), client_id="c")
    client = Client(options, clock=CLOCK, on_message=inbox)
    client.subscribe(Subscription("both", qos=2, no_local=False))
    with running(client):
        assert client.publish("both", b"exactly", qos=2, user_properties=(("id", "1"),))
        (message,) = inbox.wait(1)
        assert (message.qos, message.payload, message.user_property("id")) == (2, b"exactly", "1")
        assert client.ack(message)
        eventually(lambda: client.counters.acks == 1 and client.counters.published == 1)


def test_many_threads_may_publish_and_acknowledge_at_once(mosquitto: PrivateBroker) -> None:
    inbox = Inbox()
    options = ClientOptions(port=_port(mosquitto), client_id="c")

    def take(message: Message) -> None:
        inbox(message)
        client.ack(message)

    client = Client(options, clock=CLOCK, on_message=take)
    client.subscribe(Subscription("load", no_local=False))

    def work(number: int) -> None:
        for index in range(100):
            assert client.publish("load", b"%d.%d" % (number, index), qos=1 if index % 2 else 0)

    with running(client):
        _wait_for_subscription(client)
        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        inbox.wait(400)
        assert len(set(inbox.payloads)) == 400
        eventually(lambda: client.counters.published == 401)


def test_stopping_sends_what_is_queued_first(mosquitto: PrivateBroker) -> None:
    peer = connect(_port(mosquitto), wire.Connect("watcher"))
    peer.send(wire.Subscribe(1, (wire.Subscription("out", 1),)))
    peer.expect(wire.SubAck)
    with running(Client(ClientOptions(port=_port(mosquitto), receive_maximum=10), clock=CLOCK)) as client:
        for number in range(200):
            client.publish("out", b"%d" % number, qos=1)
    assert client.counters.published == 200
    assert client.counters.publish_lost == 0
    assert client.status.state == "stopped"
    assert [peer.expect(wire.Publish).payload for _ in range(200)] == [b"%d" % number for number in range(200)]
    peer.close()


def test_an_invalid_topic_is_refused_before_anything_is_sent() -> None:
    client = Client(ClientOptions(), clock=CLOCK)
    with pytest.raises(ValueError, match="wildcard"):
        client.publish("a/+", b"")
    with pytest.raises(ValueError, match="no topic filter behind"):
        client.subscribe(Subscription("$share/x"))

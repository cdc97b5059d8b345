"""The client with brokers and callbacks that misbehave."""

from __future__ import annotations

import ctypes
import logging
import socket
import threading
import time

import pytest

from iotlab.clock import SystemClock
from iotlab.mqtt import wire
from iotlab.mqtt.client import BadPacket, Client, ClientOptions, Subscription, Will
from iotlab.mqtt.framing import FrameSocket
from iotlab.mqtt.message import Message
from iotlab.mqtt.ports import free_port
from tests.mqtt.peers import (
    PATIENCE_S,
    Inbox,
    Peer,
    States,
    eventually,
    running,
    scripted,
    serve_until_closed,
    welcome,
)

CLOCK = SystemClock()


def _options(port: int, client_id: str = "c", **changes: int | float) -> ClientOptions:
    fields: dict[str, int | float] = {"port": port, "reconnect_cap_s": 0.2, **changes}
    return ClientOptions(client_id=client_id, **fields)  # type: ignore[arg-type]


def test_an_exception_in_the_callback_is_counted_and_the_connection_survives(
    caplog: pytest.LogCaptureFixture,
) -> None:
    inbox = Inbox()

    def broker(peer: Peer, _: int) -> None:
        welcome(peer)
        peer.send(*(wire.Publish("t", b"%d" % number, 1, packet_id=number) for number in (1, 2, 3)))
        serve_until_closed(peer)

    def callback(message: Message) -> None:
        if message.payload == b"2":
            raise KeyError("a bug")
        inbox(message)

    with (
        scripted(broker) as server,
        running(Client(_options(server.port), clock=CLOCK, on_message=callback)) as client,
    ):
        inbox.wait(2)
        assert inbox.payloads == [b"1", b"3"]
        assert client.counters.callback_errors == 1
        assert client.counters.messages == 3
        assert server.connections == 1
        assert "a bug" in caplog.text


@pytest.mark.parametrize("kind", ["on_state", "on_bad_packet"])
def test_an_exception_in_another_callback_is_counted_too(kind: str) -> None:
    def broker(peer: Peer, _: int) -> None:
        welcome(peer)
        peer.raw(wire.encode_publish(b"\xff", b"", qos=1, packet_id=1))
        peer.send(wire.Publish("t", b"after"))
        serve_until_closed(peer)

    def fails(_: object) -> None:
        raise RuntimeError("a bug")

    inbox = Inbox()
    with scripted(broker) as server:
        options = _options(server.port)
        if kind == "on_state":
            client = Client(options, clock=CLOCK, on_message=inbox, on_state=fails)
        else:
            client = Client(options, clock=CLOCK, on_message=inbox, on_bad_packet=fails)
        with running(client):
            inbox.wait(1)
            assert client.counters.callback_errors >= 1


@pytest.mark.parametrize("qos", [1, 2])
@pytest.mark.parametrize("topic", [b"lab/\xff\xfe", b"lab/+/x"])
def test_a_bad_topic_is_counted_acknowledged_and_handed_to_the_hook(qos: int, topic: bytes) -> None:
    answers: list[wire.Packet] = []
    bad: list[BadPacket] = []
    inbox = Inbox()

    def broker(peer: Peer, _: int) -> None:
        welcome(peer)
        peer.raw(wire.encode_publish(topic, b"poison", qos=qos, packet_id=7))
        if qos == 2:
            assert peer.expect(wire.OtherPacket).kind is wire.PacketType.PUBREC
            peer.send(wire.OtherPacket(wire.PacketType.PUBREL, 2, b"\x00\x07"))
        answers.append(peer.read())
        peer.send(wire.Publish("lab/good", b"fine"))
        serve_until_closed(peer)

    with scripted(broker) as server:
        client = Client(_options(server.port), clock=CLOCK, on_message=inbox, on_bad_packet=bad.append)
        with running(client):
            assert inbox.wait(1)[0].payload == b"fine"
            assert client.counters.bad_topic == 1
            assert client.counters.messages == 1
            assert server.connections == 1
        assert [(one.topic, one.payload, one.reason, one.mid) for one in bad] == [(topic, b"poison", "bad_topic", 7)]
        pubcomp = wire.OtherPacket(wire.PacketType.PUBCOMP, 0, b"\x00\x07")
        assert answers == [wire.PubAck(7) if qos == 1 else pubcomp]


def test_a_hook_may_keep_the_acknowledgement_until_the_packet_is_stored() -> None:
    bad: list[BadPacket] = []
    answers: list[wire.Packet] = []

    def keep(packet: BadPacket) -> bool:
        bad.append(packet)
        return True

    def broker(peer: Peer, _: int) -> None:
        welcome(peer)
        peer.raw(wire.encode_publish(b"\xff", b"", qos=1, packet_id=7))
        peer.send(wire.PingResp(), wire.Publish("t", b"", 1, packet_id=8))
        answers.append(peer.read())
        answers.append(peer.read())
        serve_until_closed(peer)

    inbox = Inbox()
    with scripted(broker) as server:
        client = Client(_options(server.port), clock=CLOCK, on_message=inbox, on_bad_packet=keep)
        with running(client):
            client.ack(inbox.wait(1)[0])
            eventually(lambda: len(answers) == 1)
            assert client.ack(bad[0])
            eventually(lambda: len(answers) == 2)
        assert answers == [wire.PubAck(8), wire.PubAck(7)]


def test_a_packet_with_broken_properties_is_counted_as_malformed_and_does_not_end_the_connection() -> None:
    bad: list[BadPacket] = []

    def broker(peer: Peer, _: int) -> None:
        welcome(peer)
        peer.raw(wire.encode_publish(b"t", b"\x7frest", qos=1, packet_id=7, protocol=wire.MQTT_311))
        assert peer.expect(wire.PubAck).packet_id == 7
        serve_until_closed(peer)

    with scripted(broker) as server:
        client = Client(_options(server.port), clock=CLOCK, on_bad_packet=bad.append)
        with running(client):
            eventually(lambda: client.counters.malformed == 1)
            assert bad[0].reason == "malformed_packet"
            assert client.status.state == "connected"


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x32\x01\x00",
        b"\x30\xff\xff\xff\xff\x7f",
        b"\x00\x00",
        b"\x20\x00",
        b"\x90\x01\x00",
        b"\x40\x00",
        b"\xe0\x03\x00\x01\xff",
    ],
)
def test_garbage_costs_one_connection_is_counted_and_said_and_the_next_one_works(garbage: bytes) -> None:
    states = States()

    def broker(peer: Peer, number: int) -> None:
        welcome(peer)
        if number == 0:
            peer.raw(garbage)
        serve_until_closed(peer)

    with scripted(broker) as server:
        client = Client(_options(server.port), clock=CLOCK, on_state=states)
        with running(client):
            eventually(lambda: client.status.reconnects == 1)
            assert client.status.state == "connected"
        lost = [status for status in states.all if status.state == "disconnected"]
        assert lost
        assert lost[0].reason


def test_a_dead_network_thread_is_noticed_counted_and_replaced(caplog: pytest.LogCaptureFixture) -> None:
    inbox = Inbox()

    def broker(peer: Peer, number: int) -> None:
        welcome(peer)
        peer.send(wire.Publish("t", b"%d" % number))
        serve_until_closed(peer)

    def callback(message: Message) -> None:
        inbox(message)
        if message.payload == b"0":
            raise SystemExit

    with scripted(broker) as server:
        client = Client(_options(server.port), clock=CLOCK, on_message=callback)
        with running(client, connected=False):
            inbox.wait(2)
            assert client.counters.thread_restarts == 1
            eventually(lambda: client.status.state == "connected")
    assert "the network thread dies" in caplog.text


def test_a_thread_that_dies_loses_no_message_that_the_broker_has_not_acknowledged() -> None:
    seen: list[list[bytes]] = [[], []]

    def broker(peer: Peer, number: int) -> None:
        welcome(peer)
        while True:
            packet = peer.expect(wire.Publish)
            seen[number].append(packet.payload)
            if number:  # the first connection takes messages and never acknowledges them
                peer.send(wire.PubAck(packet.packet_id))

    # A client of another test may take a moment to end.
    others = set(threading.enumerate())
    with scripted(broker) as server, running(Client(_options(server.port), clock=CLOCK)) as client:
        for number in range(5):
            assert client.publish("t", b"%d" % number, qos=1)
        eventually(lambda: len(seen[0]) == 5)
        (thread,) = (one for one in set(threading.enumerate()) - others if one.name == "mqtt-network")
        assert thread.ident is not None
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(SystemExit))
        eventually(lambda: client.counters.published == 5)
        assert seen[1] == [b"0", b"1", b"2", b"3", b"4"]
        assert client.counters.thread_restarts == 1


def test_a_half_open_connection_is_noticed_within_one_and_a_half_keep_alives() -> None:
    silent_since: list[float] = []

    def broker(peer: Peer, number: int) -> None:
        welcome(peer)
        silent_since.append(time.monotonic())
        if number == 0:
            while True:
                peer.read()  # nothing is ever answered
        serve_until_closed(peer)

    with scripted(broker) as server, running(Client(_options(server.port, keep_alive_s=1), clock=CLOCK)) as client:
        eventually(lambda: client.counters.half_open == 1)
        assert time.monotonic() - silent_since[0] < 1.5
        eventually(lambda: client.status.reconnects == 1)


def test_a_broker_that_answers_pings_is_not_given_up_and_its_keep_alive_is_used() -> None:
    pings: list[float] = []

    def broker(peer: Peer, _: int) -> None:
        welcome(peer, wire.Properties(server_keep_alive=1))
        while True:
            peer.expect(wire.PingReq)
            pings.append(time.monotonic())
            peer.send(wire.PingResp())

    with scripted(broker) as server, running(Client(_options(server.port, keep_alive_s=600), clock=CLOCK)) as client:
        eventually(lambda: len(pings) == 4)
        assert client.counters.half_open == 0
        assert server.connections == 1


def test_a_broker_that_accepts_and_never_answers_is_given_up() -> None:
    states = States()

    def broker(peer: Peer, number: int) -> None:
        if number == 0:
            while True:
                peer.read()
        welcome(peer)
        serve_until_closed(peer)

    with scripted(broker) as server:
        options = ClientOptions(port=server.port, client_id="c", connect_timeout_s=0.2, protocol="5")
        client = Client(options, clock=CLOCK, on_state=states)
        with running(client):
            assert any("does not answer CONNECT" in status.reason for status in states.all)


def test_nobody_at_the_port_is_said_with_the_address() -> None:
    port = free_port(preferred=None)
    states = States()
    with running(Client(_options(port), clock=CLOCK, on_state=states), connected=False):
        eventually(lambda: any(status.state == "disconnected" for status in states.all))
        (reason, *_) = (status.reason for status in states.all if status.state == "disconnected")
        assert f"127.0.0.1:{port}" in reason
        assert "refused" in reason


def test_a_refusal_is_said_with_the_brokers_reason() -> None:
    def broker(peer: Peer, _: int) -> None:
        peer.expect(wire.Connect)
        peer.send(wire.ConnAck(reason_code=0x86))

    states = States()
    with scripted(broker) as server:
        client = Client(_options(server.port), clock=CLOCK, on_state=states)
        with running(client, connected=False):
            eventually(lambda: any("Bad user name or password" in status.reason for status in states.all))


def test_a_refused_subscription_is_counted_and_said() -> None:
    def broker(peer: Peer, _: int) -> None:
        welcome(peer)
        packet = peer.expect(wire.Subscribe)
        peer.send(wire.SubAck(packet.packet_id, (0x87, 1)))
        serve_until_closed(peer)

    with scripted(broker) as server:
        client = Client(_options(server.port), clock=CLOCK)
        client.subscribe(Subscription("secret/#"), Subscription("lab/#"))
        with running(client):
            eventually(lambda: client.counters.subscriptions_refused == 1)
            assert client.status.reason == "the broker refuses the subscription to 'secret/#': Not authorized"


def test_a_takeover_that_the_broker_names_is_said_at_once_and_paused_for() -> None:
    def broker(peer: Peer, _: int) -> None:
        welcome(peer)
        peer.send(wire.Disconnect(0x8E))

    states = States()
    with scripted(broker) as server:
        client = Client(_options(server.port, client_id="bridge"), clock=CLOCK, on_state=states)
        with running(client, connected=False):
            eventually(lambda: client.status.takeovers == 1)
            assert client.status.reason.startswith("another client uses the client id 'bridge': choose another")
            assert client.status.state == "disconnected"
            assert server.connections == 1


def test_mqtt_311_brokers_that_keep_closing_are_suspected_of_a_takeover() -> None:
    def broker(peer: Peer, _: int) -> None:
        packet = peer.expect(wire.Connect)
        if packet.protocol == wire.MQTT_5:
            peer.raw(b"\x20\x02\x00\x01")  # what a 3.1.1 broker answers
            return
        peer.send(wire.ConnAck())

    with scripted(broker) as server:
        client = Client(_options(server.port, client_id="bridge"), clock=CLOCK)
        with running(client, connected=False):
            eventually(lambda: client.status.takeovers == 1)
            assert "another client uses the client id 'bridge'" in client.status.reason
            assert client.status.state == "disconnected"


def test_a_broker_that_closes_on_mqtt_5_without_an_answer_is_tried_with_311() -> None:
    def broker(peer: Peer, _: int) -> None:
        packet = peer.expect(wire.Connect)
        if packet.protocol == wire.MQTT_311:
            peer.send(wire.ConnAck())
            serve_until_closed(peer)

    with scripted(broker) as server, running(Client(_options(server.port), clock=CLOCK)) as client:
        assert client.status.protocol == "3.1.1"
        assert client.status.reason == "the broker speaks MQTT 3.1.1 only"


def test_the_publish_queue_is_bounded_and_counts_what_it_refuses() -> None:
    with scripted(lambda peer, _: serve_until_closed(peer)) as server:
        client = Client(_options(server.port, queue_limit=3), clock=CLOCK)
        assert [client.publish("t", b"", qos=1) for _ in range(5)] == [True, True, True, False, False]
        assert client.counters.publish_refused == 2
        with running(client, connected=False):
            pass
        assert client.counters.publish_lost == 3


def test_the_brokers_receive_maximum_holds_for_what_was_queued_and_for_what_a_larger_one_left_behind() -> None:
    begun = threading.Event()

    def broker(peer: Peer, number: int) -> None:
        if number == 0:
            welcome(peer)
            for _ in range(30):
                peer.expect(wire.Publish)
            return  # thirty are unacknowledged when the connection breaks
        welcome(peer, wire.Properties(receive_maximum=4))
        begun.set()
        taken = 0
        while taken < 40:
            waiting = [peer.expect(wire.Publish).packet_id for _ in range(4)]
            taken += 4
            if taken < 12:
                peer.socket.settimeout(0.05)
                with pytest.raises(TimeoutError):
                    peer.expect(wire.Publish)
                peer.socket.settimeout(PATIENCE_S)
            peer.send(*(wire.PubAck(packet_id) for packet_id in waiting))
        serve_until_closed(peer)

    with scripted(broker) as server:
        client = Client(_options(server.port), clock=CLOCK)
        for number in range(30):
            client.publish("t", b"%d" % number, qos=1)
        with running(client, connected=False):
            assert begun.wait(5)
            for number in range(30, 40):
                client.publish("t", b"%d" % number, qos=1)
            eventually(lambda: client.counters.published == 40)


def test_a_message_larger_than_the_broker_accepts_is_refused_and_counted() -> None:
    seen: list[int] = []

    def broker(peer: Peer, _: int) -> None:
        welcome(peer, wire.Properties(maximum_packet_size=1000))
        while True:
            packet = peer.expect(wire.Publish)
            seen.append(len(packet.payload))
            peer.send(wire.PubAck(packet.packet_id))

    with scripted(broker) as server, running(Client(_options(server.port), clock=CLOCK)) as client:
        client.publish("t", bytes(2000), qos=1)
        client.publish("t", bytes(500), qos=1)
        eventually(lambda: client.counters.published == 1)
        assert client.counters.publish_refused == 1
        assert seen == [500]


def test_thousands_of_acks_and_publishes_through_a_slow_socket_stay_whole() -> None:
    count = 3000
    acks: list[int] = []
    published: list[bytes] = []
    go = threading.Event()

    def broker(peer: Peer, _: int) -> None:
        peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        welcome(peer)
        peer.send(*(wire.Publish("t", b"", 1, packet_id=number + 1) for number in range(count)))
        assert go.wait(10)
        while len(acks) < count or len(published) < 2 * 50:
            match peer.read():
                case wire.PubAck(packet_id=packet_id):
                    acks.append(packet_id)
                case wire.Publish(payload=payload, qos=qos, packet_id=packet_id):
                    published.append(payload)
                    if qos:
                        peer.send(wire.PubAck(packet_id))
        serve_until_closed(peer)

    inbox = Inbox()
    with scripted(broker) as server:
        client = Client(_options(server.port), clock=CLOCK, on_message=inbox)
        with running(client):
            inbox.wait(count)
            for number in range(50):
                client.publish("out", b"%d" % number + bytes(60_000), qos=0)
                client.publish("out", b"%d" % number + bytes(60_000), qos=1)
                client.ack_all(inbox.messages[number * 60 : (number + 1) * 60])
            go.set()
            eventually(lambda: len(acks) == count and len(published) == 100)
            assert acks == list(range(1, count + 1))
            assert all(len(payload) > 60_000 for payload in published)


def test_pahos_socket_is_ours_and_without_delay() -> None:
    with scripted(lambda peer, _: serve_until_closed(peer)) as server:
        client = Client(_options(server.port), clock=CLOCK)
        session = client._make_session(wire.MQTT_5)
        frames = session.open(clean_start=True)
        # paho leaves the writing to the connection's loop.
        assert session.want_write()
        assert isinstance(frames, FrameSocket)
        assert frames.raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        frames.close()


def test_a_callback_that_hangs_does_not_hang_the_stop(caplog: pytest.LogCaptureFixture) -> None:
    release, entered = threading.Event(), threading.Event()

    def broker(peer: Peer, _: int) -> None:
        welcome(peer)
        peer.send(wire.Publish("t", b""))
        serve_until_closed(peer)

    def callback(_: Message) -> None:
        entered.set()
        release.wait(10)

    with scripted(broker) as server:
        client = Client(_options(server.port), clock=CLOCK, on_message=callback)
        client.start()
        assert entered.wait(5)
        began = time.monotonic()
        client.stop(timeout_s=0.1)
        assert time.monotonic() - began < 2
        assert client.status.state == "stopped"
        assert "hangs" in caplog.text
        release.set()


def test_a_client_is_started_once() -> None:
    client = Client(_options(free_port(preferred=None)), clock=CLOCK)
    with running(client, connected=False), pytest.raises(RuntimeError, match="before"):
        client.start()


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (ClientOptions(port=0), "port"),
        (ClientOptions(receive_maximum=0), "receive_maximum"),
        (ClientOptions(keep_alive_s=70_000), "keep_alive_s"),
        (ClientOptions(host=""), "host"),
        (ClientOptions(password="x"), "username"),
        (ClientOptions(will=Will("a/#", b"")), "wildcard"),
    ],
)
def test_an_option_that_mqtt_does_not_allow_is_refused_at_once(options: ClientOptions, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Client(options, clock=CLOCK)


def test_the_password_is_in_no_text(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    options = ClientOptions(port=free_port(preferred=None), client_id="c", username="u", password="hunter2")
    with running(Client(options, clock=CLOCK), connected=False) as client:
        eventually(lambda: client.status.state == "disconnected")
        assert "hunter2" not in repr(options) + str(client.status) + caplog.text

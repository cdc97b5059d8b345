"""The network thread: connects, serves one connection after the other, and is started again should it die."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import msgspec

from iotlab.clock import Clock
from iotlab.mqtt.attempt import Attempt, Refusal, takeover_reason
from iotlab.mqtt.backoff import Backoff
from iotlab.mqtt.connection import Connection, Engine
from iotlab.mqtt.delivery import Delivery
from iotlab.mqtt.framing import FrameSocket
from iotlab.mqtt.options import ClientOptions, Counters
from iotlab.mqtt.outbox import Outbox, Outgoing
from iotlab.mqtt.packets import MAX_REMAINING_BYTES, MAX_UINT16, MQTT_5, MQTT_311, ProtocolLevel, Subscription
from iotlab.mqtt.protocol_choice import ProtocolChoice
from iotlab.mqtt.status import StatusBoard
from iotlab.mqtt.waker import Waker

logger = logging.getLogger(__name__)

WATCH_INTERVAL_S = 0.5
TAKEOVER_NOTE_S = 60.0
ONLY_311 = "the broker speaks MQTT 3.1.1 only"


class Accepted(msgspec.Struct, frozen=True):
    """What the broker's CONNACK grants."""

    session_present: bool
    keep_alive_s: float
    receive_maximum: int = MAX_UINT16
    maximum_packet_bytes: int = MAX_REMAINING_BYTES


class Session(Engine, Protocol):
    """The protocol's session as paho keeps it, for one protocol level. Only the network thread uses it."""

    def open(self, *, clean_start: bool) -> FrameSocket:
        """Connect the socket and queue CONNECT. Raises OSError."""
        ...

    def subscribe(self, subscriptions: Sequence[Subscription]) -> None: ...

    def publish(self, outgoing: Outgoing) -> bool:
        """Send a QoS 1 or 2 message, or return False when it must wait."""
        ...

    def in_flight(self) -> int: ...

    def withdraw(self) -> list[Outgoing]:
        """Forget what the broker has not acknowledged, and return it, oldest first."""
        ...

    def disconnect(self) -> None: ...


class Network:
    """Runs the network thread and its watchdog.

    A session calls `accepted`, `refused`, `disconnected` and `subscriptions_answered`, in the network thread.
    """

    def __init__(
        self,
        options: ClientOptions,
        *,
        clock: Clock,
        counters: Counters,
        outbox: Outbox,
        delivery: Delivery,
        status: StatusBoard,
        make_session: Callable[[ProtocolLevel], Session],
    ) -> None:
        self._options = options
        self._clock = clock
        self._counters = counters
        self._outbox = outbox
        self._delivery = delivery
        self._status = status
        self._make_session = make_session
        self._sessions: dict[ProtocolLevel, Session] = {}
        self._backoff = Backoff(options.reconnect_cap_s, options.takeover_pause_s)
        self._wake: Callable[[], None] = lambda: None
        self._stopping = threading.Event()
        self._deadline_s = 0.0
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._subscriptions: dict[str, Subscription] = {}
        self._unsent: list[Subscription] = []
        self._attempt = Attempt(0, MQTT_5)
        self._connection: Connection | None = None
        self._granted = Accepted(session_present=False, keep_alive_s=0.0)
        self._was_connected = False
        self._disconnecting = False
        self._choice = ProtocolChoice(options.protocol)
        self._note = ""

    # What any thread may call.

    def start(self) -> None:
        """Start the network thread and its watchdog. Raises RuntimeError when it was started before."""
        if self._threads:
            raise RuntimeError("this client was started before: make a new one")
        waker = Waker()
        self._wake = waker.wake
        watchdog = threading.Thread(target=self._watch, args=(waker,), name="mqtt-watchdog", daemon=True)
        self._threads = [self._new_thread(waker), watchdog]
        self._status.set(state="connecting", reason="")
        for thread in self._threads:
            thread.start()

    def stop(self, timeout_s: float) -> bool:
        """Finish within ``timeout_s``; return False if the network thread still hangs then."""
        self._deadline_s = self._clock.monotonic_s() + timeout_s
        self._stopping.set()
        self.wake()
        me = threading.current_thread()
        for thread in self._threads:
            if thread is not me:
                # The last half second is for the DISCONNECT packet after the deadline.
                thread.join(timeout_s + 0.5)
        if any(thread.is_alive() for thread in self._threads):
            return me in self._threads
        for session in self._sessions.values():
            self._withdraw(session)
        return True

    def subscribe(self, subscriptions: Iterable[Subscription]) -> None:
        """Remember the subscriptions, send them now if connected, and again at every connect."""
        with self._lock:
            for subscription in subscriptions:
                self._subscriptions[subscription.topic_filter] = subscription
                self._unsent.append(subscription)
        self.wake()

    def wake(self) -> None:
        """Let the network thread look for work."""
        self._wake()

    # What a session calls.

    def accepted(self, granted: Accepted) -> None:
        """Note that the broker has accepted the connection."""
        attempt = self._attempt
        attempt.connected_s = self._clock.monotonic_s()
        self._granted = granted
        self._choice.accepted()
        if self._connection is not None:
            self._connection.set_keep_alive(granted.keep_alive_s)
        if self._was_connected and not granted.session_present and self._options.client_id:
            self._counters.sessions_lost += 1
        self._delivery.open(attempt.epoch, attempt.protocol)
        self._outbox.open(attempt.epoch, attempt.protocol)
        self._reclaim(attempt.protocol)
        with self._lock:
            self._unsent = list(self._subscriptions.values())
        reconnects = self._status.present.reconnects + self._was_connected
        self._was_connected = True
        self._status.set(
            state="connected",
            reason=self._note or self._protocol_note(),
            session_present=granted.session_present,
            protocol="5" if attempt.protocol == MQTT_5 else "3.1.1",
            reconnects=reconnects,
        )

    def refused(self, refusal: Refusal) -> None:
        """Note that the broker has refused the connection."""
        self._attempt.refused = refusal

    def disconnected(self, refusal: Refusal) -> None:
        """Note the broker's DISCONNECT."""
        self._attempt.disconnected = refusal

    def subscriptions_answered(self, answers: Sequence[tuple[str, str]]) -> None:
        """Note the filters that the broker refused, with its reasons."""
        for topic_filter, reason in answers:
            self._counters.subscriptions_refused += 1
            self._status.set(reason=f"the broker refuses the subscription to {topic_filter!r}: {reason}")

    # The network thread.

    def _new_thread(self, waker: Waker) -> threading.Thread:
        return threading.Thread(target=self._main, args=(waker,), name="mqtt-network", daemon=True)

    def _main(self, waker: Waker) -> None:
        try:
            while not self._stopping.is_set():
                self._sleep(self._try_once(waker))
        except BaseException as error:
            # Whatever it is, the watchdog starts a new thread; here it must only not get lost.
            logger.exception("the network thread dies")
            self._status.set(state="disconnected", reason=f"the network thread died of {type(error).__name__}")
        finally:
            if self._stopping.is_set():
                waker.close()

    def _sleep(self, pause_s: float) -> None:
        until_s = self._clock.monotonic_s() + pause_s
        while (rest_s := until_s - self._clock.monotonic_s()) > 0 and not self._stopping.wait(min(rest_s, 0.1)):
            pass

    def _try_once(self, waker: Waker) -> float:
        """Make one attempt, serve the connection that comes of it to its end, and return the pause after it."""
        attempt = Attempt(self._attempt.epoch + 1, self._choice.level)
        self._attempt = attempt
        try:
            self._serve(attempt, waker)
        except Exception as error:
            self._counters.network_errors += 1
            logger.exception("a connection failed")
            attempt.problem = f"the network code failed: {type(error).__name__}: {error}"
            # Nobody knows what state the session was left in.
            self._withdraw(self._sessions.pop(attempt.protocol, None))
        return 0.0 if self._stopping.is_set() else self._after(attempt)

    def _serve(self, attempt: Attempt, waker: Waker) -> None:
        session = self._sessions.get(attempt.protocol)
        if session is None:
            session = self._sessions[attempt.protocol] = self._make_session(attempt.protocol)
        try:
            frames = session.open(clean_start=self._options.clean_start and not self._was_connected)
        except OSError as error:
            host, port = self._options.host, self._options.port
            attempt.problem = f"there is no connection to {host}:{port}: {error.strerror or error}"
            return
        attempt.opened_s = self._clock.monotonic_s()
        connection = self._connection = Connection(
            session,
            frames,
            outbox=self._outbox,
            waker=waker,
            clock=self._clock,
            counters=self._counters,
            on_publish=self._delivery.packet,
            keep_alive_s=self._options.keep_alive_s,
        )
        self._disconnecting = False
        try:
            while self._prepare(attempt, session, connection) and connection.step():
                pass
        finally:
            self._connection = None
            connection.close()
            frames.close()
        attempt.closed = frames.ended or isinstance(frames.failure, ConnectionError)
        failure = f"the connection broke: {frames.failure.strerror or frames.failure}" if frames.failure else ""
        attempt.problem = attempt.problem or connection.problem or failure

    def _prepare(self, attempt: Attempt, session: Session, connection: Connection) -> bool:
        """Do what stands before the next step of a connection; return False to end it."""
        now_s = self._clock.monotonic_s()
        if attempt.connected_s is None:
            limit_s = self._choice.answer_limit_s(self._options.connect_timeout_s)
            attempt.silent = attempt.opened_s is not None and now_s - attempt.opened_s > limit_s
            return not attempt.silent and not self._stopping.is_set()
        if self._unsent:
            with self._lock:
                subscriptions, self._unsent = self._unsent, []
            session.subscribe(subscriptions)
        self._send_queued(session)
        if self._note and now_s - attempt.connected_s > TAKEOVER_NOTE_S:
            self._note = ""
            self._status.set(reason=self._protocol_note())
        if self._stopping.is_set():
            self._finish(now_s, session, connection)
        return not self._disconnecting or now_s < self._deadline_s + 0.25

    def _send_queued(self, session: Session) -> None:
        room = min(self._options.receive_maximum, self._granted.receive_maximum) - session.in_flight()
        while room > 0 and (outgoing := self._outbox.next_queued()) is not None:
            room -= 1
            if outgoing.size_bytes > self._granted.maximum_packet_bytes:
                self._counters.publish_refused += 1
                logger.warning("a message of %d bytes is larger than the broker accepts", outgoing.size_bytes)
            elif not session.publish(outgoing):
                self._outbox.put_back(outgoing)
                return

    def _finish(self, now_s: float, session: Session, connection: Connection) -> None:
        """Send DISCONNECT once everything else has gone, or time is up."""
        waiting = self._outbox.queued or self._outbox.ready or session.in_flight() or connection.has_unsent()
        if not self._disconnecting and (not waiting or now_s >= self._deadline_s):
            self._disconnecting = True
            session.disconnect()

    def _after(self, attempt: Attempt) -> float:
        """Draw the consequences of an attempt that is over, and return the pause before the next one."""
        if self._choice.ended(attempt):
            return 0.0
        now_s = self._clock.monotonic_s()
        pause = self._backoff.after(
            None if attempt.connected_s is None else now_s - attempt.connected_s,
            taken_over=attempt.taken_over(),
            closed_silently=attempt.closed_silently() and self._broker_listens(),
        )
        reason = attempt.reason(self._options)
        if pause.takeover:
            reason = self._note = takeover_reason(self._options.client_id, certain=attempt.taken_over())
        takeovers = self._status.present.takeovers + pause.takeover
        self._status.set(state="disconnected", reason=reason, takeovers=takeovers)
        return pause.seconds

    def _broker_listens(self) -> bool:
        """Return whether the broker still runs: a broker that was killed has thrown nobody out."""
        try:
            where = (self._options.host, self._options.port)
            socket.create_connection(where, self._options.connect_timeout_s).close()
        except OSError:
            return False
        return True

    def _protocol_note(self) -> str:
        fallen_back = self._attempt.protocol == MQTT_311 and self._options.protocol == "auto"
        return ONLY_311 if fallen_back else ""

    def _reclaim(self, protocol: ProtocolLevel) -> None:
        """Queue again what another protocol's session left behind, or more than this broker takes at once."""
        for level, session in self._sessions.items():
            if level != protocol or session.in_flight() > self._granted.receive_maximum:
                self._withdraw(session)

    def _withdraw(self, session: Session | None) -> None:
        for outgoing in reversed(session.withdraw() if session is not None else []):
            self._outbox.put_back(outgoing)

    # The watchdog's thread.

    def _watch(self, waker: Waker) -> None:
        while not self._stopping.wait(WATCH_INTERVAL_S):
            if not self._threads[0].is_alive():
                self._counters.thread_restarts += 1
                self._outbox.close()
                for session in self._sessions.values():
                    self._withdraw(session)
                self._sessions.clear()
                logger.error("the network thread is dead: a new one is started")
                self._threads[0] = self._new_thread(waker)
                self._threads[0].start()

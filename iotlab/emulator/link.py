"""A connection that comes back: one `Session` after another, with full jitter between them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from iotlab.clock import Clock
from iotlab.emulator.device import TOPIC_ROOT
from iotlab.emulator.session import UNSUPPORTED_VERSION, Endpoint, Refused, Session, Tally, Unanswered
from iotlab.emulator.speaker import Speaker
from iotlab.mqtt import wire
from iotlab.mqtt.backoff import Backoff

CONNECT_TIMEOUT_S = 10.0
MAX_RETRY_S = 5.0
CLOSE_TIMEOUT_S = 2.0
UNANSWERED_BEFORE_311 = 2
SHARED_FILTERS = (f"{TOPIC_ROOT}/+/ack", f"{TOPIC_ROOT}/+/cmd")


class Link:
    """Carries one device, or all of them when the connection is shared.

    Args:
        endpoint: The broker.
        client_id: Unique at the broker.
        speakers: Whom it carries.
        tally: Where the work is counted.
        clock: For keep alive and acknowledgement times.
        gate: Limits how many links connect at the same time.

    Attributes:
        reason: Why it is not connected, for a person.
        protocol: 5, or 4 after the broker did not speak MQTT 5.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        client_id: str,
        speakers: Sequence[Speaker],
        tally: Tally,
        clock: Clock,
        gate: asyncio.Semaphore,
    ) -> None:
        self.reason = "not connected yet"
        self.protocol: wire.ProtocolLevel = wire.MQTT_5
        self._endpoint = endpoint
        self._client_id = client_id
        self._speakers = {speaker.id: speaker for speaker in speakers}
        own_filters = [topic_filter for speaker in speakers for topic_filter in speaker.filters]
        self._filters = own_filters if len(speakers) == 1 else SHARED_FILTERS
        self._tally = tally
        self._clock = clock
        self._gate = gate
        self._session: Session | None = None
        self._task: asyncio.Task[None] | None = None
        self._backoff = Backoff(cap_s=MAX_RETRY_S)
        self._unanswered = 0
        self._since_s = 0.0
        self._stopped = False

    @property
    def connected(self) -> bool:
        """Return whether the broker has accepted the present connection."""
        return self._session is not None

    @property
    def idle(self) -> bool:
        """Return whether nothing of ours is on its way to the broker."""
        return self._session is None or self._session.idle

    def start(self) -> None:
        """Connect, and stay connected until `close`."""
        self._task = asyncio.get_running_loop().create_task(self._connect())

    def wake(self, speaker: Speaker) -> None:
        """Publish what ``speaker`` has to say, if there is a connection; else it stays with the speaker."""
        if self._session is not None:
            self._session.wake(speaker)

    def tick(self) -> None:
        """Keep the connection alive; call it every second."""
        if self._session is not None:
            self._session.tick()

    def leave(self) -> None:
        """Let every speaker publish its goodbye."""
        for speaker in self._speakers.values():
            speaker.leave()
            self.wake(speaker)

    async def close(self) -> None:
        """Disconnect properly, stay away, and return when the connection is gone."""
        self._stopped = True
        if self._task is not None:
            self._task.cancel()
        session, self._session = self._session, None
        if session is None:
            return
        session.close()
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await asyncio.shield(session.ended)
        except TimeoutError:
            # A broker that reads no more leaves our last bytes in the buffer.
            session.abort("the broker did not take our goodbye")

    def abort(self, reason: str) -> None:
        """Cut the connection at once, as a broken network would."""
        if self._session is not None:
            self._session.abort(reason)

    async def _connect(self) -> None:
        while not self._stopped:
            async with self._gate:
                session = await self._try()
            # It may have ended in the same turn of the loop in which it was accepted.
            if session is not None and session.up:
                self._session, self._since_s, self.reason = session, self._clock.monotonic_s(), ""
                return
            await asyncio.sleep(self._backoff.after(None).seconds)

    async def _try(self) -> Session | None:
        end = self._endpoint
        session = self._new_session()
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await asyncio.get_running_loop().create_connection(
                    lambda: session, end.host, end.port, ssl=end.tls
                )  # fmt: skip
                await session.established
        except Refused as error:
            self.reason = str(error)
            if error.reason_code in UNSUPPORTED_VERSION:
                self.protocol = wire.MQTT_311
        except Unanswered as error:
            self.reason = f"{end.host}:{end.port}: {error}"
            self._unanswered += 1
            old = self._unanswered % (UNANSWERED_BEFORE_311 + 1) == UNANSWERED_BEFORE_311
            self.protocol = wire.MQTT_311 if old else wire.MQTT_5
        except TimeoutError:
            self.reason = f"{end.host}:{end.port} did not answer within {CONNECT_TIMEOUT_S:g} s"
            session.abort(self.reason)
        except OSError as error:
            self.reason = f"{end.host}:{end.port}: {error}"
        else:
            return session
        return None

    def _new_session(self) -> Session:
        return Session(
            self._endpoint,
            client_id=self._client_id,
            protocol=self.protocol,
            speakers=list(self._speakers.values()),
            filters=self._filters,
            route=self._route,
            tally=self._tally,
            now_s=self._clock.monotonic_s,
            on_end=self._ended,
        )

    def _route(self, topic: str) -> Speaker | None:
        if len(self._speakers) == 1:
            return next(iter(self._speakers.values()))
        levels = topic.split("/", 2)
        return self._speakers.get(levels[1]) if len(levels) > 1 else None

    def _ended(self, session: Session, reason: str) -> None:
        if session is not self._session:
            return
        self._session = None
        self.reason = reason
        if self._stopped:
            return
        lasted_s = self._clock.monotonic_s() - self._since_s
        pause = self._backoff.after(lasted_s, taken_over=session.taken_over)
        self._task = asyncio.get_running_loop().create_task(self._again(pause.seconds))

    async def _again(self, pause_s: float) -> None:
        await asyncio.sleep(pause_s)
        await self._connect()

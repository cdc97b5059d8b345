"""Run the emulator: connect, play until told to stop, wait for the lab's acknowledgements, say goodbye."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import ssl
from collections.abc import Callable
from pathlib import Path

import msgspec

from iotlab.clock import US_PER_S, Clock, SystemClock, unhurried
from iotlab.emulator import ledger
from iotlab.emulator.cast import OutboxLimits, Script, cast
from iotlab.emulator.chance import fresh_boot_id
from iotlab.emulator.fleet import Fleet
from iotlab.emulator.limits import allow_open_files
from iotlab.emulator.progress import Progress
from iotlab.emulator.session import Endpoint
from iotlab.emulator.truth import Truth
from iotlab.errors import UnavailableError

POLL_S = 0.05
FILES_BESIDE_CONNECTIONS = 64


class EmulatorOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that `run` needs to know.

    Attributes:
        script: What is played; see `iotlab.emulator.cast.Script`.
        host, port, username, password, tls: The broker. The password is never shown.
        shared: One connection for all devices. It has no wills: a killed emulator leaves its devices online.
        ledger: The ledger file, written every second and at the end; None for none.
        begin_us: The lab's time at which the run begins, µs since 1970; until then devices are connected and silent.
            When it is over already, what went before is left out. None is now.
        duration_s: The run ends by itself after so long; None for never. Seconds of the machine, as all below.
        drain_s: At the end, how long to wait for the lab's acknowledgements.
        outbox: Limits of each device's outbox.
        keep_alive_s: The longest silence on a connection.
        window: QoS 1 messages in flight on one connection at most.
        tick_s: How often the ledger is written and progress is told.
    """

    script: Script = Script()
    host: str = "127.0.0.1"
    port: int = 1883
    username: str | None = None
    password: str | None = None
    tls: ssl.SSLContext | None = None
    shared: bool = False
    ledger: Path | None = None
    begin_us: int | None = None
    duration_s: float | None = None
    drain_s: float = 10.0
    outbox: OutboxLimits = OutboxLimits()
    keep_alive_s: int = 30
    window: int = 20
    tick_s: float = 1.0

    def __repr__(self) -> str:
        return f"EmulatorOptions({self.host}:{self.port}, {self.script})"


class _Run:
    """One run from its first to its last second."""

    def __init__(self, options: EmulatorOptions, clock: Clock, progress: Callable[[Progress], None]) -> None:
        self._options = options
        self._clock = clock
        self._machine = unhurried(clock)
        self._progress = progress
        self._company = cast(
            options.script, clock=clock, boot_id=lambda _seed, _device: fresh_boot_id(), limits=options.outbox
        )
        now_us = clock.now_us()
        self._started_us = now_us if options.begin_us is None else options.begin_us
        names = {device.id: device.device.name for device in self._company.all}
        self._truth = Truth(self._company.calendar, self._started_us, names)
        self._fleet = Fleet(
            self._company,
            _endpoint(options),
            clock=clock,
            shared=options.shared,
            started_s=clock.monotonic_s() + (self._started_us - now_us) / US_PER_S,
            truth=self._truth,
        )
        self._played_s: float | None = None
        self._ended_us: int | None = None
        self._last = (0.0, 0)
        self._ledger_error = ""
        self.latest: Progress | None = None

    def check(self) -> None:
        """Raise UnavailableError if the machine can't open that many connections."""
        if not self._options.shared:
            count = len(self._company.numbered) + len(self._company.foreign)
            allow_open_files(count + FILES_BESIDE_CONNECTIONS)

    async def go(self, stop: asyncio.Event, hurry: asyncio.Event) -> Progress:
        """Play until ``stop`` or the end of the duration, drain until ``hurry``, say goodbye."""
        self._fleet.connect()
        playing = asyncio.create_task(self._fleet.play())
        ticking = asyncio.create_task(self._tick())
        try:
            await self._until_stop(stop, playing)
            self._played_s = self._fleet.elapsed_s
            self._fleet.stop_generating()
            await self._drain(hurry)
        finally:
            for task in (playing, ticking):
                task.cancel()
            await asyncio.gather(playing, ticking, return_exceptions=True)
            await self._fleet.close()
            self._ended_us = self._clock.now_us()
            self._report("ended", durable=True)
        assert self.latest is not None  # noqa: S101  reported in the line above
        return self.latest

    async def _until_stop(self, stop: asyncio.Event, playing: asyncio.Task[None]) -> None:
        stopping = asyncio.create_task(stop.wait())
        try:
            done, _ = await asyncio.wait(
                (stopping, playing), timeout=self._options.duration_s, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            stopping.cancel()
        if playing in done:
            # It ends by itself only with an error of ours.
            playing.result()

    async def _drain(self, hurry: asyncio.Event) -> None:
        deadline_s = self._machine.monotonic_s() + self._options.drain_s
        while not (self._fleet.drained or hurry.is_set()) and self._machine.monotonic_s() < deadline_s:
            await asyncio.sleep(POLL_S)

    async def _tick(self) -> None:
        while True:
            self._report("playing" if self._played_s is None else "draining")
            await asyncio.sleep(self._options.tick_s)
            self._fleet.tick()

    def _report(self, phase: str, *, durable: bool = False) -> None:
        self._write_ledger(durable=durable)
        elapsed_s, totals = self._fleet.elapsed_s, self._fleet.totals()
        last_s, last_sent = self._last
        self._last = (elapsed_s, totals.sent)
        self.latest = Progress(
            phase=phase,
            elapsed_s=elapsed_s,
            devices=len(self._company.numbered),
            foreign=len(self._company.foreign),
            connected=totals.connected,
            sent=totals.sent,
            acked=totals.acked,
            outbox=totals.outbox,
            losses=totals.losses,
            rate=(totals.sent - last_sent) / (elapsed_s - last_s) if elapsed_s > last_s else 0.0,
            published=self._fleet.tally.published,
            foreign_sent=totals.foreign_sent,
            incidents=self._truth.running(elapsed_s) if phase == "playing" else [],
            takeovers=self._fleet.tally.takeovers,
            skipped=self._company.timeline.skipped,
            reason=self._fleet.reason if phase != "ended" else "",
            ledger_error=self._ledger_error,
        )
        self._progress(self.latest)

    def _write_ledger(self, *, durable: bool) -> None:
        if self._options.ledger is None:
            return
        try:
            ledger.write(self._ledger(), self._options.ledger, durable=durable)
            self._ledger_error = ""
        except OSError as error:
            # The devices go on: a full disk must not end the run, but it is said every second.
            self._ledger_error = f"{self._options.ledger}: {error.strerror}"

    def _ledger(self) -> ledger.Ledger:
        played_s = self._played_s if self._played_s is not None else self._fleet.elapsed_s
        return ledger.Ledger(
            seed=self._options.script.seed,
            scenario=self._company.scenario.name,
            started_us=self._started_us,
            ended_us=self._ended_us,
            devices=ledger.device_rows(self._company.numbered.values()),
            foreign=ledger.foreign_rows(self._company.foreign.values()),
            incidents=self._truth.rows(played_s, ended=self._played_s is not None),
            incidents_earlier={"total": self._truth.earlier, "expected": self._truth.earlier_expected},
            skipped=self._company.timeline.skipped,
        )


def _endpoint(options: EmulatorOptions) -> Endpoint:
    return Endpoint(
        host=options.host,
        port=options.port,
        username=options.username,
        password=options.password,
        tls=options.tls,
        keep_alive_s=options.keep_alive_s,
        window=options.window,
    )


async def run(
    options: EmulatorOptions,
    *,
    clock: Clock | None = None,
    stop: asyncio.Event | None = None,
    hurry: asyncio.Event | None = None,
    progress: Callable[[Progress], None] = lambda _: None,
) -> Progress:
    """Play a script against a broker until ``stop`` is set or the duration is over; return the last figures.

    At the end nothing more is measured; up to ``drain_s`` it waits until the lab has acknowledged every number; then
    every device publishes its retained offline status and disconnects properly, and the ledger file is written. The
    same is done, without waiting for acknowledgements, when the task is cancelled.

    Args:
        options: What to play and where.
        clock: The lab's time; the machine's own when None.
        stop: Set it to end the run; None to end only by ``duration_s`` or by cancelling.
        hurry: Set it to end the wait for acknowledgements.
        progress: Called at the begin, every second and at the end, in the event loop's thread.

    Raises:
        ConfigError: a file of the script is wrong; nothing was connected.
        UnavailableError: more connections than the machine allows; or the ledger could not be written at the end.
    """
    one = _Run(options, clock or SystemClock(), progress)
    one.check()
    last = await one.go(stop or asyncio.Event(), hurry or asyncio.Event())
    if last.ledger_error:
        raise UnavailableError(
            f"the ledger could not be written: {last.ledger_error}", hint="Free space or choose another file."
        )
    return last


def emulate(
    options: EmulatorOptions, *, clock: Clock | None = None, progress: Callable[[Progress], None] = lambda _: None
) -> Progress:
    """Play a script in this process's main thread until SIGINT or SIGTERM; return the last figures.

    The first signal ends the run properly (see `run`). A second one ends the wait for acknowledgements; the devices
    still say goodbye.

    Raises:
        ConfigError, UnavailableError: as `run` does.
    """
    return asyncio.run(_emulate(options, clock, progress))


async def _emulate(options: EmulatorOptions, clock: Clock | None, progress: Callable[[Progress], None]) -> Progress:
    stop = asyncio.Event()
    hurry = asyncio.Event()
    loop = asyncio.get_running_loop()

    def signalled() -> None:
        (hurry if stop.is_set() else stop).set()

    for number in (signal.SIGINT, signal.SIGTERM):
        # Windows has no such handlers; there Ctrl-C cancels the run, which says goodbye as well.
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, signalled)
    return await run(options, clock=clock, stop=stop, hurry=hurry, progress=progress)

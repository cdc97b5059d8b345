"""The emulator as a process of its own: signals and sudden death."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from iotlab.emulator.ledger import read
from tests.emulator.support import Bridge, eventually

PROGRAM = """
import sys
from pathlib import Path
from iotlab.emulator.cast import Script
from iotlab.emulator.run import EmulatorOptions, emulate
script = Script(scenario="small", devices_dir=Path(sys.argv[2]))
last = emulate(EmulatorOptions(script=script, port=int(sys.argv[1]), ledger=Path(sys.argv[3]), tick_s=0.1))
print(last.phase, last.sent, last.acked, last.outbox)
"""


@contextmanager
def emulator(port: int, devices_dir: Path, ledger: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-W", "error", "-c", PROGRAM, str(port), str(devices_dir), str(ledger)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_a_killed_emulator_leaves_its_wills(port: int, devices_dir: Path, tmp_path: Path) -> None:
    async def test() -> None:
        async with Bridge(port) as bridge:
            with emulator(port, devices_dir, tmp_path / "ledger.json") as process:
                await eventually(lambda: len(bridge.statuses) == 3, "births")
                process.kill()
                await eventually(
                    lambda: [found[-1]["status"] for found in bridge.statuses.values()] == ["offline"] * 3, "wills"
                )

    asyncio.run(test())


def test_sigterm_ends_it_properly(port: int, devices_dir: Path, tmp_path: Path) -> None:
    async def test() -> None:
        async with Bridge(port) as bridge:
            with emulator(port, devices_dir, tmp_path / "ledger.json") as process:
                await eventually(lambda: len(bridge.arrivals) > 10, "messages")
                process.send_signal(signal.SIGTERM)
                out, err = await asyncio.to_thread(process.communicate, None, 15)
            assert (process.returncode, err) == (0, "")
            phase, sent, acked, outbox = out.split()
            assert (phase, sent, outbox) == ("ended", acked, "0")
            book = read(tmp_path / "ledger.json")
            assert sum(row.sent for row in book.devices.values()) == int(sent) == len(set(bridge.arrivals))
            assert all(found[-1]["status"] == "offline" for found in bridge.statuses.values())

    asyncio.run(test())


def test_a_second_signal_ends_the_wait_for_acknowledgements(port: int, devices_dir: Path, tmp_path: Path) -> None:
    async def test() -> None:
        async with Bridge(port, acknowledges=False) as bridge:
            with emulator(port, devices_dir, tmp_path / "ledger.json") as process:
                await eventually(lambda: len(bridge.arrivals) > 10, "messages")
                process.send_signal(signal.SIGINT)
                await eventually(lambda: read(tmp_path / "ledger.json").devices["one"].outbox > 0, "the ledger")
                count = len(bridge.arrivals)
                await asyncio.sleep(0.3)
                assert process.poll() is None
                process.send_signal(signal.SIGINT)
                out, _ = await asyncio.to_thread(process.communicate, None, 5)
            assert out.split()[0] == "ended"
            assert int(out.split()[3]) > 0
            assert len(bridge.arrivals) >= count

    asyncio.run(test())

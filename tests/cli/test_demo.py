"""`iotlab demo` as a process: what it leaves behind, and what a second one does."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from iotlab.lab.runtime import Runtime, read_runtime


def start(directory: Path, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "iotlab.cli", "demo", "--data-dir", str(directory), *more]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def running(directory: Path) -> Runtime:
    deadline_s = time.monotonic() + 30
    while (found := read_runtime(directory)) is None:
        assert time.monotonic() < deadline_s
        time.sleep(0.05)
    return found


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@pytest.mark.parametrize("how", ["ctrl-c", "killed"])
def test_nothing_is_left_running(tmp_path: Path, how: str) -> None:
    demo = start(tmp_path, "--no-window")
    try:
        lab = running(tmp_path)
        assert answers(lab.broker_port)
        demo.send_signal(signal.SIGINT if how == "ctrl-c" else signal.SIGKILL)
        out, err = demo.communicate(timeout=60)
        if how == "ctrl-c":
            assert demo.returncode == 0, err
            assert "unnamed losses 0" in " ".join(out.split())
        deadline_s = time.monotonic() + 20
        while answers(lab.broker_port) or _is_alive(lab.pid):
            assert time.monotonic() < deadline_s, "something still runs"
            time.sleep(0.1)
    finally:
        demo.kill()
        demo.wait()


def test_a_second_demo_on_the_same_directory_is_refused_and_says_who_is_there(tmp_path: Path) -> None:
    first = start(tmp_path, "--no-window")
    try:
        lab = running(tmp_path)
        second = start(tmp_path, "--no-window")
        _, err = second.communicate(timeout=60)
        assert second.returncode == 1
        assert str(lab.pid) in err
        assert "--data-dir" in err
        assert first.poll() is None
    finally:
        first.send_signal(signal.SIGINT)
        first.communicate(timeout=60)


def test_a_demo_that_ends_by_itself_leaves_its_picture_and_its_report(tmp_path: Path) -> None:
    picture, report = tmp_path / "lab.png", tmp_path / "report.json"
    # Short enough that the demo ends before the time at which the window would have taken its picture.
    demo = start(tmp_path / "data", "--for", "6s", "--screenshot", str(picture), "--report", str(report))
    out, err = demo.communicate(timeout=90)
    assert demo.returncode == 0, out + err
    assert picture.read_bytes().startswith(b"\x89PNG")
    figures = json.loads(report.read_text())
    assert figures["devices"] >= 40
    assert figures["unnamed_losses"] == 0


def test_an_exact_demo_in_which_nothing_went_wrong_yet_shows_nothing_and_says_so(tmp_path: Path) -> None:
    demo = start(tmp_path, "--for", "2s", "--no-window", "--exact")
    out, err = demo.communicate(timeout=90)
    assert demo.returncode == 1, out
    assert "nothing was expected to go wrong" in " ".join(err.split())


@pytest.mark.parametrize(
    "flags", [("--speed", "0"), ("--speed", "600", "--screenshot", "x.png"), ("--scenario", "hom")]
)
def test_a_demo_that_makes_no_sense_is_refused_before_anything_starts(tmp_path: Path, flags: tuple[str, ...]) -> None:
    demo = start(tmp_path / "data", *flags)
    _, err = demo.communicate(timeout=60)
    assert demo.returncode == 2, err
    assert not (tmp_path / "data" / "broker").exists()


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A child whose parent was killed is not ours to reap; as a zombie it runs no more.
    state = Path(f"/proc/{pid}/stat")
    return not state.exists() or state.read_text().rsplit(")", 1)[1].split()[0] != "Z"

"""One jailed process as the host sees it: started, watched, ended."""

from __future__ import annotations

import json
import logging
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from iotlab.errors import UnavailableError
from iotlab.triggers.host.jail.order import Order

LOG = logging.getLogger(__name__)

START_S = 10.0
END_S = 1.0

_ROOT = str(Path(__file__).resolve().parents[3])
_BOOT = "import sys; sys.path.insert(0, sys.argv[1]); from iotlab.triggers.host.jail.keeper import main; main()"


class Process:
    """A program in its jail.

    Attributes:
        listener: Where it connects to: the Runtime API is served on it.
        doors: The sockets of the order's doors, in their order; whoever serves one closes it.
        inner: The process id of the jail's first process, whose descendants are the function's.
        exit_code: What the program ended with, negative for a signal; None while it runs or when nobody knows.
        error: What the jail could not do; empty when it could.
        control: Readable when the jail has something to say; see `hear`.
    """

    def __init__(self, order: Order) -> None:
        """Start it.

        Raises:
            UnavailableError: no process can be started, or the system refuses a part of the jail.
        """
        self.exit_code: int | None = None
        self.inner = 0
        self.listener: socket.socket | None = None
        self.doors: list[socket.socket] = []
        self.error = ""
        self._heard = b""
        self.control, theirs = socket.socketpair()
        with theirs:
            self._popen = _start(theirs)
        try:
            self._await_start(order)
        except BaseException:
            self.kill()
            self.close()
            raise

    @property
    def output(self) -> int:
        """The descriptor of what it writes."""
        stream = self._popen.stdout
        if stream is None:  # pragma: no cover  it was opened with one
            raise RuntimeError("the process was started without its output")
        return stream.fileno()

    @property
    def is_started(self) -> bool:
        """Whether it runs, or ran."""
        return self.listener is not None and self.inner != 0

    @property
    def has_ended(self) -> bool:
        """Whether it and everything that it started are gone."""
        return self._popen.poll() is not None

    def hear(self) -> bool:
        """Take in what the jail says now; False when it says nothing more."""
        try:
            data, descriptors, _, _ = socket.recv_fds(self.control, 65_536, 4)
        except OSError:
            return False
        for listener in [socket.socket(fileno=number) for number in descriptors]:
            if self.listener is None:
                self.listener = listener
            else:
                self.doors.append(listener)
        *lines, self._heard = (self._heard + data).split(b"\n")
        for line in lines:
            said = json.loads(line)
            self.inner = said.get("inner", self.inner)
            self.exit_code = said.get("ended", self.exit_code)
            self.error = said.get("error", self.error)
        return bool(data) and not self.error

    def kill(self) -> bool:
        """End it and everything that it started; return whether all was gone within a second."""
        with suppress(OSError):
            self.control.shutdown(socket.SHUT_RDWR)
        return self.wait(END_S) or self._kill_outer()

    def wait(self, timeout_s: float) -> bool:
        """Wait until all is gone; False when that takes longer."""
        try:
            self._popen.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def close(self) -> None:
        """Let go of its descriptors. It must have ended."""
        self.control.close()
        if self.listener is not None:
            self.listener.close()
        for door in self.doors:
            door.close()
        if self._popen.stdout is not None:
            self._popen.stdout.close()

    def _await_start(self, order: Order) -> None:
        goes_on = True
        try:
            self.control.settimeout(START_S)
            self.control.sendall(order.encode())
            while goes_on and not self.is_started:
                goes_on = self.hear()
        except OSError as error:
            self.error = self.error or str(error)
        if not self.is_started:
            raise UnavailableError(f"the function's process did not start: {self.error or 'no reason is known'}")

    def _kill_outer(self) -> bool:
        LOG.warning("the keeper of process %d did not end it in %g s and is killed", self.inner, END_S)
        self._popen.kill()
        return self.wait(END_S)


def _start(theirs: socket.socket) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-I", "-S", "-c", _BOOT, _ROOT, str(theirs.fileno())]
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={},
            cwd="/",
            pass_fds=(theirs.fileno(),),
            start_new_session=True,
        )
    except OSError as error:
        raise UnavailableError(f"no process can be started: {error}") from error

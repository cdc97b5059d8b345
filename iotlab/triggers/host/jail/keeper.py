"""Three processes for one function: the outer one answers to the host, the inner one is the function's first
process and ends everything when the function ends, the third becomes the function.

outer ── inner (process 1 of its own process namespace, where there is one) ── the function and all that it starts

The outer one ends when the function has ended or when the host closes the control socket, on purpose or by dying;
it ends only after nothing below it is left.
"""

from __future__ import annotations

import array
import json
import os
import select
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress

from iotlab.triggers.host.jail import libc, limits, network, root, tree
from iotlab.triggers.host.jail.order import Order

FAILED = 125


def run(control: socket.socket) -> int:
    """Take one order from the control socket, carry it out to its end, and return the exit code of this process."""
    order = Order.decode(_line(control))
    try:
        enter_process_namespaces(order)
    except OSError as error:
        say(control, error=str(error))
        return FAILED
    wake_read, wake_write = socket.socketpair()
    wake_write.settimeout(0)
    signal.set_wakeup_fd(wake_write.fileno(), warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    inner = os.fork()
    if inner == 0:
        _become_inner(control, order)
    say(control, inner=inner)
    _wait(control, wake_read, inner, order)
    return 0


def enter_process_namespaces(order: Order) -> None:
    """Make the namespaces that hold for this process's children. Raises OSError."""
    if not order.namespaces:
        return
    if not order.user_namespace:
        libc.unshare(libc.CLONE_NEWPID)
        return
    uid, gid = os.getuid(), os.getgid()
    libc.unshare(libc.CLONE_NEWUSER | libc.CLONE_NEWPID)
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with open(f"/proc/self/{name}", "w") as file:  # noqa: PTH123
            file.write(text)


def say(control: socket.socket, listeners: Sequence[socket.socket] = (), **fields: object) -> None:
    """Tell the host something, with sockets or without. A host that is gone is told nothing."""
    line = json.dumps(fields).encode() + b"\n"
    numbers = array.array("i", [listener.fileno() for listener in listeners])
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, numbers)] if listeners else []
    with suppress(OSError):
        control.sendmsg([line], rights)


def _wait(control: socket.socket, wake: socket.socket, inner: int, order: Order) -> None:
    """Return when the inner process and all below it have ended; end them when the host closes its socket."""
    while os.waitpid(inner, os.WNOHANG) == (0, 0):
        readable, _, _ = select.select([control, wake], [], [])
        if wake in readable:
            wake.recv(64)
        if control in readable:
            _end(inner, order)
            return


def _end(inner: int, order: Order) -> None:
    # In a process namespace the kernel itself ends all others with their first process, whatever they do.
    if not order.namespaces:
        tree.kill_below(inner)
    for end in (os.killpg, os.kill):
        with suppress(ProcessLookupError, PermissionError):
            end(inner, signal.SIGKILL)
    os.waitpid(inner, 0)


def _become_inner(control: socket.socket, order: Order) -> None:
    """Set up the rest of the jail, run the function in a child, wait for it. Never returns."""
    code = FAILED
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        listeners = _close_the_doors(order)
        port = listeners[0].getsockname()[1]
        function = os.fork()
        if function == 0:
            _become_function(control, order, port)
        say(control, listeners, port=port)
        for listener in listeners:
            listener.close()
        say(control, ended=_reap(function))
        if not order.namespaces and sys.platform == "linux":
            tree.kill_below(os.getpid())
        code = 0
    except OSError as error:
        say(control, error=str(error))
    finally:
        os._exit(code)


def _close_the_doors(order: Order) -> list[socket.socket]:
    """Lock this process in; return the sockets through which it is reached: the Runtime API's, then its doors'."""
    if sys.platform == "linux":
        libc.signal_when_parent_dies(signal.SIGKILL)
        libc.adopt_orphans()
    if order.namespaces:
        own_network = 0 if order.network else libc.CLONE_NEWNET
        libc.unshare(libc.CLONE_NEWNS | libc.CLONE_NEWIPC | libc.CLONE_NEWUTS | own_network)
        socket.sethostname("handler")
        if own_network:
            network.bring_up_loopback()
        root.enter([(source, target) for source, target in order.binds], order.temp_bytes)
    return [network.listen(), *(network.listen(port) for port in order.doors)]


def _become_function(control: socket.socket, order: Order, port: int) -> None:
    """Become the function's program. Never returns."""
    try:
        if sys.platform == "linux":
            # Elsewhere nothing but its process group finds it again.
            os.setsid()
        os.chdir(order.cwd)
        limits.apply(order)
        env = {name: text.replace("{api}", f"127.0.0.1:{port}") for name, text in order.env.items()}
        os.execve(order.argv[0], order.argv, env)  # noqa: S606  an argument list, no shell
    except OSError as error:
        say(control, error=str(error))
    finally:
        os._exit(FAILED)


def _reap(function: int) -> int:
    """Wait for the function, and for each orphan that comes by. Return its exit code, negative for a signal."""
    while True:
        pid, status = os.wait()
        if pid == function:
            return os.waitstatus_to_exitcode(status)


def _line(control: socket.socket) -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        piece = control.recv(65_536)
        if not piece:
            raise SystemExit(FAILED)
        line += piece
    return line


def main() -> None:
    """Run as ``python -I -S -c …`` by `iotlab.triggers.host.process`; the last argument is the control socket."""
    control = socket.socket(fileno=int(sys.argv[-1]))
    control.set_inheritable(False)
    sys.exit(run(control))

"""Reads the answers that buttons on ntfy notifications post to a reply topic."""

from __future__ import annotations

import http.client
import logging
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress

import msgspec

from iotlab.errors import AlarmError, TableError, UnavailableError
from iotlab.notify.answers import Answer, Signer
from iotlab.notify.safe_http import Target

LOG = logging.getLogger(__name__)

_SILENCE_S = 90.0
"""ntfy sends a keepalive every 45 s; after twice that the connection is dead."""
_PAUSE_S = 5.0
_LONGEST_PAUSE_S = 300.0
_MAX_LINE = 16_384


class _Line(msgspec.Struct):
    """One line of ntfy's JSON stream."""

    event: str
    id: str = ""
    message: str = ""


class ReplyTopic:
    """Follows one topic on a thread of its own and hands on what is signed by the lab.

    Answers that were posted while nothing followed come at the next connect, as long as the server keeps them (ntfy:
    12 hours). One that comes twice does nothing the second time.

    Args:
        target: The topic's URL.
        signer: Checks the answers.
        act: Acknowledges; raises AlarmError when that is no longer possible.
        authorization: The header of that name; empty for none. Never logged.
    """

    def __init__(
        self, target: Target, signer: Signer, act: Callable[[Answer], None], *, authorization: str = ""
    ) -> None:
        self._target = target
        self._signer = signer
        self._act = act
        self._authorization = authorization
        self._since = "all"
        self._stopping = threading.Event()
        self._socket: socket.socket | None = None
        self._thread: threading.Thread | None = None
        self.accepted = 0
        self.refused = 0
        self.errors = 0

    def start(self) -> None:
        """Follow the topic until `stop`."""
        self._thread = threading.Thread(target=self._run, name="reply-topic", daemon=True)
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """End the thread."""
        self._stopping.set()
        # A read that waits for the next line ends only with its connection.
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
        if self._thread is not None:
            self._thread.join(timeout_s)
            self._thread = None

    def handle(self, line: bytes) -> None:
        """Take one line of the stream. Raises UnavailableError, TableError when the table can't be used now."""
        try:
            said = msgspec.json.decode(line, type=_Line)
        except msgspec.DecodeError:
            self.refused += 1
            return
        if said.event != "message":
            return
        try:
            self._act(self._signer.read(said.message))
            self.accepted += 1
        except AlarmError as error:
            # The text of an answer is a token: it is in no log.
            self.refused += 1
            LOG.info("an answer from a phone changed nothing: %s", error.message)
        self._since = said.id or self._since

    def _run(self) -> None:
        pause_s = _PAUSE_S
        while not self._stopping.is_set():
            accepted = self.accepted
            try:
                self._follow()
            except (OSError, http.client.HTTPException, UnavailableError, TableError) as error:
                if self._stopping.is_set():
                    return
                self.errors += 1
                LOG.warning("the reply topic at %s is not read now: %s", self._target.origin, type(error).__name__)
            pause_s = _PAUSE_S if self.accepted > accepted else min(pause_s * 2, _LONGEST_PAUSE_S)
            self._stopping.wait(pause_s)

    def _follow(self) -> None:
        connection = self._connect()
        try:
            connection.connect()
            self._socket = connection.sock
            headers = {"Authorization": self._authorization} if self._authorization else {}
            connection.request("GET", f"{self._target.path}/json?since={self._since}", headers=headers)
            answer = connection.getresponse()
            if answer.status != 200:
                raise http.client.HTTPException(f"status {answer.status}")
            while not self._stopping.is_set() and (line := answer.readline(_MAX_LINE)):
                self.handle(line)
        finally:
            self._socket = None
            connection.close()

    def _connect(self) -> http.client.HTTPConnection:
        host, port = self._target.host, self._target.port
        if self._target.scheme == "https":
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(host, port, timeout=_SILENCE_S, context=context)
        return http.client.HTTPConnection(host, port, timeout=_SILENCE_S)

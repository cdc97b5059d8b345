"""Acknowledging from the phone: signed answers that a button on a notification sends back.

A lab at home can't be reached from outside, and it opens no port. So the answer takes a way that the lab looks at
from inside: the button of an ntfy notification posts the token to a *reply topic* on the same ntfy server, and the
lab reads that topic over a connection that it has made itself.

A token is good for one waiting period of one alarm: once somebody has acknowledged, it does nothing any more, nor
after the alarm has cleared or has been raised anew. It is signed with a key of the lab's, so that nobody who can
write to the topic can make one; whoever can *read* the topic of notifications or of replies can use one. Such topics
are named like passwords, as ntfy itself advises.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from pathlib import Path

import msgspec

from iotlab.clock import US_PER_S, Clock
from iotlab.domain.notification import Notification
from iotlab.errors import AlarmError

KEY_FILE = "answers.key"
GOOD_FOR_S = 7 * 86_400.0
MAX_TOKEN = 2000
_MAC_BYTES = 16
_BAD = "this answer is not one of the lab's"


class Answer(msgspec.Struct, frozen=True, array_like=True):
    """What a button says.

    Attributes:
        alarm: The alarm to acknowledge.
        waiting_us: Since when it waited for that when the notification was made: it names the waiting period.
        until_us: How long the button is good for.
        channel: Where the notification went, for the journal.
    """

    alarm: str
    waiting_us: int
    until_us: int
    channel: str


class Signer:
    """Makes and checks tokens.

    Args:
        key: 32 bytes that only the lab knows.
        clock: For how long a token is good.
    """

    def __init__(self, key: bytes, clock: Clock) -> None:
        self._key = key
        self._clock = clock

    def token(self, notification: Notification) -> str | None:
        """Return a notification's token; None when there is nothing to acknowledge."""
        waiting = notification.facts.get("waiting")
        if notification.to != "raised" or waiting is None:
            return None
        until_us = notification.created_us + round(GOOD_FOR_S * US_PER_S)
        answer = Answer(notification.alarm, int(waiting), until_us, notification.channel)
        content = msgspec.json.encode(answer)
        return base64.urlsafe_b64encode(self._mac(content) + content).decode("ascii").rstrip("=")

    def read(self, token: str) -> Answer:
        """Return what a token says.

        Raises:
            AlarmError: it is not one of the lab's, or its time is over.
        """
        if len(token) > MAX_TOKEN:
            raise AlarmError(_BAD)
        try:
            raw = base64.b64decode(token.strip() + "=" * (-len(token.strip()) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError) as error:
            raise AlarmError(_BAD) from error
        mac, content = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(content)):
            raise AlarmError(_BAD)
        answer = msgspec.json.decode(content, type=Answer)
        if answer.until_us < self._clock.now_us():
            raise AlarmError(
                "this answer is too old", hint="Acknowledge the alarm in the window or with iotlab alarms."
            )
        return answer

    def _mac(self, content: bytes) -> bytes:
        return hmac.new(self._key, b"iotlab answer 1\0" + content, hashlib.sha256).digest()[:_MAC_BYTES]


def load_or_create_key(directory: Path) -> bytes:
    """Return the lab's key for answers, made at the first time, in a file that only its owner can read."""
    path = directory / KEY_FILE
    try:
        return _read(path)
    except FileNotFoundError:
        temporary = path.with_name(f"{path.name}.{os.getpid()}")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(32))
        try:
            # A link fails where another process was faster; its key is then the lab's.
            path.hardlink_to(temporary)
        except FileExistsError:
            pass
        finally:
            temporary.unlink()
        return _read(path)


def _read(path: Path) -> bytes:
    return path.read_bytes()

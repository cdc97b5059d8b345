"""Webhooks signed as Standard Webhooks 1.0 says, so that a receiver can tell who sent them, and recognise a repeat.

Headers: ``webhook-id`` is the message's key, the same at each attempt; ``webhook-timestamp`` the time of the attempt
in seconds; ``webhook-signature`` is ``v1,`` and the base64 HMAC-SHA256 of ``id.timestamp.body``. A receiver refuses
timestamps that are more than five minutes old, and ignores an id that it knows.

Source: https://www.standardwebhooks.com, specification 1.0.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import Any
from urllib.parse import quote

import msgspec

from iotlab.clock import US_PER_S, Clock, iso
from iotlab.domain.notification import Notification
from iotlab.errors import ConfigError, Place
from iotlab.notify.channels.channel import SENT, Attempt, Outcome, Repeats
from iotlab.notify.safe_http import LostError, NotSentError, RefusedTargetError, Target, post, target_of
from iotlab.notify.words import facts_of

SECRET_PREFIX = "whsec_"  # noqa: S105  what a secret begins with
_LATER = frozenset({408, 409, 423, 425, 429})


class WebhookChannel:
    """Posts to one URL.

    Args:
        name: The channel's own name.
        url: Where to. It is never logged or shown: its path is often a token.
        secret: ``whsec_`` and 24 to 64 bytes in base64; empty sends without a signature.
        clock: For the timestamp.
        allow_internal: Post to link-local and other special addresses, too.

    Raises:
        ConfigError: the URL or the secret can't be used; the message shows neither.
    """

    repeats: Repeats = "keyed"

    def __init__(self, name: str, url: str, *, clock: Clock, secret: str = "", allow_internal: bool = False) -> None:
        self.name = name
        self._clock = clock
        self._allow_internal = allow_internal
        self._key = signing_key(name, secret)
        try:
            self._target: Target = target_of(url)
        except RefusedTargetError as error:
            place = Place(f"notification channel {name}", "url")
            raise ConfigError(
                place, str(error), expected="an http or https URL (not shown: it may hold a token)"
            ) from error

    def __repr__(self) -> str:
        return f"WebhookChannel({self.name!r}, {self._target.host})"

    @property
    def service(self) -> str:
        """What it is, with the host and never the path."""
        return f"webhook to {self._target.host}" + ("" if self._key else ", not signed")

    def send(self, attempt: Attempt) -> Outcome:
        """Post it. Connection and answer are each waited for 8 seconds; a redirect is a refusal."""
        body = msgspec.json.encode(document(attempt))
        seconds = self._clock.now_us() // US_PER_S
        try:
            status, _ = post(
                self._target, body, self._headers(attempt.key, seconds, body), allow_internal=self._allow_internal
            )
        except RefusedTargetError as error:
            return Outcome("refused", str(error))
        except NotSentError as error:
            return Outcome("retry", str(error))
        except LostError as error:
            return Outcome("unknown", str(error))
        return outcome_of(status)

    def _headers(self, key: str, seconds: int, body: bytes) -> dict[str, str]:
        message_id = header_text(key)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "iotlab",
            "webhook-id": message_id,
            "webhook-timestamp": str(seconds),
        }
        return headers | ({"webhook-signature": signature(self._key, message_id, seconds, body)} if self._key else {})


def document(attempt: Attempt) -> dict[str, Any]:
    """Return the webhook's JSON document: ``type``, ``timestamp`` and ``data``."""
    notification = attempt.notification
    members = [_entry(member) for member in attempt.about]
    data: dict[str, Any] = {"key": attempt.key, "title": attempt.shown_title, "text": attempt.body}
    data |= {"notifications": members} if attempt.group else members[0]
    if attempt.possible_repeat:
        data["possible_repeat"] = True
    kind = "alarm.group" if attempt.group else f"alarm.{notification.happening}"
    return {"type": kind, "timestamp": iso(notification.created_us), "data": data}


def _entry(notification: Notification) -> dict[str, Any]:
    # A template's title and text are the message's; the facts keep the notification's own.
    facts = {name: text for name, text in facts_of(notification).items() if name not in {"title", "count"}}
    return facts | {"version": notification.version, "key": notification.transition_key}


def outcome_of(status: int) -> Outcome:
    """Return what an HTTP status means for an attempt."""
    if 200 <= status < 300:
        return SENT
    if 300 <= status < 400:
        return Outcome("refused", f"the receiver answers {status}: redirects are not followed")
    later = status in _LATER or status >= 500
    return Outcome("retry" if later else "refused", f"the receiver answers {status}")


def header_text(key: str) -> str:
    """Return a key as a header can bear it: ASCII, without the dot that separates the parts of what is signed."""
    return quote(key, safe="/:@ ").replace(".", "%2E")


def signature(key: bytes, message_id: str, seconds: int, body: bytes) -> str:
    """Return the value of ``webhook-signature``."""
    signed = f"{message_id}.{seconds}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode("ascii")


def signing_key(name: str, secret: str) -> bytes:
    """Return the key of a secret; empty for none. Raises ConfigError, which does not show it."""
    if not secret:
        return b""
    place = Place(f"notification channel {name}", "secret")
    expected = f"{SECRET_PREFIX} and 24 to 64 bytes in base64, as Standard Webhooks has it"
    if not secret.startswith(SECRET_PREFIX):
        raise ConfigError(place, "the secret is of another form (not shown)", expected=expected)
    try:
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ConfigError(place, "the secret is not base64 (not shown)", expected=expected) from error
    if not 24 <= len(key) <= 64:
        raise ConfigError(place, f"the secret has {len(key)} bytes", expected=expected)
    return key

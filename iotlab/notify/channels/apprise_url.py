"""More than a hundred notification services through Apprise. One channel is one URL is one target.

Apprise's own retry is off: it would call the whole plug-in again, while the outbox keeps count of each attempt.
Apprise answers only yes or no, so what a no means is read from its log lines, which are kept from everybody else:
they may hold the URL, and the URL holds tokens.
"""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Callable
from contextvars import ContextVar, Token
from urllib.parse import quote, unquote

import apprise

from iotlab.domain.notification import Notification
from iotlab.errors import ConfigError, Place
from iotlab.notify.channels.channel import SENT, Attempt, Outcome, Repeats

KEYED_SCHEMES = frozenset({"json", "jsons", "xml", "xmls", "form", "forms"})
"""Webhooks, which are given the transition's key as the header Idempotency-Key and the field ``key``."""

_APPRISE_LOG = logging.getLogger("apprise")
_HTTP_LOG = logging.getLogger("urllib3.connectionpool")
_STATUS = re.compile(r"\berror=(\d{3})\b")
_NOT_CONNECTED = re.compile(
    r"NewConnectionError|ConnectTimeout|NameResolutionError|Connection refused|SSLError|ProxyError"
    r"|No route to host|Network is unreachable|Name or service not known"
)
_LATER = frozenset({408, 409, 423, 425, 429})
_SEPARATORS = re.compile(r"[/:@?&=#,]")
_SHORTEST_SECRET = 4
_TYPES = {
    "info": apprise.NotifyType.INFO,
    "warning": apprise.NotifyType.WARNING,
    "critical": apprise.NotifyType.FAILURE,
}


class AppriseChannel:
    """Sends to one target of Apprise.

    Args:
        name: The channel's own name.
        url: Apprise's URL with its tokens. It is never logged or shown.
        button: Returns ntfy's ``actions`` for a notification: the button that acknowledges it.

    Raises:
        ConfigError: Apprise does not know the service, misses something, or the URL names several targets.
    """

    def __init__(self, name: str, url: str, *, button: Callable[[Notification], str] | None = None) -> None:
        _keep_logs_private()
        _load_services()
        self.name = name
        self._url = url
        self._asset = apprise.AppriseAsset(app_id="iotlab", async_mode=False, secure_logging=True)
        self._plugin = self._instantiate(url)
        self._keyed = url.partition("://")[0].strip().lower() in KEYED_SCHEMES
        self._button = button
        self._secrets = _secrets(url, keep=str(self._plugin.host) if self._keyed else "")

    def __repr__(self) -> str:
        return f"AppriseChannel({self.name!r}, {self.service})"

    @property
    def service(self) -> str:
        """The service's name, such as Telegram."""
        return f"{self._plugin.service_name} through Apprise"

    @property
    def repeats(self) -> Repeats:
        """Webhooks are keyed; people see everything else."""
        return "keyed" if self._keyed else "visible"

    def send(self, attempt: Attempt) -> Outcome:
        """Send it. Connection and answer are each waited for 4 seconds, unless the URL says otherwise."""
        sender = apprise.Apprise(asset=self._asset)
        sender.add(self._plugin_for(attempt))
        with _Captured() as captured:
            done = sender.notify(
                body=attempt.body,
                title=attempt.shown_title,
                notify_type=self._type(attempt),
                body_format=apprise.NotifyFormat.TEXT,
            )
        return SENT if done else self._explain(captured.lines)

    def _type(self, attempt: Attempt) -> apprise.NotifyType:
        notification = attempt.notification
        return apprise.NotifyType.SUCCESS if notification.to == "cleared" else _TYPES[notification.severity]

    def _plugin_for(self, attempt: Attempt) -> apprise.NotifyBase:
        if self._keyed:
            return self._keyed_plugin(attempt)
        actions = self._button(attempt.notification) if self._button and not attempt.group else ""
        return self._instantiate(self._with_query({"actions": actions})) if actions else self._plugin

    def _keyed_plugin(self, attempt: Attempt) -> apprise.NotifyBase:
        key = attempt.key
        fields = {
            # A header is ASCII, and a device's name may be anything.
            "+Idempotency-Key": quote(key, safe="/:@ "),
            ":key": key,
        }
        if attempt.possible_repeat:
            fields[":possible_repeat"] = "yes"
        return self._instantiate(self._with_query(fields))

    def _with_query(self, fields: dict[str, str]) -> str:
        # Twice, because Apprise unquotes these fields twice: a device may be called "%41".
        query = "&".join(f"{name}={quote(quote(value, safe=''), safe='')}" for name, value in fields.items())
        return f"{self._url}{'&' if '?' in self._url else '?'}{query}"

    def _instantiate(self, url: str) -> apprise.NotifyBase:
        with _Captured():
            plugin = apprise.Apprise.instantiate(url, asset=self._asset)
        place = Place(f"notification channel {self.name}", "url")
        if plugin is None:
            expected = "a URL as its documentation (appriseit.com/services) has it, such as ntfy://topic"
            raise ConfigError(place, "Apprise can't use this URL (not shown: it may hold a token)", expected=expected)
        plugin.retry = 0
        plugin.optional = False
        if len(plugin) > 1:
            raise ConfigError(place, f"the URL names {len(plugin)} targets", expected="one channel for each target")
        return plugin

    def _explain(self, lines: list[tuple[int, str]]) -> Outcome:
        warnings = [text for level, text in lines if level >= logging.WARNING]
        error = self._without_secrets(warnings[-1] if warnings else "Apprise gives no reason")
        statuses = [int(match[1]) for text in warnings if (match := _STATUS.search(text))]
        if statuses:
            refused = 400 <= statuses[-1] < 500 and statuses[-1] not in _LATER
            return Outcome("refused" if refused else "retry", error)
        if any(_NOT_CONNECTED.search(text) for _, text in lines):
            return Outcome("retry", error)
        return Outcome("unknown", error)

    def _without_secrets(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text[:500]


class _Captured(logging.Handler):
    """Apprise's log lines of this call, while it is entered.

    Apprise calls plug-ins in threads of its own, with the caller's context.
    """

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[tuple[int, str]] = []
        self._before: Token[_Captured | None] | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the line if it is of this call."""
        if _capturing.get() is self:
            self.lines.append((record.levelno, record.getMessage()))

    def __enter__(self) -> _Captured:
        self._before = _capturing.set(self)
        _APPRISE_LOG.addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        _APPRISE_LOG.removeHandler(self)
        if self._before is not None:
            _capturing.reset(self._before)


_capturing: ContextVar[_Captured | None] = ContextVar("iotlab_apprise_captured", default=None)


def _load_services() -> None:
    with warnings.catch_warnings():
        # Apprise's e-mail plug-in imports a module that Python 3.13 no longer has, which is Apprise's to mend.
        warnings.simplefilter("ignore", DeprecationWarning)
        apprise.Apprise.instantiate("json://localhost")


def _keep_logs_private() -> None:
    _APPRISE_LOG.propagate = False
    _APPRISE_LOG.setLevel(logging.DEBUG)
    if not _APPRISE_LOG.handlers:
        # Without a handler, Python would print warnings to stderr.
        _APPRISE_LOG.addHandler(logging.NullHandler())
    if _HTTP_LOG.level == logging.NOTSET:
        # At DEBUG it writes each request's path, in which many services have their token.
        _HTTP_LOG.setLevel(logging.INFO)


def _secrets(url: str, *, keep: str) -> tuple[str, ...]:
    pieces = _SEPARATORS.split(url.partition("://")[2])
    both = {form for piece in pieces for form in (piece, unquote(piece))}
    return tuple(sorted((piece for piece in both if len(piece) >= _SHORTEST_SECRET and piece != keep), key=len))[::-1]

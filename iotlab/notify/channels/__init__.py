"""The places that notifications go to."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import time
from typing import Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import msgspec

from iotlab.clock import Clock, SystemClock
from iotlab.domain.alarm import SEVERITIES, Severity
from iotlab.domain.notification import Route
from iotlab.errors import ConfigError, Place
from iotlab.mqtt.options import ClientOptions
from iotlab.notify.answers import Signer
from iotlab.notify.buttons import Button
from iotlab.notify.channels.channel import Channel
from iotlab.notify.channels.desktop import DesktopChannel
from iotlab.notify.channels.inbox import InboxChannel
from iotlab.notify.channels.webhook import WebhookChannel
from iotlab.notify.manner import Manner
from iotlab.notify.policy import Hours, Policy
from iotlab.notify.template import Template, TemplateError
from iotlab.notify.words import Words
from iotlab.table.store import Store

ChannelKind = Literal["inbox", "desktop", "apprise", "webhook", "sns", "mqtt"]


class ChannelConfig(msgspec.Struct, frozen=True):
    """One channel as configured; the settings' keys of the same names say more.

    Attributes:
        name: Its own name, unique.
        kind: What it is.
        url, secret, reply_topic: Already resolved. Not shown by ``repr``, for they hold tokens.
        topic, topic_arn, endpoint_url, allow_internal: For the kinds that need them.
        severities, devices, device_types, rooms: The alarms that it is told of.
        hours, quiet, digest_at, passes, group_s, timezone: When it is told.
        after_s, repeat_s: What happens when nobody acknowledges.
        title, body: Its templates; empty is the notification's own words.
    """

    name: str
    kind: ChannelKind
    url: str = ""
    severities: tuple[Severity, ...] = SEVERITIES
    secret: str = ""
    reply_topic: str = ""
    topic: str = ""
    topic_arn: str = ""
    endpoint_url: str = ""
    allow_internal: bool = False
    devices: tuple[str, ...] = ()
    device_types: tuple[str, ...] = ()
    rooms: tuple[str, ...] = ()
    hours: str = ""
    quiet: str = ""
    digest_at: str = ""
    passes: tuple[Severity, ...] = ("critical",)
    group_s: float = 0.0
    timezone: str = ""
    after_s: float = 0.0
    repeat_s: float = 0.0
    title: str = ""
    body: str = ""

    def __repr__(self) -> str:
        return f"ChannelConfig(name={self.name!r}, kind={self.kind!r}, severities={self.severities!r})"

    @property
    def route(self) -> Route:
        """What the evaluator and the caretaker need to know of it."""
        return Route(
            self.name, self.severities, self.devices, self.device_types, self.rooms, self.after_s, self.repeat_s
        )

    @property
    def manner(self) -> Manner:
        """When it is told and in which words. Raises ConfigError for a wrong template, with its place in it."""
        policy = Policy(
            hours=_hours(self.hours),
            quiet=_hours(self.quiet),
            digest_at=time.fromisoformat(self.digest_at) if self.digest_at else None,
            passes=self.passes,
            group_s=self.group_s,
            zone=ZoneInfo(self.timezone) if self.timezone else None,
        )
        words = Words(
            template(self.title or "{title}", f"notification channel {self.name}", "title"),
            template(self.body or "{message}", f"notification channel {self.name}", "body"),
        )
        return Manner(policy, words)


class Surroundings(msgspec.Struct, frozen=True):
    """What some channels need of the lab.

    Attributes:
        clock: For the time that a webhook is stamped with.
        mqtt: How the lab connects to its broker; None where no channel is of kind ``mqtt``.
        signer: Signs the answers of buttons; None for no buttons.
    """

    clock: Clock
    mqtt: ClientOptions | None = None
    signer: Signer | None = None


def template(text: str, file: str, key: str) -> Template:
    """Return a person's template. Raises ConfigError with the line and the column of what is wrong."""
    try:
        return Template(text)
    except TemplateError as error:
        place = Place(file, key, error.line)
        problem = f"column {error.column}: {error.problem}"
        raise ConfigError(
            place, problem, expected="text with {name} or {name|fallback}", nearest=error.nearest
        ) from error


def open_channels(
    configs: Iterable[ChannelConfig], store: Store, surroundings: Surroundings | None = None
) -> list[Channel]:
    """Return the channels, ready to send.

    Raises:
        ConfigError: the URL or another setting of one can't be used; the message shows no secret.
    """
    around = surroundings or Surroundings(SystemClock())
    return [_open(config, store, around) for config in configs]


def _open(config: ChannelConfig, store: Store, around: Surroundings) -> Channel:
    match config.kind:
        case "inbox":
            return InboxChannel(config.name, store)
        case "desktop":
            return DesktopChannel(config.name)
        case "webhook":
            return WebhookChannel(
                config.name,
                config.url,
                clock=around.clock,
                secret=config.secret,
                allow_internal=config.allow_internal,
            )
        case "sns":
            from iotlab.notify.channels.sns import SnsChannel  # noqa: PLC0415  most labs do without it

            return SnsChannel(config.name, config.topic_arn, endpoint_url=config.endpoint_url)
        case "mqtt":
            return _open_mqtt(config, around)
        case "apprise":
            # Apprise takes a third of a second to import, and most labs begin without it.
            from iotlab.notify.channels.apprise_url import AppriseChannel  # noqa: PLC0415

            return AppriseChannel(config.name, config.url, button=_button(config, around))


def _open_mqtt(config: ChannelConfig, around: Surroundings) -> Channel:
    from iotlab.notify.channels.mqtt_topic import MqttChannel  # noqa: PLC0415  most labs do without it

    if around.mqtt is None:
        place = Place(f"notification channel {config.name}", "kind")
        raise ConfigError(place, "there is no broker here", expected="a running lab, which knows its broker")
    own = f"{around.mqtt.client_id or 'iotlab'}-notify-{config.name}"
    options = msgspec.structs.replace(around.mqtt, client_id=own, clean_start=True, session_expiry_interval_s=0)
    return MqttChannel(config.name, config.topic, options, clock=around.clock)


def _button(config: ChannelConfig, around: Surroundings) -> Button | None:
    if not config.reply_topic or around.signer is None:
        return None
    if urlsplit(config.url).scheme.lower() not in {"ntfy", "ntfys"}:
        place = Place(f"notification channel {config.name}", "reply_topic")
        raise ConfigError(
            place, "only ntfy has buttons that answer to a topic", expected="an ntfy:// or ntfys:// URL"
        )
    return Button(config.name, config.reply_topic, around.signer)


def _hours(text: str) -> Hours | None:
    if not text:
        return None
    start, _, end = text.partition("-")
    return Hours(time.fromisoformat(start), time.fromisoformat(end))

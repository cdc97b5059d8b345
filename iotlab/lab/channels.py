"""From the settings of notifications to the parts that deliver them, with all secrets read."""

from __future__ import annotations

import base64
import logging
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from iotlab.clock import Clock
from iotlab.config import Channel, Settings
from iotlab.mqtt.options import ClientOptions
from iotlab.notify.answers import Answer, Signer, load_or_create_key
from iotlab.notify.buttons import reply_target
from iotlab.notify.channels import ChannelConfig, Surroundings
from iotlab.notify.manner import Manner
from iotlab.notify.reply_topic import ReplyTopic
from iotlab.table.store import Store
from iotlab.triggers.acts import Person

_log = logging.getLogger(__name__)


def channel_configs(settings: Settings) -> list[ChannelConfig]:
    """Return the channels of the settings.

    Raises:
        ConfigError: a secret is missing or can be read by others.
        UnavailableError: the system's keyring can't be reached now.
    """
    return [channel_config(channel, settings.notify.timezone) for channel in settings.notify.channels]


def channel_config(channel: Channel, timezone: str) -> ChannelConfig:
    """Return one channel of the settings. Raises like `channel_configs`."""
    return ChannelConfig(
        name=channel.name,
        kind=channel.kind,
        url=channel.url.reveal() if channel.url else "",
        secret=channel.secret.reveal() if channel.secret else "",
        reply_topic=channel.reply_topic.reveal() if channel.reply_topic else "",
        topic=channel.topic,
        topic_arn=channel.topic_arn,
        endpoint_url=channel.endpoint_url,
        allow_internal=channel.allow_internal,
        severities=channel.severities,
        devices=channel.devices,
        device_types=channel.device_types,
        rooms=channel.rooms,
        hours=channel.hours,
        quiet=channel.quiet,
        digest_at=channel.digest_at,
        passes=channel.passes,
        group_s=channel.group_s,
        timezone=timezone,
        after_s=channel.after_s,
        repeat_s=channel.repeat_s,
        title=channel.title,
        body=channel.body,
    )


def manners(configs: Sequence[ChannelConfig]) -> dict[str, Manner]:
    """Return when each channel is told and in which words. Raises ConfigError for a wrong template."""
    return {config.name: config.manner for config in configs}


def surroundings(
    configs: Sequence[ChannelConfig], directory: Path, clock: Clock, mqtt: ClientOptions | None
) -> Surroundings:
    """Return what the channels need of the lab. A key for answers is made only where a channel has buttons."""
    wanted = any(config.reply_topic for config in configs)
    return Surroundings(clock, mqtt, Signer(load_or_create_key(directory), clock) if wanted else None)


def reply_topics(configs: Sequence[ChannelConfig], store: Store, around: Surroundings) -> list[ReplyTopic]:
    """Return a follower for each reply topic; it acknowledges in the name of the channel's phone."""
    if around.signer is None:
        return []
    return [_reply_topic(config, store, around.clock, around.signer) for config in configs if config.reply_topic]


def _reply_topic(config: ChannelConfig, store: Store, clock: Clock, signer: Signer) -> ReplyTopic:
    def act(answer: Answer) -> None:
        done = Person(store, f"phone ({answer.channel})"[:64], clock).answer(answer.alarm, answer.waiting_us)
        _log.info("%s was acknowledged from a phone", done.alarm)

    target = reply_target(config.name, config.reply_topic)
    return ReplyTopic(target, signer, act, authorization=_authorization(config.url))


def _authorization(url: str) -> str:
    """Return the header for a server that wants the user of the channel's ntfy URL; empty without one."""
    parts = urlsplit(url)
    if not parts.username:
        return ""
    if parts.password is None:
        return f"Bearer {unquote(parts.username)}" if parts.username.startswith("tk_") else ""
    pair = f"{unquote(parts.username)}:{unquote(parts.password)}"
    return "Basic " + base64.b64encode(pair.encode()).decode("ascii")

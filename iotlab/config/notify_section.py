"""The settings of notifications: who is told, of what, when, and in which words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from iotlab.config.channel_checks import (
    check_channels,
    check_hours,
    check_time,
    check_timezone,
)
from iotlab.config.checks import check_url, check_word
from iotlab.config.secret import Secret
from iotlab.config.setting import Setting
from iotlab.domain.alarm import SEVERITIES, Severity

ChannelKind = Literal["inbox", "desktop", "apprise", "webhook", "sns", "mqtt"]
_DAY_S = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One place that notifications go to: a ``[[notify.channel]]`` table."""

    name: Annotated[str, Setting("The channel's own name, shown with each notification.", check=check_word)]
    kind: Annotated[
        ChannelKind,
        Setting(
            "`inbox` is the lab's own list, `desktop` the desktop's notifications, `apprise` any Apprise service, "
            "`webhook` a signed HTTP request, `sns` a topic of Amazon SNS, `mqtt` a topic of the lab's broker."
        ),
    ]
    url: Annotated[
        Secret | None,
        Setting("For `apprise` and `webhook`: where the service's URL is kept. Such URLs carry tokens."),
    ] = None
    secret: Annotated[
        Secret | None,
        Setting("For `webhook`: where the signing secret (`whsec_…`) is kept. Without it nothing is signed."),
    ] = None
    topic: Annotated[str, Setting("For `mqtt`: the topic name.")] = ""
    topic_arn: Annotated[str, Setting("For `sns`: the topic's ARN.")] = ""
    endpoint_url: Annotated[
        str, Setting("For `sns`: the address of a service other than AWS.", check=check_url, default_text="AWS's own")
    ] = ""
    allow_internal: Annotated[
        bool, Setting("For `webhook`: post to link-local and other special addresses, too.")
    ] = False
    reply_topic: Annotated[
        Secret | None,
        Setting(
            "For `apprise` with an ntfy URL: where the URL of the ntfy topic is kept to which the button "
            "`Acknowledge` answers, such as https://ntfy.sh/a-name-nobody-guesses."
        ),
    ] = None
    severities: Annotated[tuple[Severity, ...], Setting("Which alarms it is told.")] = SEVERITIES
    devices: Annotated[
        tuple[str, ...],
        Setting("Only alarms on these devices: ids or globs such as kitchen-*.", default_text="all devices"),
    ] = ()
    device_types: Annotated[
        tuple[str, ...], Setting("Only alarms on devices of these types.", default_text="all types")
    ] = ()
    rooms: Annotated[tuple[str, ...], Setting("Only alarms in these rooms.", default_text="all rooms")] = ()
    hours: Annotated[
        str,
        Setting(
            "Only what happens in these hours, such as 08:00-18:00. What does not is marked as skipped.",
            check=check_hours,
            default_text="always",
        ),
    ] = ""
    quiet: Annotated[
        str,
        Setting(
            "Quiet hours, such as 22:00-07:00. What comes then is held and delivered afterwards as one message.",
            check=check_hours,
            default_text="none",
        ),
    ] = ""
    digest_at: Annotated[
        str,
        Setting(
            "Collect everything, and deliver it as one message at this time of day, such as 08:00.", check=check_time
        ),
    ] = ""
    passes: Annotated[
        tuple[Severity, ...], Setting("Severities that wait neither for quiet hours to end nor for a digest.")
    ] = ("critical",)
    group_s: Annotated[
        float,
        Setting(
            "What comes within this time after the first goes with it as one message. 0 is each alone.",
            unit="s",
            minimum=0,
            maximum=3600,
        ),
    ] = 0.0
    after_s: Annotated[
        float,
        Setting(
            "Only alarms that nobody has acknowledged this long after they were raised. 0 is at once.",
            unit="s",
            minimum=0,
            maximum=7 * _DAY_S,
        ),
    ] = 0.0
    repeat_s: Annotated[
        float,
        Setting(
            "Tell it again after this time, as long as nobody acknowledges. 0 is never.",
            unit="s",
            minimum=0,
            maximum=7 * _DAY_S,
        ),
    ] = 0.0
    title: Annotated[
        str, Setting("A template of the title; see docs/notifications.md.", default_text="the notification's own")
    ] = ""
    body: Annotated[
        str, Setting("A template of the text; see docs/notifications.md.", default_text="the notification's own")
    ] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifySettings:
    """Who is told of alarms."""

    channels: Annotated[
        tuple[Channel, ...],
        Setting(
            "The channels, each a table of its own. On the command line and in the environment: "
            'an inline TOML table such as {name="phone", kind="apprise", url="env:PHONE_URL"}.',
            key="channel",
            check=check_channels,
            default_text="the inbox",
        ),
    ] = (Channel(name="inbox", kind="inbox"),)
    timezone: Annotated[
        str,
        Setting(
            "The time zone of the channels' times of day, such as Europe/Berlin.",
            check=check_timezone,
            default_text="this machine's",
        ),
    ] = ""

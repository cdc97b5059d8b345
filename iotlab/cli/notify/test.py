"""`iotlab notify test`."""

from __future__ import annotations

from contextlib import ExitStack

from iotlab.cli.connection import broker_target
from iotlab.cli.notify.choosing import ChannelName, find_channel
from iotlab.cli.options import with_settings
from iotlab.cli.table.opening import open_store
from iotlab.cli.table.where import Where
from iotlab.clock import Clock, SystemClock
from iotlab.config import Settings
from iotlab.domain.notification import Notification
from iotlab.errors import UnavailableError
from iotlab.lab.channels import channel_config
from iotlab.lab.runtime import read_runtime
from iotlab.mqtt.options import ClientOptions
from iotlab.notify.channels import Surroundings, open_channels
from iotlab.notify.channels.channel import Attempt, Closable
from iotlab.notify.words import say
from iotlab.table.store import Store

_MEANING = {
    "retry": "not taken now; a real notification is tried again for a day",
    "refused": "refused",
    "unknown": "sent, and no answer came: it may have arrived",
}


@with_settings("data", "notify", "broker")
def command(settings: Settings, *, channel: ChannelName) -> None:
    """Send a test notification to one channel now and say what came of it. Exit code 1 when it was not taken.

    It goes straight to the channel, whatever its hours, and leaves no row in the outbox.

    Example:

        iotlab notify test phone
    """
    config = channel_config(find_channel(settings, channel), settings.notify.timezone)
    clock = SystemClock()
    with ExitStack() as stack:
        # Only the inbox is in the table; all others are tried without a lab.
        store = (
            stack.enter_context(open_store(Where(settings.data.dir))).store if config.kind == "inbox" else _NO_STORE
        )
        [opened] = open_channels([config], store, Surroundings(clock, _broker(settings)))
        said = say(config.manner.words, [sample(channel, clock)], clock.now_us())
        outcome = opened.send(Attempt(sample(channel, clock), said.body, title=said.title))
        if isinstance(opened, Closable):
            opened.close()
    if outcome.status != "sent":
        raise UnavailableError(f"{opened.service}: {_MEANING[outcome.status]}", hint=outcome.error)
    print(f"{opened.service}: sent")


class _NoTransport:
    """Stands for the table where a channel needs none."""

    def call(self, operation: str, request: dict[str, object]) -> dict[str, object]:
        raise UnavailableError(f"a test has no table for {operation} of {request.get('TableName')}")


_NO_STORE = Store(_NoTransport())


def sample(channel: str, clock: Clock) -> Notification:
    """Return a notification that says that it is a test."""
    now_us = clock.now_us()
    facts = {"name": "Test", "room": "kitchen", "value": "14 L/min", "threshold": "above 12 L/min", "channel": "flow"}
    return Notification(
        alarm="test/test",
        version=now_us // 1_000_000,
        channel=channel,
        to="raised",
        severity="info",
        title="Test of iotlab",
        body="This is a test. No alarm was raised.",
        created_us=now_us,
        what="raised",
        facts=facts | {"headline": "Test of iotlab"},
    )


def _broker(settings: Settings) -> ClientOptions | None:
    if settings.broker.is_private and read_runtime(settings.data.dir) is None:
        return None
    target = broker_target(settings)
    return ClientOptions(
        host=target.host,
        port=target.port,
        client_id=f"iotlab-test-{settings.data.dir.name[:20]}",
        username=target.username,
        password=target.password,
        tls=target.tls,
    )

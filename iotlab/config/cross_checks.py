"""Checks of settings that only make sense together."""

from __future__ import annotations

from iotlab.config.settings import Settings
from iotlab.errors import ConfigError


def check_together(settings: Settings) -> None:
    """Raise ConfigError, at the place of one of them, for settings that contradict each other."""
    broker = settings.broker
    if broker.kind == "external" and not broker.host:
        raise ConfigError(settings.place("broker.kind"), "an external broker has no host", expected="broker.host")
    if broker.kind in ("mosquitto", "amqtt") and broker.host:
        raise ConfigError(
            settings.place("broker.host"),
            f"broker.kind {broker.kind} starts a private broker on loopback, which has no other host",
            expected='no broker.host, or kind = "external"',
        )
    if (broker.tls_certfile is None) != (broker.tls_keyfile is None):
        given, missing = ("certfile", "keyfile") if broker.tls_certfile else ("keyfile", "certfile")
        raise ConfigError(
            settings.place(f"broker.tls_{given}"),
            f"the TLS {given} is set and the {missing} is not",
            expected=f"broker.tls_{missing} as well",
        )
    if broker.password is not None and not broker.username:
        raise ConfigError(
            settings.place("broker.password"), "there is a password and no user name", expected="broker.username"
        )
    if broker.is_private:
        _check_private(settings)


def _check_private(settings: Settings) -> None:
    for name in ("username", "password", "tls", "tls_cafile", "tls_certfile", "tls_keyfile"):
        if settings.value(f"broker.{name}"):
            raise ConfigError(
                settings.place(f"broker.{name}"),
                "the lab's private broker on loopback does not use it",
                expected="broker.host of the broker that it is for",
            )

"""Which broker a command talks to: the configured one, else that of the lab that runs on the data directory."""

from __future__ import annotations

import msgspec

from iotlab.config import Settings
from iotlab.errors import UnavailableError
from iotlab.lab.runtime import read_runtime
from iotlab.mqtt.options import Tls


class Target(msgspec.Struct, frozen=True):
    """A broker's address and how to be let in.

    Attributes:
        host, port: Where it listens.
        username, password: None without.
        tls: None for a plain connection.
    """

    host: str
    port: int
    username: str | None = None
    password: str | None = None
    tls: Tls | None = None

    def __repr__(self) -> str:
        return f"Target({self.host}:{self.port})"


def broker_target(settings: Settings) -> Target:
    """Return the broker to connect to.

    Raises:
        UnavailableError: none is configured and no lab runs, or the keyring can't be read.
        ConfigError: the password's reference leads nowhere.
    """
    if not settings.broker.is_private:
        return configured_target(settings)
    runtime = read_runtime(settings.data.dir)
    if runtime is None:
        raise UnavailableError(
            f"no broker is configured, and no lab runs on {settings.data.dir}",
            hint="Start a lab (iotlab demo, iotlab bridge), or name your broker: --broker-host HOST",
        )
    return Target(runtime.broker_host, runtime.broker_port)


def configured_target(settings: Settings) -> Target:
    """Return the broker that the settings name, with its password read. Raises like `broker_target`."""
    broker = settings.broker
    files = [str(file) if file else None for file in (broker.tls_cafile, broker.tls_certfile, broker.tls_keyfile)]
    return Target(
        host=broker.host,
        port=broker.external_port,
        username=broker.username or None,
        password=broker.password.reveal() if broker.password else None,
        tls=Tls(*files) if broker.uses_tls else None,
    )

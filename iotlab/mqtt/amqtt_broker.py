"""The fallback broker in a process of its own: ``python -m iotlab.mqtt.amqtt_broker --port 1883``.

amqtt speaks MQTT 3.1.1, keeps everything in memory, and manages some thousand messages a second.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import signal
import sys

from amqtt.broker import Broker
from amqtt.plugins.base import BaseAuthPlugin
from amqtt.session import Session

from iotlab.mqtt.ports import LOOPBACK

SESSION_EXPIRY_INTERVAL_S = 86_400


class LoopbackAuth(BaseAuthPlugin):  # type: ignore[misc]  # amqtt is untyped
    """Lets everyone in who reaches the loopback interface.

    amqtt's own plugin for that marks a session as anonymous, and drops it with its messages when its client leaves.
    """

    async def authenticate(self, *, session: Session) -> bool | None:
        session.is_anonymous = False
        return True


def broker_config(port: int) -> dict[str, object]:
    """Return amqtt's configuration."""
    return {
        "listeners": {"default": {"type": "tcp", "bind": f"{LOOPBACK}:{port}"}},
        "session_expiry_interval": SESSION_EXPIRY_INTERVAL_S,
        "plugins": {"iotlab.mqtt.amqtt_broker.LoopbackAuth": {}},
    }


async def serve(port: int) -> None:
    """Run the broker until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, stop.set)
    broker = Broker(broker_config(port))
    await broker.start()
    await stop.wait()
    await broker.shutdown()


def main(arguments: list[str] | None = None) -> int:
    """Parse the command line and serve; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m iotlab.mqtt.amqtt_broker", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="loopback port to listen on")
    port: int = parser.parse_args(arguments).port
    logging.basicConfig(level=logging.ERROR, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    asyncio.run(serve(port))
    return 0


if __name__ == "__main__":
    sys.exit(main())

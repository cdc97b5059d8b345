"""A broker that misbehaves on purpose."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from iotlab.mqtt import wire

Answer = Callable[[wire.Packet, wire.ProtocolLevel], list[bytes] | None]
"""Packet and the connection's protocol → packets to send, or None to cut the connection."""


def obliging(packet: wire.Packet, protocol: wire.ProtocolLevel) -> list[bytes]:
    """Answer as a broker should."""
    match packet:
        case wire.Connect():
            return [wire.encode(wire.ConnAck(), protocol)]
        case wire.Subscribe():
            codes = tuple(1 for _ in packet.subscriptions)
            return [wire.encode(wire.SubAck(packet.packet_id, codes), protocol)]
        case wire.Publish(qos=1):
            return [wire.encode_puback(packet.packet_id)]
        case wire.PingReq():
            return [wire.PINGRESP]
        case _:
            return []


class FakeBroker:
    """Listens on a free port and answers each packet as it is told; it keeps what it was sent."""

    def __init__(self, answer: Answer) -> None:
        self.received: list[wire.Packet] = []
        self._answer = answer
        self._server: asyncio.Server | None = None

    @property
    def connects(self) -> list[wire.Connect]:
        return [packet for packet in self.received if isinstance(packet, wire.Connect)]

    @property
    def port(self) -> int:
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def __aenter__(self) -> FakeBroker:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, incoming: asyncio.StreamReader, outgoing: asyncio.StreamWriter) -> None:
        reader = wire.PacketReader()
        try:
            while data := await incoming.read(65_536):
                for packet in reader.feed(data):
                    self.received.append(packet)
                    answers = self._answer(packet, reader.protocol)
                    if answers is None:
                        return
                    outgoing.writelines(answers)
        except ConnectionError:
            return
        finally:
            outgoing.close()

"""The values of one device, moment by moment."""

from __future__ import annotations

from iotlab.emulator.chance import chance
from iotlab.emulator.effects import Filter
from iotlab.emulator.incidents import Incident
from iotlab.emulator.scenario import Device
from iotlab.emulator.sources import Now, Sampler
from iotlab.emulator.types import Channel

ON_FROM = 0.5


class _ChannelGenerator:
    """One channel of one device. All its chance is one generator of its own."""

    __slots__ = ("_before", "_channel", "_filters", "_last", "_offset", "_reset", "_samplers")

    def __init__(self, device: Device, channel: Channel, seed: int) -> None:
        rng = chance(seed, device.id, channel.name)
        self._channel = channel
        self._offset = device.offset.get(channel.name, 0.0)
        self._samplers: list[Sampler] = [source.sampler(rng) for source in channel.sources]
        self._filters: list[Filter] = [effect.filter(rng) for effect in channel.effects]
        self._last: float | None = None
        self._reset: Incident | None = None
        self._before = 0.0

    def exact(self, now: Now, incidents: list[Incident]) -> float:
        """Return the value before it is rounded: sources, offset, incidents, then effects."""
        value = self._offset
        for sampler in self._samplers:
            value += sampler(now)
        own = [one for one in incidents if one.plan.channel == self._channel.name and one.weight(now.elapsed_s) > 0.0]
        for incident in own:
            if incident.plan.kind == "level":
                value += (incident.plan.to - value) * incident.weight(now.elapsed_s)
        for effect in self._filters:
            value = effect(value, now.elapsed_s)
        if self._last is None or all(incident.plan.kind != "stuck" for incident in own):
            self._last = self._counted(value, own)
        return self._last

    def _counted(self, value: float, incidents: list[Incident]) -> float:
        """Return what a counter says that was perhaps reset: it goes on from there after the incident."""
        for incident in incidents:
            if incident.plan.kind == "reset" and incident != self._reset:
                self._reset, self._before = incident, value - incident.plan.to
        return value - self._before

    def shown(self, exact: float) -> float | int | bool:
        """Return the value as the message says it."""
        if self._channel.kind == "bool":
            return exact >= ON_FROM
        if self._channel.decimals == 0:
            return round(exact)
        # Adding 0.0 turns -0.0 into 0.0.
        return round(exact, self._channel.decimals) + 0.0


class Generator:
    """All channels of one device."""

    __slots__ = ("_channels",)

    def __init__(self, device: Device, seed: int) -> None:
        self._channels = {
            name: _ChannelGenerator(device, channel, seed) for name, channel in device.type.channels.items()
        }

    def values(self, elapsed_s: float, day_s: float, incidents: list[Incident]) -> dict[str, float | int | bool]:
        """Return every channel's value at one moment; moments are asked for in order.

        Args:
            elapsed_s: Seconds since the run began.
            day_s: Seconds since midnight UTC.
            incidents: Those of this device that may be going on.
        """
        exact: dict[str, float] = {}
        now = Now(elapsed_s, day_s, exact)
        shown: dict[str, float | int | bool] = {}
        for name, channel in self._channels.items():
            exact[name] = channel.exact(now, incidents)
            shown[name] = channel.shown(exact[name])
        return shown

"""Who plays: a scenario and a seed turned into devices that measure, without any network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from iotlab.clock import Clock, unhurried
from iotlab.emulator.chance import chance
from iotlab.emulator.device import NumberedDevice
from iotlab.emulator.foreign import ForeignDevice
from iotlab.emulator.generator import Generator
from iotlab.emulator.incidents import Calendar
from iotlab.emulator.outbox import Outbox
from iotlab.emulator.scenario import Device, Scenario, fleet_of, load_scenario
from iotlab.emulator.timeline import MAX_LATE_S, Slot, Timeline
from iotlab.emulator.types import load_types
from iotlab.errors import ConfigError, Place


class Script(msgspec.Struct, frozen=True, kw_only=True):
    """What is played; with the same script and the same start, every value is the same.

    Attributes:
        scenario: A name in ``<devices_dir>/scenarios``, or the path of a ``.toml`` file.
        seed: All values, phases and incidents follow from it.
        devices: How many numbered devices; None for the scenario's own.
        rate: Messages a second of all numbered devices together; None for the scenario's periods.
        devices_dir: Where device types and scenarios stand; None for those that come with iotlab.
        foreign: Whether the scenario's devices of others play too.
    """

    scenario: str = "home"
    seed: int = 7
    devices: int | None = None
    rate: float | None = None
    devices_dir: Path | None = None
    foreign: bool = True


class OutboxLimits(msgspec.Struct, frozen=True):
    """See `iotlab.emulator.outbox.Outbox`."""

    capacity: int = 10_000
    resend_after_s: float = 5.0


class Cast(msgspec.Struct):
    """Everyone who plays, by id, with the turns they take and the incidents that befall them."""

    scenario: Scenario
    calendar: Calendar
    timeline: Timeline
    numbered: dict[str, NumberedDevice]
    foreign: dict[str, ForeignDevice]

    @property
    def all(self) -> Iterator[NumberedDevice | ForeignDevice]:
        """Yield every device."""
        yield from self.numbered.values()
        yield from self.foreign.values()


def load_script(script: Script) -> Scenario:
    """Return the scenario of a script.

    Raises:
        ConfigError: a file or a number of the script is wrong.
    """
    if script.devices is not None and script.devices < 1:
        raise ConfigError(Place("--devices"), f"{script.devices} is too few", expected="1 or more")
    if script.rate is not None and not script.rate > 0:
        raise ConfigError(Place("--rate"), f"{script.rate:g} is too few", expected="messages a second above 0")
    return load_scenario(script.scenario, load_types(script.devices_dir), script.devices_dir)


def cast(
    script: Script,
    *,
    clock: Clock,
    boot_id: Callable[[int, str], str],
    limits: OutboxLimits | None = None,
) -> Cast:
    """Return the devices of a script, ready to measure at time 0.

    Args:
        script: What is played.
        clock: The lab's time.
        boot_id: (seed, device) → boot id.
        limits: Of the outboxes.

    Raises:
        ConfigError: a file of the script is wrong.
    """
    scenario = load_script(script)
    playing = fleet_of(scenario, devices=script.devices, rate=script.rate)
    calendar = Calendar(
        scenario.plans,
        (device.id for device in playing),
        seed=script.seed,
        every_s=scenario.incident_every_s,
    )
    company = Cast(scenario, calendar, Timeline(MAX_LATE_S * clock.speed), {}, {})
    for device in playing:
        if device.numbered:
            boot = boot_id(script.seed, device.id)
            company.numbered[device.id] = _numbered(
                company,
                device,
                seed=script.seed,
                clock=unhurried(clock),
                boot_id=boot,
                limits=limits or OutboxLimits(),
            )
        elif script.foreign:
            company.timeline.add(_slot(device, script.seed))
            company.foreign[device.id] = ForeignDevice(device, Generator(device, script.seed))
    return company


def _numbered(
    company: Cast, device: Device, *, seed: int, clock: Clock, boot_id: str, limits: OutboxLimits
) -> NumberedDevice:
    slot = _slot(device, seed)
    company.timeline.add(slot)
    return NumberedDevice(
        device,
        Generator(device, seed),
        company.calendar,
        boot_id=boot_id,
        outbox=Outbox(limits.capacity, resend_after_s=limits.resend_after_s),
        slot=slot,
        clock=clock,
    )


def _slot(device: Device, seed: int) -> Slot:
    # Each device begins at its own moment of its period, so that they do not all speak at once.
    return Slot(chance(seed, device.id, "phase").random() * device.period_s, device.id, device.period_s)

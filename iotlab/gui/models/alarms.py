"""The alarms that the window shows, the most urgent first."""

from __future__ import annotations

from iotlab.gui.models.events import AlarmImage

CLEARED_SHOWN = 500
"""Cleared alarms kept on screen; older ones stay in the table's journal."""

_STATE_RANK = {"raised": 0, "acknowledged": 1, "pending": 2, "cleared": 3}
_SEVERITY_RANK = {"critical": 0, "warning": 1, "info": 2}


class AlarmBook:
    """Alarms by key, kept up to date from images of the alarms table."""

    def __init__(self) -> None:
        self.alarms: dict[str, AlarmImage] = {}
        self.asked: set[str] = set()
        self.errors: dict[str, str] = {}

    def apply(self, image: AlarmImage) -> bool:
        """Take over one image; return False when a newer one is here already."""
        known = self.alarms.get(image.alarm)
        if known is not None and known.version >= image.version and since_us(known) >= since_us(image):
            # A snapshot and the records after it overlap. The time is for a lab that began anew with an empty table.
            return False
        self.alarms[image.alarm] = image
        if image.state != "raised":
            self.asked.discard(image.alarm)
            self.errors.pop(image.alarm, None)
        return True

    def keep_only(self, keys: frozenset[str]) -> bool:
        """Forget the alarms that a whole snapshot did not have; return whether there were any."""
        gone = self.alarms.keys() - keys
        for key in gone:
            del self.alarms[key]
        return bool(gone)

    def ask(self, alarm: str) -> bool:
        """Note that a person acknowledges it; return False when there is nothing to acknowledge."""
        image = self.alarms.get(alarm)
        if image is None or image.state != "raised" or alarm in self.asked:
            return False
        self.asked.add(alarm)
        self.errors.pop(alarm, None)
        return True

    def answer(self, alarm: str, error: str) -> None:
        """Take over the outcome. The new state itself comes as a record; only a failure is shown from here."""
        if error:
            self.asked.discard(alarm)
            self.errors[alarm] = error

    def ordered(self) -> list[AlarmImage]:
        """Return what to list: raised, acknowledged, holding, then cleared; worst and newest first."""
        shown = [image for image in self.alarms.values() if image.state != "cleared" or image.episodes > 0]
        shown.sort(key=_order)
        active = sum(image.state != "cleared" for image in shown)
        return shown[: active + CLEARED_SHOWN]

    def count(self, state: str) -> int:
        """Return how many alarms are in that state."""
        return sum(image.state == state for image in self.alarms.values())

    @property
    def worst(self) -> str:
        """The severity of the most severe raised alarm; empty when all is quiet."""
        raised = [image.severity for image in self.alarms.values() if image.state == "raised"]
        return min(raised, key=lambda severity: _SEVERITY_RANK[severity], default="")

    def for_channel(self, device: str, channel: str) -> list[AlarmImage]:
        """Return the alarms that watch one channel."""
        return [image for image in self.alarms.values() if image.device == device and image.channel == channel]


def since_us(image: AlarmImage) -> int:
    """Return when the alarm entered the state that it is in, µs since 1970."""
    by_state = {
        "raised": image.raised_us,
        "acknowledged": image.raised_us,
        "cleared": image.cleared_us,
        "pending": image.since_us,
    }
    return by_state[image.state] or image.since_us


def _order(image: AlarmImage) -> tuple[int, int, int]:
    severity = 0 if image.state == "cleared" else _SEVERITY_RANK[image.severity]
    return (_STATE_RANK[image.state], severity, -since_us(image))

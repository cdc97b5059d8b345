"""The window's own connections, and the sentence for a person when one of them is down."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from iotlab.clock import US_PER_S
from iotlab.gui.models.events import LinkChanged, LinkName, LinkState
from iotlab.gui.models.health import Health
from iotlab.gui.models.text import age_text, one_line

Stage = Literal["connecting", "live", "table_lost", "broker_lost"]


@dataclass
class Link:
    """One connection of this window. Times are µs since 1970; `since_us` is when the state began."""

    state: LinkState = "connecting"
    reason: str = ""
    hint: str = ""
    address: str = ""
    since_us: int = 0
    retry_us: int = 0


@dataclass(frozen=True)
class Notice:
    """What a banner says: what happened, and what still works."""

    title: str
    detail: str
    is_ours: bool
    """Whether this window retries by itself, so that "Retry now" makes sense."""


@dataclass
class Links:
    """Both connections, and whether the lab was ever seen."""

    table: Link = field(default_factory=Link)
    raw: Link = field(default_factory=Link)
    was_live: bool = False

    def apply(self, change: LinkChanged, now_us: int) -> None:
        """Take over a change of one connection."""
        name: LinkName = change.link
        link = self.table if name == "table" else self.raw
        if link.state != change.state or not link.since_us:
            link.since_us = now_us
        link.state, link.reason, link.hint = change.state, one_line(change.reason), one_line(change.hint)
        link.address, link.retry_us = change.address or link.address, change.retry_us
        if name == "table" and change.state == "connected":
            self.was_live = True

    def stage(self, health: Health) -> Stage:
        """Return what the window as a whole shows."""
        if self.table.state != "connected":
            return "table_lost" if self.was_live else "connecting"
        if health.broker_state not in {"", "connected"}:
            return "broker_lost"
        return "live"

    def notice(self, health: Health, now_us: int) -> Notice | None:
        """Return what the banner says, or None when all is well or the first connection is still being made."""
        stage = self.stage(health)
        if stage == "table_lost":
            return self._table_notice(now_us)
        if stage == "broker_lost":
            return Notice(
                "The bridge has lost the broker",
                f"{_sentence(one_line(health.broker_reason) or health.broker_state)}"
                "Devices that keep an outbox send again later. History, alarms and acknowledging still work.",
                is_ours=False,
            )
        return None

    def _table_notice(self, now_us: int) -> Notice:
        raw = (
            "raw messages still arrive from the broker."
            if self.raw.state == "connected"
            else "the broker does not answer either."
        )
        wait_s = (self.table.retry_us - now_us) / US_PER_S
        when = f" Trying again in {wait_s:.0f} s." if wait_s >= 1 else " Trying again now."
        since = age_text((now_us - self.table.since_us) / US_PER_S)
        return Notice(
            "The bridge does not answer",
            f"{_sentence(self.table.reason)}What you see is from {since} ago; {raw}{when}",
            is_ours=True,
        )


def _sentence(reason: str) -> str:
    return f"{reason[0].upper()}{reason[1:].rstrip('.')}. " if reason else ""

"""What a transition says to a person: title and body of its notification, and the note of its journal row."""

from __future__ import annotations

from iotlab.clock import iso
from iotlab.domain.alarm import Happening, Transition
from iotlab.triggers.alarms import Alarm
from iotlab.triggers.sentence import shown_duration

_TITLES: dict[Happening, str] = {
    "acknowledged": "Acknowledged",
    "unacknowledged": "No longer acknowledged",
    "shelved": "Shelved",
    "unshelved": "No longer shelved",
    "flapping": "Flapping",
    "calm": "Calm again",
    "cleared": "Cleared",
}


def title_of(after: Alarm, what: Happening) -> str:
    """Return the notification's title."""
    severity = after.severity.capitalize()
    match what:
        case "escalated":
            return f"Now {after.severity}: {after.title}"
        case "reminded":
            return f"{severity}, not acknowledged: {after.title}"
        case _:
            return f"{_TITLES.get(what, severity)}: {after.title}"


def body_of(after: Alarm, happened: Transition, what: Happening) -> str:
    """Return the notification's text."""
    match what:
        case "acknowledged":
            return f"Acknowledged by {happened.by}. {after.message}"
        case "unacknowledged":
            return f"{happened.by} took the acknowledgement back. {after.message}"
        case "shelved":
            return f"Shelved by {after.shelved_by} until {_shelved_until(after)}. {after.message}"
        case "unshelved":
            return f"The shelving is over, and it is {after.state}. {after.message}"
        case "flapping":
            return (
                f"It was raised and cleared {after.flaps} times within {_flapping_for(after, happened)}. "
                f"It is quiet now until it is calm; it is {after.state}. {after.message}"
            )
        case "calm":
            return f"After {after.flaps} changes it is calm, and it is {after.state}. {after.message}"
        case "reminded":
            return f"Nobody has acknowledged it for {_waiting(after, happened)}. {after.message}"
        case "cleared":
            return _cleared(after, happened)
        case _:
            return after.message


def note_of(before: Alarm | None, after: Alarm, what: Happening) -> str:
    """Return what the journal keeps beside the state: a comment, a person, an end, a severity, channels."""
    match what:
        case "commented":
            return after.comment or ""
        case "assigned":
            return f"to {after.assignee}" if after.assignee else "to nobody"
        case "shelved":
            return f"until {_shelved_until(after)}"
        case "escalated" | "deescalated":
            return f"from {before.severity} to {after.severity}" if before is not None else ""
        case "reminded":
            known = before.told if before is not None else {}
            return "told " + ", ".join(name for name, at_us in after.told.items() if known.get(name) != at_us)
        case "calm":
            return f"after {after.flaps} changes"
        case _:
            return ""


def _cleared(after: Alarm, happened: Transition) -> str:
    lasted = f" after {shown_duration(happened.at_us - after.raised_us)}" if after.raised_us is not None else ""
    if happened.by not in {"rule", "timer", "rules changed"}:
        return f"Cleared by {happened.by}{lasted}. It was: {after.message}"
    now = f"{after.channel} is {after.value}" if after.value else "Its rule was removed"
    return f"{now}; cleared{lasted}. It was: {after.message}"


def _shelved_until(after: Alarm) -> str:
    return "" if after.shelved_until_us is None else iso(after.shelved_until_us)


def _flapping_for(after: Alarm, happened: Transition) -> str:
    return shown_duration(happened.at_us - (after.flapping_us or happened.at_us))


def _waiting(after: Alarm, happened: Transition) -> str:
    return shown_duration(happened.at_us - (after.raised_us or happened.at_us))

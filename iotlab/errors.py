"""The whole tree of errors that this program raises on purpose.

The class says who acts. Anything that is not an `IotlabError` is a bug of ours and is shown as one.
"""

from __future__ import annotations

from dataclasses import dataclass


class IotlabError(Exception):
    """Base of every expected error.

    Args:
        message: What happened, in one sentence, naming the field, the limit and the sender.
        hint: What the person can do about it; empty when the message says it all.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  {self.hint}" if self.hint else self.message


class UnavailableError(IotlabError):
    """The environment acts: a broker, a disk or a port is not there now. Shown with its hint, and retried."""


class ThrottledError(UnavailableError):
    """A service takes less than it is asked for. It did nothing; the same call works when it is made more slowly."""


class LabRunningError(IotlabError):
    """Another process serves this data directory already; the message names it."""


class AlarmError(IotlabError):
    """A person acts: an alarm is not in a state for what was asked, or somebody else was faster."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a person's file something stands."""

    file: str
    key: str = ""
    line: int | None = None

    def __str__(self) -> str:
        line = f":{self.line}" if self.line is not None else ""
        key = f" [{self.key}]" if self.key else ""
        return f"{self.file}{line}{key}"


class ConfigError(IotlabError):
    """A person acts: a setting, rule, device or scenario file is wrong.

    Args:
        place: The file with its key or line.
        problem: What is wrong there.
        expected: What would have been right.
        nearest: The nearest valid name, for a "did you mean".
    """

    def __init__(self, place: Place, problem: str, *, expected: str = "", nearest: str = "") -> None:
        parts = [f"{place}: {problem}"]
        if expected:
            parts.append(f"expected {expected}")
        if nearest:
            parts.append(f"did you mean {nearest!r}?")
        super().__init__("; ".join(parts))
        self.place = place
        self.problem = problem
        self.expected = expected
        self.nearest = nearest


class DecodeError(IotlabError):
    """A device acts: a message that nobody can read. It goes to the dead letters with this reason.

    Args:
        reason: A stable word for counters, such as ``not_json``.
        message: The sentence for a person, naming the field and the limit.
        field: The place in the payload or the packet, such as ``values.temperature``.
    """

    def __init__(self, reason: str, message: str, *, field: str = "payload") -> None:
        super().__init__(f"{field}: {message}")
        self.reason = reason
        self.field = field


class TableError(IotlabError):
    """A caller of the table acts. Subclasses in `iotlab.table.errors` bear DynamoDB's exact names."""

"""Reads the table of cases, and lets each run in memory and in a real evaluator on a real table."""

from __future__ import annotations

import re
import tomllib
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from iotlab.clock import ManualClock
from iotlab.domain.schema import DEVICES, JOURNAL
from iotlab.table.store import StreamRecord
from iotlab.table.values import Item, item, plain
from iotlab.triggers.acknowledge import acknowledge
from iotlab.triggers.evaluator import Evaluator
from iotlab.triggers.people import acknowledged
from iotlab.triggers.preview import Rehearsal
from iotlab.triggers.rules import parse_rules
from iotlab.triggers.ruleset import RuleSet
from tests.triggers.little_lab import START_US, little_lab

S = 1_000_000
DEVICE = "d"
_UNITS = {"s": 1, "m": 60, "h": 3600}
_KEY = re.compile(r"(?:^|\s\s+)(?=[a-z_]+ = )")


class Line(msgspec.Struct, frozen=True):
    """One line of a script: when it comes, when it was measured, and the values; or what a person does."""

    at_us: int
    measured_us: int
    values: dict[str, Any]
    act: str = ""


class Case(msgspec.Struct, frozen=True):
    name: str
    rule: str
    script: list[str]
    expect: list[str]
    start: str = ""

    @property
    def start_us(self) -> int:
        return round(datetime.fromisoformat(self.start).timestamp() * S) if self.start else START_US

    @property
    def rules(self) -> RuleSet:
        keys = "\n".join(part.strip() for part in _KEY.split(self.rule) if part.strip())
        return parse_rules(f'[[rule]]\nid = "r"\n{keys}\n', "case")

    def lines(self) -> list[Line]:
        return [self._line(line) for line in self.script]

    def shown(self, at_us: int, what: str, severity: str, before: str) -> str:
        """Return one transition as the table has it."""
        seconds = round((at_us - self.start_us) / S)
        unit = "m" if any("m " in line for line in self.expect) else "s"
        return f"{seconds // _UNITS[unit]}{unit} {what}" + (f" {severity}" if severity != before else "")

    def _line(self, line: str) -> Line:
        when, _, rest = line.partition(" ")
        came, _, measured = when.partition("@")
        at_us = self.start_us + _seconds(came) * S
        if rest == "ack":
            return Line(at_us, at_us, {}, rest)
        values = {name: _value(text) for name, _, text in (part.partition("=") for part in rest.split())}
        return Line(at_us, self.start_us + _seconds(measured) * S if measured else at_us, values)


def read_cases() -> list[Case]:
    document = tomllib.loads((Path(__file__).parent / "cases.toml").read_text(encoding="utf-8"))
    return msgspec.convert(document["case"], list[Case])


class Reported:
    """A device's item, message by message, as the bridge writes it."""

    def __init__(self) -> None:
        self.item: dict[str, Any] = {"device": DEVICE, "stored": 0, "channels": {}}

    def after(self, line: Line) -> Item:
        """Return the item after one more message."""
        channels = dict(self.item["channels"])
        for name, value in line.values.items():
            if not name.startswith("_"):
                channels[name] = {"value": value, "at_us": line.measured_us}
        own = {name[1:]: value for name, value in line.values.items() if name.startswith("_")}
        self.item = self.item | {"received_us": line.at_us, "stored": self.item["stored"] + 1, "channels": channels}
        if any(not name.startswith("_") for name in line.values):
            self.item["measured_us"] = line.measured_us
        self.item |= {"message_id": None} | own
        return item(self.item)


def rehearse(case: Case) -> list[str]:
    """Run a case in memory; return the journal as the table has it."""
    rehearsal, reported = Rehearsal(case.rules), Reported()
    rehearsal.pass_time(case.start_us)
    old: Item | None = None
    acts: list[tuple[int, str, str]] = []
    for line in case.lines():
        if line.act == "ack":
            rehearsal.pass_time(line.at_us)
            alarm = acknowledged(rehearsal.alarms["r/d"], "anna", line.at_us)
            rehearsal.change("r/d", alarm)
            acts.append((line.at_us, "acknowledged", alarm.severity))
        elif line.values:
            image = reported.after(line)
            record = StreamRecord(sequence_number="1", event_name="MODIFY", keys={}, new_image=image, old_image=old)
            rehearsal.see(DEVICE, image, record)
            old = image
        else:
            rehearsal.pass_time(line.at_us)
    happened = [(one.at_us, one.what, one.severity) for one in rehearsal.transitions]
    return _told(case, sorted([*happened, *acts], key=lambda one: one[0]))


def evaluate(case: Case, path: Path) -> list[str]:
    """Run a case in an evaluator on a real table; return its journal as the table of cases has it."""
    with little_lab(path, ManualClock(case.start_us)) as lab:
        evaluator = Evaluator(lab.store, case.rules, clock=lab.clock)
        evaluator.step()
        reported = Reported()
        for line in case.lines():
            live_until(evaluator, lab.hands, line.at_us)
            if line.act == "ack":
                acknowledge(lab.store, "r/d", by="anna", clock=lab.clock)
            elif line.values:
                lab.store.put_item(DEVICES, reported.after(line))
            evaluator.step()
        rows = sorted(map(plain, lab.store.scan_all(JOURNAL)), key=lambda row: int(row["version"]))
    severities = {int(row["version"]): row["severity"] for row in rows}
    return _told(case, [(row["at_us"], row["what"], severities[int(row["version"])]) for row in rows])


def live_until(evaluator: Evaluator, clock: ManualClock, until_us: int) -> None:
    """Let time pass, with a step of the evaluator at the end of each timer."""
    while True:
        left_s = (until_us - clock.now_us()) / S
        due_s = evaluator.next_due_s()
        clock.advance(left_s if due_s is None else min(due_s, left_s))
        if due_s is None or due_s >= left_s:
            return
        evaluator.step()


def _told(case: Case, happened: list[tuple[int, str, str]]) -> list[str]:
    severity, lines = "warning", []
    for at_us, what, now in happened:
        before = "" if what in {"escalated", "deescalated"} else severity
        lines.append(case.shown(at_us, what, now if what != "pending" else severity, before))
        severity = now if what not in {"cleared", "pending"} else "warning"
        if what == "cleared":
            lines[-1] = case.shown(at_us, what, "", "")
    return lines


def _seconds(text: str) -> int:
    return int(text[:-1]) * _UNITS[text[-1]]


def _value(text: str) -> Any:
    if text in {"true", "false"}:
        return text == "true"
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return text

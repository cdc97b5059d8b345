"""The documentation is true: its commands, flags, links, settings, examples and the seven stops exist as it says."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from iotlab.bridge.conventions import Resolver, conventions
from iotlab.cli.app import GROUPS, VERBS
from iotlab.clock import SystemClock
from iotlab.config import load
from iotlab.config.reference import settings_markdown
from iotlab.domain.reading import Ignored, Reading
from iotlab.domain.schema import STOPS
from iotlab.mqtt.message import Message

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_COMMAND = re.compile(r"^(?:\.venv/bin/)?iotlab ([a-z]+)(.*)$")


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def fences(name: str, language: str) -> list[str]:
    return [body for found, body in _FENCE.findall(text(name)) if found == language]


def code(name: str) -> Iterator[str]:
    """Yield every line of code and every code span of a page."""
    page = text(name)
    for _, body in _FENCE.findall(page):
        yield from (line.split("#")[0].strip() for line in body.splitlines())
    yield from _SPAN.findall(_FENCE.sub("", page))


@cache
def help_of(*verbs: str) -> str:
    command = [sys.executable, "-m", "iotlab.cli", *verbs, "--help"]
    environment = {"COLUMNS": "300"}
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True, env=environment).stdout


@pytest.mark.parametrize("name", NAMES)
def test_every_make_target_that_a_page_names_exists(name: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):.*## ", text("Makefile"), re.MULTILINE))
    named = {found.group(1) for line in code(name) if (found := re.match(r"(?:\w+=\S+ )*make ([a-z-]+)", line))}
    assert named <= targets


@pytest.mark.parametrize("name", NAMES)
def test_every_command_that_a_page_names_exists_with_its_flags(name: str) -> None:
    for line in code(name):
        if not (found := _COMMAND.match(line)):
            continue
        verb, rest = found.groups()
        assert verb in VERBS, line
        below = re.match(r" ([a-z-]+)", rest) if verb in GROUPS else None
        verbs = (verb, below.group(1)) if below else (verb,)
        for flag in re.findall(r"(?<![\w-])--[a-z-]+", rest):
            assert re.search(rf"{flag}\b", help_of(*verbs)), line


@pytest.mark.parametrize("name", NAMES)
def test_every_internal_link_leads_somewhere(name: str) -> None:
    page = ROOT / name
    for link in _LINK.findall(text(name)):
        if link.startswith(("http://", "https://")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        if anchor:
            headings = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE)
            anchors = {re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings}
            assert anchor in anchors, link


@pytest.mark.parametrize("name", NAMES)
def test_every_file_of_the_repository_that_a_page_names_exists(name: str) -> None:
    for span in _SPAN.findall(text(name)):
        if re.fullmatch(r"(iotlab|docs|devices|assets|tests|scripts)/[\w/.-]*[\w/]", span):
            assert (ROOT / span).exists(), span


def test_the_reference_of_settings_is_current() -> None:
    assert text("docs/settings.md") == settings_markdown(), "run: make docs"


@pytest.mark.parametrize("name", ["README.md", "docs/journey.md"])
def test_the_seven_stops_are_those_of_the_code(name: str) -> None:
    [stops] = [body for body in fences(name, "text") if body.startswith("1 ")]
    assert [tuple(line.split()[:2]) for line in stops.splitlines()] == [
        (str(number), stop) for number, stop in enumerate(STOPS, start=1)
    ]


def test_readme_and_journey_show_the_same_seven_lines() -> None:
    assert set(fences("README.md", "text")) & set(fences("docs/journey.md", "text"))


@pytest.mark.parametrize("name", NAMES)
def test_every_example_of_settings_is_accepted(name: str, tmp_path: Path) -> None:
    for example in fences(name, "toml"):
        file = tmp_path / "lab.toml"
        file.write_text(example)
        assert load(config=file, environment={}).file == file


def _examples() -> list[tuple[str, str]]:
    return [(body.partition("\n")[0], body.partition("\n")[2].strip()) for body in fences("docs/topics.md", "mqtt")]


@pytest.mark.parametrize(("topic", "payload"), _examples())
def test_every_example_of_a_message_is_understood(topic: str, payload: str) -> None:
    decoded = Resolver(conventions(), SystemClock()).decode(Message(topic, payload.encode(), qos=1))
    if topic.endswith(("/ack", "/cmd", "/cmd/response")):
        assert isinstance(decoded, Ignored)
    else:
        assert isinstance(decoded, Reading)
        assert decoded.values or decoded.status


@pytest.mark.parametrize(
    ("topic", "device", "channel", "value"),
    [
        ("lab/kitchen-sensor/telemetry", "kitchen-sensor", "temperature", 21.5),
        ("tele/tasmota_plug/SENSOR", "tasmota/tasmota_plug", "ENERGY.Power", 61),
        ("zigbee2mqtt/kitchen/climate", "zigbee2mqtt/kitchen/climate", "temperature", 21.4),
        ("shellies/shellyplug-s-6A6374/relay/0/power", "shellies/shellyplug-s-6A6374", "relay/0/power", 61.32),
        ("shellyplus1pm-44179394d4d4/events/rpc", "shellies/shellyplus1pm-44179394d4d4", "switch:0.apower", 8.9),
    ],
)
def test_the_devices_and_channels_that_the_page_names_come_out(
    topic: str, device: str, channel: str, value: float
) -> None:
    payload = dict(reversed(_examples()))[topic]
    decoded = Resolver(conventions(), SystemClock()).decode(Message(topic, payload.encode(), qos=1))
    assert isinstance(decoded, Reading)
    assert (decoded.device, decoded.values[channel].value) == (device, value)
    page = text("docs/topics.md")
    assert f"`{channel}`" in page or f'"{channel}"' in page
    assert device in page


def test_the_architecture_page_shows_every_part() -> None:
    layout = fences("docs/architecture.md", "text")[1]
    parts = {
        path.stem for path in (ROOT / "iotlab").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    for part in parts - {"__init__"}:
        assert re.search(rf"\b{part}\b", layout), part

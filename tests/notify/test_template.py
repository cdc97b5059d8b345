"""Templates: what they say, and what is refused with its place and its reason."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotlab.domain.notification import Notification
from iotlab.errors import ConfigError
from iotlab.notify.channels import ChannelConfig
from iotlab.notify.template import PLACEHOLDERS, Template, TemplateError
from iotlab.notify.words import Words, facts_of, say

LEAK = Notification(
    "leak/tap",
    3,
    "phone",
    "raised",
    "critical",
    "Critical: Leak, tap",
    "flow is 14",
    1_763_958_000_000_000,
    facts={"name": "Tap", "value": "14 L/min", "headline": "Leak, tap", "room": "kitchen"},
)

SAID = {
    "a placeholder": ("{name}: {value}", "Tap: 14 L/min"),
    "a fallback that is not needed": ("in {room|the house}", "in kitchen"),
    "a fallback": ("by {by|nobody}", "by nobody"),
    "nothing known": ("<{by}>", "<>"),
    "braces": ("{{{name}}}", "{Tap}"),
    "the rule and the device": ("{rule} on {device}", "leak on tap"),
    "the time": ("{time}", "2025-11-24T04:20:00.000Z"),
    "blanks around a name": ("{ name }", "Tap"),
    "no placeholder": ("plain % text $x", "plain % text $x"),
}


@pytest.mark.parametrize(("text", "said"), SAID.values(), ids=SAID)
def test_a_template_says_this(text: str, said: str) -> None:
    assert Template(text).render(facts_of(LEAK)) == said


REFUSED = {
    "an unknown name": ("ok\n{severty}", 2, 2, "{severty} is not a placeholder", "severity"),
    "an open brace": ("{name", 1, 1, "this { has no }", ""),
    "a closing brace": ("name}", 1, 5, "this } has no {", ""),
    "an attribute walk": ("{name.__class__}", 1, 2, "only a name goes between braces", ""),
    "an index": ("{name[0]}", 1, 2, "only a name goes between braces", ""),
    "a conversion": ("{name!r}", 1, 2, "only a name goes between braces", ""),
    "a format": ("{value:>99999999}", 1, 2, "only a name goes between braces", ""),
    "an expression": ("{9**9**9}", 1, 2, "only a name goes between braces", ""),
    "a loop of another language": ("{% for x in range(9) %}", 1, 2, "only a name goes between braces", ""),
    "an empty name": ("{}", 1, 2, "only a name goes between braces", ""),
    "a name in a fallback": ("{room|{name}}", 1, 7, "there is a { within braces", ""),
    "a book": ("x" * 4001, 1, 4001, "it has 4001 characters", ""),
}


@pytest.mark.parametrize(("text", "line", "column", "problem", "nearest"), REFUSED.values(), ids=REFUSED)
def test_a_wrong_template_is_refused_with_its_place(
    text: str, line: int, column: int, problem: str, nearest: str
) -> None:
    with pytest.raises(TemplateError) as refused:
        Template(text)
    assert problem in refused.value.problem
    assert (refused.value.line, refused.value.column, refused.value.nearest) == (line, column, nearest)


def test_a_channel_with_a_wrong_template_says_channel_key_line_and_column() -> None:
    with pytest.raises(ConfigError, match=r"notification channel phone:1 \[body\]: column 5: \{nme\}.*'name'"):
        _ = ChannelConfig("phone", "apprise", body="hi {nme}").manner


@given(st.text(alphabet="{}|abname \n", max_size=40))
def test_any_text_is_either_refused_or_rendered(text: str) -> None:
    with suppress(TemplateError):
        rendered = Template(text).render(dict.fromkeys(PLACEHOLDERS, "{name}"))
        # What is filled in is not read again.
        assert "{name}" not in text or "{name}" in rendered


@given(st.dictionaries(st.sampled_from(PLACEHOLDERS), st.text()))
def test_what_a_device_says_is_never_a_template(facts: dict[str, str]) -> None:
    assert Template("{name}").render({**facts, "name": "{rule} {{"}) == "{rule} {{"


def test_a_long_text_is_cut_with_a_mark() -> None:
    said = say(Words(Template("{name}"), Template("{name}")), [LEAK_LONG], LEAK.created_us)
    assert (len(said.title), said.title[-1], len(said.body), said.body[-1]) == (250, "…", 4000, "…")


LEAK_LONG = Notification(
    "leak/tap", 1, "phone", "raised", "info", "t", "b", LEAK.created_us, facts={"name": "x" * 9000}
)

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from iotlab.domain.notification import Route
from iotlab.domain.schema import INBOX
from iotlab.errors import ConfigError
from iotlab.notify.channels import ChannelConfig, desktop, open_channels
from iotlab.notify.channels.apprise_url import AppriseChannel
from iotlab.notify.channels.channel import SENT, Attempt
from iotlab.notify.channels.desktop import DesktopChannel
from iotlab.notify.channels.inbox import InboxChannel
from iotlab.table.values import plain
from tests.notify.receiver import Receiver
from tests.notify.scripted import notification
from tests.triggers.little_lab import LittleLab


def attempt(lab: LittleLab, *, alarm: str = "leak/tap", to: Any = "raised", possible_repeat: bool = False) -> Attempt:
    return Attempt(notification(lab, alarm=alarm, to=to), "flow is 14", possible_repeat)


def test_the_inbox_has_each_transition_once_however_often_it_is_sent(lab: LittleLab) -> None:
    inbox = InboxChannel("inbox", lab.store)
    assert [inbox.send(attempt(lab)) for _ in range(3)] == [SENT] * 3
    [row] = map(plain, lab.store.scan_all(INBOX))
    assert row == {
        "box": "inbox",
        "at": "01763958000000000#leak/tap:1",
        "key": "leak/tap:1",
        "title": "Critical: Leak, tap",
        "body": "flow is 14",
        "severity": "critical",
        "alarm": "leak/tap",
        "read": False,
    }


def test_an_inbox_without_its_table_is_tried_again(lab: LittleLab) -> None:
    lab.engine.delete_table(INBOX)
    assert InboxChannel("inbox", lab.store).send(attempt(lab)).status == "retry"


def script(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def test_the_desktop_is_told_with_names_that_are_text_and_not_markup(lab: LittleLab, tmp_path: Path) -> None:
    program = script(tmp_path / "notify-send", f'printf "%s\\n" "$@" > {tmp_path}/said')
    channel = DesktopChannel("desktop", platform="linux", which=lambda _: program)
    wanted = Attempt(notification(lab), "<img src=x> & --help")
    assert channel.send(wanted) == SENT
    said = (tmp_path / "said").read_text().splitlines()
    assert said[-3:] == ["--", "Critical: Leak, tap", "&lt;img src=x&gt; &amp; --help"]
    assert "--urgency=critical" in said


def test_a_mac_is_told_through_arguments_and_never_through_the_script(lab: LittleLab, tmp_path: Path) -> None:
    program = script(tmp_path / "osascript", f'printf "%s\\n" "$3" "$4" > {tmp_path}/said')
    channel = DesktopChannel("desktop", platform="darwin", which=lambda _: program)
    assert channel.send(Attempt(notification(lab), '" & do shell script "x')) == SENT
    assert (tmp_path / "said").read_text() == 'Critical: Leak, tap\n" & do shell script "x\n'


DESKTOPS = {
    "no such program": (None, "notify-send is not installed"),
    "no desktop": ("echo 'Cannot autolaunch D-Bus' >&2; exit 1", "notify-send says: Cannot autolaunch D-Bus"),
    "no words": ("exit 3", "exit code 3"),
    "no answer": ("exec sleep 10", "got no answer"),
}


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desktop, "TIMEOUT_S", 0.2)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(("text", "said"), DESKTOPS.values(), ids=DESKTOPS)
def test_a_machine_without_a_desktop_refuses_and_says_so_once(
    lab: LittleLab, tmp_path: Path, caplog: pytest.LogCaptureFixture, text: str | None, said: str
) -> None:
    program = None if text is None else script(tmp_path / "notify-send", text)
    channel = DesktopChannel("desktop", platform="linux", which=lambda _: program)
    with caplog.at_level(logging.WARNING):
        outcomes = [channel.send(attempt(lab)) for _ in range(2)]
    assert [outcome.status for outcome in outcomes] == ["refused"] * 2
    assert said in outcomes[0].error
    assert caplog.text.count("can't show notifications") == 1


def test_a_program_that_cannot_be_started_is_a_refusal(lab: LittleLab, tmp_path: Path) -> None:
    (tmp_path / "notify-send").write_text("no program")
    channel = DesktopChannel("desktop", platform="linux", which=lambda _: str(tmp_path / "notify-send"))
    assert "can't be started" in channel.send(attempt(lab)).error


def test_a_webhook_gets_the_key_in_header_and_body(lab: LittleLab) -> None:
    with Receiver() as receiver:
        channel = AppriseChannel("hook", f"{receiver.url}?:site=home")
        assert channel.repeats == "keyed"
        assert channel.send(attempt(lab, alarm="leak/Küche & <b>+?#%41")) == SENT
        assert channel.send(attempt(lab, to="cleared", possible_repeat=True)) == SENT
    first, second = receiver.got
    assert first.header_key == "leak/K%C3%BCche %26 %3Cb%3E%2B%3F%23%2541:1"
    assert first.body == {
        "version": "1.0",
        "title": "Critical: Leak, tap",
        "message": "flow is 14",
        "attachments": [],
        "type": "failure",
        "site": "home",
        "key": "leak/Küche & <b>+?#%41:1",
    }
    assert (second.body["type"], second.body["possible_repeat"]) == ("success", "yes")


ANSWERS = {
    "the service is broken": (500, "retry", "error=500"),
    "the service is busy": (429, "retry", "error=429"),
    "the address is wrong": (404, "refused", "error=404"),
    "the token is wrong": (401, "refused", "error=401"),
    "the service hangs up": ("drop", "unknown", "Connection error"),
    "the service is slow": ("slow", "unknown", "Connection error"),
}


@pytest.mark.parametrize(("answer", "status", "said"), ANSWERS.values(), ids=ANSWERS)
def test_what_the_service_answers_decides_whether_it_is_tried_again(
    lab: LittleLab, answer: int | str, status: str, said: str
) -> None:
    with Receiver(lambda _: answer) as receiver:
        channel = AppriseChannel("hook", f"{receiver.url}?rto=0.2&retry=3&wait=0&optional=yes")
        outcome = channel.send(attempt(lab))
        assert receiver.requests == 1
    assert outcome.status == status
    assert said in outcome.error


def test_a_service_that_is_not_there_is_tried_again(lab: LittleLab) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        outcome = AppriseChannel("hook", f"json://127.0.0.1:{reserved.getsockname()[1]}/").send(attempt(lab))
    assert outcome.status == "retry"


CANARY = "c4n4ry-t0ken"


class RootLog(logging.Handler):
    """What a program sees that logs everything. (pytest's own capture also sees what does not get that far.)"""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text += f"{record.name}: {record.getMessage()}\n"


@pytest.fixture
def root_log() -> Iterator[RootLog]:
    handler, root = RootLog(), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler
    root.setLevel(level)
    root.removeHandler(handler)


def test_the_url_is_in_no_log_no_error_and_no_repr(lab: LittleLab, root_log: RootLog) -> None:
    with Receiver(lambda _: 500) as receiver:
        url = receiver.url.replace("127", f"user:{CANARY}@127") + f"/{CANARY}?+Authorization={CANARY}"
        config = ChannelConfig("hook", "apprise", url)
        [channel] = open_channels([config], lab.store)
        outcome = channel.send(attempt(lab))
    assert outcome.status == "retry"
    assert receiver.requests == 1
    shown = f"{root_log.text}{outcome}{channel!r}{channel.service}{config!r}"
    assert CANARY not in shown
    assert channel.service == "JSON through Apprise"


BAD_URLS = {
    "no service": f"nonsense://{CANARY}",
    "no URL": CANARY,
    "nothing": "",
    "a token that is missing": "tgram://x",
    "two targets": f"tgram://123456789:{CANARY}_abcdefghijklmnop/12315544/98765432",
    "a service that this machine lacks": "dbus://",
}


@pytest.mark.parametrize("url", BAD_URLS.values(), ids=BAD_URLS)
def test_a_url_that_cannot_be_used_is_refused_and_not_shown(
    lab: LittleLab, url: str, root_log: RootLog, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ConfigError) as refused:
        open_channels([ChannelConfig("phone", "apprise", url)], lab.store)
    assert "notification channel phone [url]" in str(refused.value)
    said = capsys.readouterr()
    assert CANARY not in str(refused.value) + root_log.text + said.out + said.err


def test_services_for_people_are_not_keyed() -> None:
    assert AppriseChannel("push", "ntfy://topic").repeats == "visible"


def test_channels_are_opened_by_their_kind_and_tell_their_route(lab: LittleLab) -> None:
    configs = [
        ChannelConfig("inbox", "inbox"),
        ChannelConfig("desk", "desktop", severities=("critical",)),
        ChannelConfig("push", "apprise", "ntfy://topic"),
    ]
    assert [type(channel) for channel in open_channels(configs, lab.store)] == [
        InboxChannel,
        DesktopChannel,
        AppriseChannel,
    ]
    assert configs[1].route == Route("desk", ("critical",))

"""Acknowledging from the phone: a signed answer on an ntfy reply topic, read by the lab itself."""

from __future__ import annotations

import stat
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest

from iotlab.domain.notification import Notification
from iotlab.errors import AlarmError, ConfigError, UnavailableError
from iotlab.lab.channels import reply_topics
from iotlab.notify.answers import Answer, Signer, load_or_create_key
from iotlab.notify.channels import ChannelConfig, Surroundings, open_channels
from iotlab.notify.channels.channel import SENT, Attempt
from iotlab.notify.reply_topic import ReplyTopic
from iotlab.notify.safe_http import target_of
from iotlab.triggers.acts import Person
from iotlab.triggers.evaluator import Evaluator
from iotlab.triggers.rules import parse_rules
from tests.notify.scripted import notification
from tests.notify.test_channels import RootLog, root_log
from tests.triggers.little_lab import LittleLab

__all__ = ["root_log"]

RULES = parse_rules('[[rule]]\nid = "hot"\nchannel = "temperature"\nabove = 30', "rules.toml")


class Ntfy:
    """A server with ntfy's two ends: it takes posts to a topic and streams them as lines of JSON."""

    def __init__(self) -> None:
        self.published: list[dict[str, str]] = []
        self.messages: dict[str, list[str]] = {}
        self.changed = threading.Condition()
        self.closing = False
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._server.server_port}"

    def press(self, topic: str, text: str) -> None:
        """Post to a topic as the app's button does."""
        with self.changed:
            self.messages.setdefault(topic, []).append(text)
            self.changed.notify_all()

    def wait(self, topic: str, at: int) -> list[str] | None:
        """Return the topic's messages from number ``at`` on once there are any; None when the server closes."""
        with self.changed:
            self.changed.wait_for(lambda: self.closing or len(self.messages.get(topic, [])) > at)
            return None if self.closing else self.messages[topic][at:]

    def close(self) -> None:
        with self.changed:
            self.closing = True
            self.changed.notify_all()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def _handler(ntfy: Ntfy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            ntfy.published.append({"actions": self.headers["X-Actions"] or "", "body": body})
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            topic = self.path.split("/")[1]
            self.wfile.write(b'{"event":"open"}\nno json\n')
            at = 0
            while (new := ntfy.wait(topic, at)) is not None:
                for text in new:
                    at += 1
                    self.wfile.write(
                        msgspec.json.encode({"event": "message", "id": f"m{at}", "message": text}) + b"\n"
                    )

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class's name
            """Say nothing on stderr."""

    return Handler


@pytest.fixture
def ntfy() -> Iterator[Ntfy]:
    server = Ntfy()
    yield server
    server.close()


def signer(lab: LittleLab, key: bytes = b"k" * 32) -> Signer:
    return Signer(key, lab.clock)


def waiting(lab: LittleLab, **keys: Any) -> Notification:
    return msgspec.structs.replace(notification(lab, **keys), facts={"waiting": "77"})


def test_a_token_says_what_it_was_made_for_and_only_the_labs_own_is_read(lab: LittleLab) -> None:
    own = signer(lab)
    token = own.token(waiting(lab))
    assert token is not None
    answer = own.read(token)
    assert (answer.alarm, answer.waiting_us, answer.channel) == ("leak/tap", 77, "phone")
    with pytest.raises(AlarmError, match="not one of the lab's"):
        signer(lab, b"x" * 32).read(token)
    for at in range(len(token)):
        changed = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
        if at < len(token) - 1:
            with pytest.raises(AlarmError, match="not one of the lab's"):
                own.read(changed)


@pytest.mark.parametrize("text", ["", "x", "é" * 50, "A" * 5000, "{}", "\0"])
def test_what_is_no_token_is_refused(lab: LittleLab, text: str) -> None:
    with pytest.raises(AlarmError, match="not one of the lab's"):
        signer(lab).read(text)


def test_a_token_is_good_for_a_week(lab: LittleLab) -> None:
    token = signer(lab).token(waiting(lab))
    assert token is not None
    lab.hands.advance(7 * 86_400 + 1)
    with pytest.raises(AlarmError, match="too old"):
        signer(lab).read(token)


def test_what_cannot_be_acknowledged_has_no_token(lab: LittleLab) -> None:
    assert signer(lab).token(waiting(lab, to="cleared")) is None
    assert signer(lab).token(notification(lab)) is None


def test_the_labs_key_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    key = load_or_create_key(tmp_path)
    assert len(key) == 32
    assert load_or_create_key(tmp_path) == key
    assert stat.S_IMODE((tmp_path / "answers.key").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["answers.key"]


def test_the_button_acknowledges_and_pressing_it_again_does_nothing(
    lab: LittleLab, ntfy: Ntfy, root_log: RootLog
) -> None:
    config = ChannelConfig(
        "phone", "apprise", f"ntfy://{ntfy.host}/alarms", reply_topic=f"http://{ntfy.host}/replies"
    )
    around = Surroundings(lab.clock, signer=signer(lab))
    [channel] = open_channels([config], lab.store, around)
    evaluator = Evaluator(lab.store, RULES, clock=lab.clock, routes=[config.route])
    evaluator.step()
    lab.report("oven", temperature=31)
    evaluator.step()
    [row] = lab.outbox()
    told = msgspec.convert(row, Notification)
    assert channel.send(Attempt(told, "it is hot")) == SENT
    actions = ntfy.published[0]["actions"]
    assert actions.startswith(f"http, Acknowledge, http://{ntfy.host}/replies, method=POST, body=")
    token = actions.partition("body=")[2].partition(",")[0]
    [replies] = reply_topics([config], lab.store, around)
    replies.start()
    for text in ("rubbish", token, token):
        ntfy.press("replies", text)
    until_s = time.monotonic() + 5
    while replies.accepted + replies.refused < 4 and time.monotonic() < until_s:
        time.sleep(0.01)
    replies.stop()
    # Refused: the line that is no JSON, the rubbish, and the second press.
    assert (replies.accepted, replies.refused) == (1, 3)
    assert lab.alarm("hot/oven")["acknowledged_by"] == "phone (phone)"
    assert token not in root_log.text


def test_a_cleared_alarm_is_sent_without_a_button(lab: LittleLab, ntfy: Ntfy) -> None:
    config = ChannelConfig("phone", "apprise", f"ntfy://{ntfy.host}/a", reply_topic=f"http://{ntfy.host}/r")
    [channel] = open_channels([config], lab.store, Surroundings(lab.clock, signer=signer(lab)))
    channel.send(Attempt(waiting(lab, to="cleared"), "x"))
    assert ntfy.published[0]["actions"] == ""


def test_an_answer_waits_while_the_table_cannot_be_written(lab: LittleLab) -> None:
    def act(_: Answer) -> None:
        raise UnavailableError("the disk is full")

    token = signer(lab).token(waiting(lab))
    replies = ReplyTopic(target_of("http://h/replies"), signer(lab), act)
    line = msgspec.json.encode({"event": "message", "id": "m1", "message": token})
    with pytest.raises(UnavailableError):
        replies.handle(line)
    assert (replies.accepted, replies.refused) == (0, 0)


@pytest.mark.parametrize("url", ["ftp://h/x", "http://h/", "http://h/a/b", "http://h/a,b", "http://h/a?x=1"])
def test_a_reply_topic_that_is_none_is_refused(lab: LittleLab, url: str) -> None:
    config = ChannelConfig("phone", "apprise", "ntfy://topic", reply_topic=url)
    with pytest.raises(ConfigError, match="reply_topic"):
        open_channels([config], lab.store, Surroundings(lab.clock, signer=signer(lab)))


def test_only_ntfy_has_buttons(lab: LittleLab) -> None:
    config = ChannelConfig("phone", "apprise", "json://h", reply_topic="http://h/r")
    with pytest.raises(ConfigError, match="only ntfy has buttons"):
        open_channels([config], lab.store, Surroundings(lab.clock, signer=signer(lab)))


def test_a_phone_may_be_named_like_a_person(lab: LittleLab) -> None:
    assert Person(lab.store, "phone (kitchen)", lab.clock)

"""Our own webhooks: signed as Standard Webhooks has it, sent nowhere else, and with their secrets kept."""

from __future__ import annotations

import base64
import hashlib
import hmac
import socket
from typing import Any

import pytest

from iotlab.domain.alarm import Severity
from iotlab.errors import ConfigError
from iotlab.notify.channels import ChannelConfig, open_channels
from iotlab.notify.channels.channel import SENT, Attempt
from iotlab.notify.channels.webhook import WebhookChannel, signature
from iotlab.notify.safe_http import is_refused
from tests.notify.receiver import Receiver
from tests.notify.scripted import notification
from tests.notify.test_channels import RootLog, root_log
from tests.triggers.little_lab import LittleLab

__all__ = ["root_log"]

CANARY = "c4n4ry-t0ken"
KEY = b"canary-of-thirty-two-bytes-long!"
SECRET = "whsec_" + base64.b64encode(KEY).decode()


def hook(lab: LittleLab, url: str, **keys: Any) -> WebhookChannel:
    return WebhookChannel("hook", url, clock=lab.clock, **keys)


def attempt(lab: LittleLab, alarm: str = "leak/tap", **keys: Any) -> Attempt:
    return Attempt(notification(lab, alarm=alarm), "flow is 14", **keys)


def test_the_signature_is_the_one_of_the_specifications_own_example() -> None:
    # Source: the example of the Standard Webhooks libraries' test suites.
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    signed = signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_receiver_can_check_who_sent_it_and_recognise_a_repeat(lab: LittleLab) -> None:
    with Receiver() as receiver:
        channel = hook(lab, receiver.web_url, secret=SECRET)
        assert channel.send(attempt(lab, "leak/Küche 1.5\n")) == SENT
        lab.hands.advance(60)
        assert channel.send(attempt(lab, "leak/Küche 1.5\n", possible_repeat=True)) == SENT
    first, second = receiver.got
    for got, seconds in ((first, 1_763_958_000), (second, 1_763_958_060)):
        assert got.headers["webhook-id"] == "leak/K%C3%BCche 1%2E5%0A:1"
        assert got.headers["webhook-timestamp"] == str(seconds)
        signed = f"{got.headers['webhook-id']}.{seconds}.".encode() + got.raw
        mac = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
        assert got.headers["webhook-signature"] == f"v1,{mac}"
    assert (first.is_marked, second.is_marked) == (False, True)


def test_the_document_says_what_happened(lab: LittleLab) -> None:
    with Receiver() as receiver:
        hook(lab, receiver.web_url).send(attempt(lab))
    [got] = receiver.got
    assert "webhook-signature" not in got.headers
    assert got.body == {
        "type": "alarm.raised",
        "timestamp": "2025-11-24T04:20:00.000Z",
        "data": {
            "key": "leak/tap:1",
            "title": "Critical: Leak, tap",
            "text": "flow is 14",
            "message": "flow is 14",
            "headline": "Critical: Leak, tap",
            "severity": "critical",
            "state": "raised",
            "what": "raised",
            "alarm": "leak/tap",
            "rule": "leak",
            "device": "tap",
            "name": "tap",
            "time": "2025-11-24T04:20:00.000Z",
            "version": 1,
        },
    }


ANSWERS = {
    "taken": (204, "sent"),
    "broken": (500, "retry"),
    "busy": (429, "retry"),
    "gone": (410, "refused"),
    "not allowed": (401, "refused"),
    "elsewhere": (302, "refused"),
    "moved for good": (308, "refused"),
    "hangs up": ("drop", "unknown"),
}


@pytest.mark.parametrize(("answer", "status"), ANSWERS.values(), ids=ANSWERS)
def test_what_the_receiver_answers_decides_and_a_redirect_is_not_followed(
    lab: LittleLab, answer: int | str, status: str
) -> None:
    with Receiver(lambda _: answer) as receiver:
        assert hook(lab, receiver.web_url).send(attempt(lab)).status == status
        assert receiver.requests == 1


def test_a_receiver_that_is_not_there_is_tried_again(lab: LittleLab) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        outcome = hook(lab, f"http://127.0.0.1:{reserved.getsockname()[1]}/{CANARY}").send(attempt(lab))
    assert outcome.status == "retry"
    assert CANARY not in outcome.error


ADDRESSES = {
    "169.254.169.254": True,
    "169.254.0.1": True,
    "fe80::1": True,
    "fe80::1%eth0": True,
    "::ffff:169.254.169.254": True,
    "2002:a9fe:a9fe::1": True,
    "fd00:ec2::254": True,
    "100.100.100.200": True,
    "0.0.0.0": True,  # noqa: S104  to be refused
    "::": True,
    "224.0.0.1": True,
    "255.255.255.255": True,
    "127.0.0.1": False,
    "::1": False,
    "192.168.1.20": False,
    "10.0.0.1": False,
    "fd12::1": False,
    "93.184.216.34": False,
}


@pytest.mark.parametrize(("address", "refused"), ADDRESSES.items())
def test_metadata_and_other_special_addresses_are_never_asked(address: str, refused: bool) -> None:
    assert is_refused(address) is refused


@pytest.mark.parametrize("host", ["169.254.169.254", "0x7f.0.0.0", "[fe80::1]", "2852039166", "0"])
def test_a_url_to_such_an_address_is_refused_in_whatever_way_it_is_written(lab: LittleLab, host: str) -> None:
    outcome = hook(lab, f"http://{host}:1/latest/meta-data").send(attempt(lab))
    assert outcome.status in {"refused", "retry"}
    if host not in {"0x7f.0.0.0"}:
        assert "an address that is never notified" in outcome.error


def test_a_name_that_resolves_to_such_an_address_is_refused(lab: LittleLab, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("169.254.169.254", 80))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    outcome = hook(lab, "http://metadata.evil.test/").send(attempt(lab))
    assert (outcome.status, "never notified" in outcome.error) == ("refused", True)


BAD_URLS = [
    f"file:///etc/{CANARY}",
    f"ftp://h/{CANARY}",
    f"gopher://h/{CANARY}",
    f"http://user:{CANARY}@h/",
    f"http://h/{CANARY}\r\nX: y",
    f"http://h:99999/{CANARY}",
    f"http:///{CANARY}",
    CANARY,
    "",
]


@pytest.mark.parametrize("url", BAD_URLS)
def test_a_url_that_cannot_be_used_is_refused_and_not_shown(lab: LittleLab, url: str) -> None:
    with pytest.raises(ConfigError) as refused:
        hook(lab, url)
    assert CANARY not in f"{refused.value}{refused.value.__cause__}"


@pytest.mark.parametrize("secret", [CANARY, "whsec_!!", "whsec_" + base64.b64encode(b"short").decode()])
def test_a_secret_that_cannot_be_used_is_refused_and_not_shown(lab: LittleLab, secret: str) -> None:
    with pytest.raises(ConfigError) as refused:
        hook(lab, "http://h/", secret=secret)
    assert secret.removeprefix("whsec_") not in str(refused.value)


def test_neither_url_nor_secret_is_in_a_log_an_error_or_a_repr(lab: LittleLab, root_log: RootLog) -> None:
    shown = ""
    for answer in (500, 302, "drop"):
        with Receiver(lambda _, answer=answer: answer) as receiver:  # type: ignore[misc]
            config = ChannelConfig("hook", "webhook", f"{receiver.web_url}/{CANARY}?t={CANARY}", secret=SECRET)
            [channel] = open_channels([config], lab.store)
            shown += f"{channel.send(attempt(lab))}{channel!r}{channel.service}{config!r}"
            assert receiver.requests == 1
    shown += root_log.text
    assert CANARY not in shown
    assert SECRET not in shown
    assert KEY.decode() not in shown


def test_a_group_is_one_document_with_all_its_notifications(lab: LittleLab) -> None:
    severities: list[Severity] = ["info", "warning"]
    members = tuple(notification(lab, alarm=f"hot/{name}") for name in severities)
    with Receiver() as receiver:
        hook(lab, receiver.web_url).send(
            Attempt(members[0], "two", title="2 notifications", group="group:1", members=members)
        )
    [got] = receiver.got
    assert (got.body["type"], got.key) == ("alarm.group", "group:1")
    assert [each["key"] for each in got.body["data"]["notifications"]] == ["hot/info:1", "hot/warning:1"]

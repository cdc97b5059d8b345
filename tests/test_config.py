"""Settings: where they come from, which one wins, and what a person is told when one is wrong."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotlab.config import SETTINGS, Channel, Secret, Settings, load
from iotlab.config.settings import SECTIONS
from iotlab.errors import ConfigError


def load_text(tmp_path: Path, text: str | bytes, **environment: str) -> Settings:
    file = tmp_path / "lab.toml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load(config=file, environment=environment)


def refusal(tmp_path: Path, text: str | bytes, **environment: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load_text(tmp_path, text, **environment)
    return caught.value


def test_without_any_source_every_setting_has_its_default(tmp_path: Path) -> None:
    settings = load(environment={"IOTLAB_DATA_DIR": str(tmp_path)})
    assert settings.broker.host == ""
    assert settings.broker.is_private
    assert settings.bridge.subscriptions == ("#", "$aws/#")
    assert settings.notify.channels == (Channel(name="inbox", kind="inbox"),)
    assert {settings.origin(name) for name in SETTINGS if name != "data.dir"} == {"default"}
    assert settings.file is None


def test_a_flag_wins_over_the_environment_and_that_over_the_file_and_that_over_the_default(tmp_path: Path) -> None:
    file = tmp_path / "lab.toml"
    file.write_text('[broker]\nhost = "from-file"\nport = 1\nusername = "from-file"\n')
    settings = load(
        config=file,
        environment={"IOTLAB_BROKER_PORT": "2", "IOTLAB_BROKER_USERNAME": "from-environment"},
        flags={"broker.username": "from-flag"},
    )
    broker = settings.broker
    assert (broker.host, broker.port, broker.username, broker.client_id) == ("from-file", 2, "from-flag", "")
    names = ("broker.client_id", "broker.host", "broker.port", "broker.username")
    assert [settings.origin(name) for name in names] == ["default", "file", "environment", "flag"]


def test_the_file_in_the_data_directory_is_found(tmp_path: Path) -> None:
    (tmp_path / "lab.toml").write_text("[endpoint]\nport = 4321\n")
    settings = load(environment={}, flags={"data.dir": str(tmp_path)})
    assert settings.endpoint.port == 4321
    assert settings.file == tmp_path / "lab.toml"
    assert not settings.file_was_named


def test_the_environment_can_name_the_file(tmp_path: Path) -> None:
    file = tmp_path / "other.toml"
    file.write_text("[endpoint]\nport = 4321\n")
    settings = load(environment={"IOTLAB_CONFIG": str(file)})
    assert settings.endpoint.port == 4321
    assert settings.file_was_named


def test_a_named_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no\.toml: can't be read: No such file"):
        load(config=tmp_path / "no.toml", environment={})


def test_settings_can_not_be_changed() -> None:
    settings = load(environment={})
    with pytest.raises(AttributeError):
        settings.broker.port = 1  # type: ignore[misc]


def test_an_unknown_key_is_refused_with_its_line_and_the_nearest_name(tmp_path: Path) -> None:
    error = refusal(tmp_path, '[broker]\nport = 1883\n\nhots = "x"\n')
    assert (error.place.line, error.place.key, error.nearest) == (4, "broker.hots", "host")
    assert str(error).endswith("lab.toml:4 [broker.hots]: there is no such setting; did you mean 'host'?")


def test_an_unknown_section_is_refused_with_the_nearest_name(tmp_path: Path) -> None:
    error = refusal(tmp_path, "\n[brokr]\nport = 1\n")
    assert (error.place.line, error.nearest) == (2, "broker")


def test_a_key_that_resembles_nothing_is_refused_with_the_list_of_names(tmp_path: Path) -> None:
    error = refusal(tmp_path, "[endpoint]\nxyzzy = 1\n")
    assert error.expected == "one of host, port"


@pytest.mark.parametrize(
    ("text", "key", "expected"),
    [
        ('[broker]\nport = "1883x"\n', "broker.port", "whole number"),
        ("[broker]\nport = true\n", "broker.port", "whole number"),
        ("[broker]\nport = 18.5\n", "broker.port", "whole number"),
        ("[broker]\nport = 65536\n", "broker.port", "0 to 65535"),
        ("[broker]\nport = -1\n", "broker.port", "0 to 65535"),
        ("[bridge]\nbatch_size = 0\n", "bridge.batch_size", "1 to 10000 messages"),
        ("[broker]\nhost = 5\n", "broker.host", "text"),
        ('[broker]\nhost = "mqtt://x"\n', "broker.host", "a host name or address alone"),
        ('[broker]\ntls = "yes"\n', "broker.tls", "yes or no"),
        ('[bridge]\nsubscriptions = "lab/#"\n', "bridge.subscriptions", "list of text"),
        ("[bridge]\nsubscriptions = [1]\n", "bridge.subscriptions", "text"),
        ("[bridge]\nsubscriptions = []\n", "bridge.subscriptions", "at least one"),
        ('[bridge]\nsubscriptions = ["lab/#/x"]\n', "bridge.subscriptions", "such as lab/#"),
        ('[bridge]\nsubscriptions = ["$share/g/lab"]\n', "bridge.subscriptions", "such as lab/#"),
        ('[bridge]\nsubscriptions = ["a", "a"]\n', "bridge.subscriptions", "each once"),
        ('[bridge]\nshared_group = "a/b"\n', "bridge.shared_group", "up to 64 letters"),
        ("[table]\nstream_retention_h = nan\n", "table.stream_retention_h", "a finite number"),
        ("[table]\nstream_retention_h = inf\n", "table.stream_retention_h", "a finite number"),
        ('[table]\nkind = "dynamo"\n', "table.kind", "embedded, dynamodb"),
        ('[table]\nendpoint_url = "localhost:8000"\n', "table.endpoint_url", "such as http://127.0.0.1:8000"),
        ('[table]\nendpoint_url = "http://u:p@h/"\n', "table.endpoint_url", "such as http://127.0.0.1:8000"),
        ('[table]\nprefix = "my lab/"\n', "table.prefix", "up to 200 letters"),
        ('[endpoint]\nhost = "0.0.0.0"\n', "endpoint.host", "127.0.0.1"),
        ('[gui]\ntheme = "drak"\n', "gui.theme", "system, light, dark"),
        ("[gui]\ntheme = 2026-01-01\n", "gui.theme", "system | light | dark"),
        ("broker = 5\n", "broker", "[broker] and its settings"),
        ('[data]\ndir = ""\n', "data.dir", "a path"),
    ],
)
def test_a_wrong_value_is_refused_with_its_key_and_what_was_expected(
    tmp_path: Path, text: str, key: str, expected: str
) -> None:
    error = refusal(tmp_path, text)
    assert error.place.key == key
    assert error.place.line == text.count("\n")
    assert error.expected.startswith(expected)


def test_a_wrong_value_is_refused_also_where_another_source_overrides_it(tmp_path: Path) -> None:
    assert refusal(tmp_path, "[broker]\nport = 70000\n", IOTLAB_BROKER_PORT="1883").place.key == "broker.port"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"[broker\n", "this is not TOML"),
        (b"[broker]\nport = 1\nport = 2\n", "this is not TOML"),
        (b"[broker]\nhost = 'x", "this is not TOML"),
        (b"[broker]\nhost = '\xff'\n", "this is not UTF-8"),
        (b'[broker]\nhost = "a\x00b"\n', "this is not TOML"),
        ("[broker]\nport = 1\n".encode("utf-16"), "this is not UTF-8"),
        (b"a = " + b"[" * 5000 + b"]" * 5000, "nested too deeply"),
        (b"#" * 1_048_577, "1048577 bytes"),
    ],
)
def test_a_file_that_is_no_toml_is_refused(tmp_path: Path, content: bytes, problem: str) -> None:
    assert problem in refusal(tmp_path, content).problem


def test_a_syntax_error_is_told_with_its_line(tmp_path: Path) -> None:
    assert refusal(tmp_path, "[broker]\nport = 1\nhost = oops\n").place.line == 3


def test_a_byte_order_mark_and_carriage_returns_do_no_harm(tmp_path: Path) -> None:
    settings = load_text(tmp_path, b'\xef\xbb\xbf[broker]\r\nhost = "x"\r\n')
    assert settings.broker.host == "x"


@pytest.mark.parametrize("kind", ["directory", "fifo", "device"])
def test_a_file_that_is_no_regular_file_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "lab.toml"
    if kind == "directory":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")
    with pytest.raises(ConfigError, match=r"a directory|not a regular file"):
        load(environment={}, flags={"data.dir": str(tmp_path)})


def test_a_broken_link_in_the_data_directory_is_not_taken_for_no_file(tmp_path: Path) -> None:
    (tmp_path / "lab.toml").symlink_to(tmp_path / "gone.toml")
    with pytest.raises(ConfigError, match="can't be read"):
        load(environment={}, flags={"data.dir": str(tmp_path)})


def test_a_file_found_by_the_data_directory_can_not_set_it(tmp_path: Path) -> None:
    (tmp_path / "lab.toml").write_text('[data]\ndir = "/elsewhere"\n')
    with pytest.raises(ConfigError, match="found by the data directory"):
        load(environment={}, flags={"data.dir": str(tmp_path)})


def test_relative_paths_start_from_the_file_that_names_them(tmp_path: Path) -> None:
    assert load_text(tmp_path, '[rules]\nfile = "my/rules.toml"\n').rules.file == tmp_path / "my" / "rules.toml"


def test_an_unknown_variable_of_a_section_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ConfigError, match=r"IOTLAB_BROKER_HOTS: there is no such setting.*IOTLAB_BROKER_HOST"):
        load(environment={"IOTLAB_BROKER_HOTS": "x"})


def test_a_variable_that_is_none_of_the_labs_is_left_alone() -> None:
    assert load(environment={"IOTLAB_TEST_BROKER": "x", "BROKER_HOST": "y"}).broker.host == ""


def test_a_wrong_variable_is_refused_by_its_name() -> None:
    with pytest.raises(ConfigError, match="environment variable IOTLAB_BROKER_PORT: 'x' is not a whole number"):
        load(environment={"IOTLAB_BROKER_PORT": "x"})


def test_a_wrong_flag_is_refused_by_its_name() -> None:
    with pytest.raises(ConfigError, match=r"--gui-theme: 'drak' is not one of its values.*did you mean 'dark'"):
        load(environment={}, flags={"gui.theme": "drak"})


@pytest.mark.parametrize("text", ["lab/#,tele/#", "lab/#, tele/#,", '["lab/#", "tele/#"]'])
def test_a_list_in_the_environment_has_commas_or_is_a_toml_array(text: str) -> None:
    assert load(environment={"IOTLAB_BRIDGE_SUBSCRIPTIONS": text}).bridge.subscriptions == ("lab/#", "tele/#")


def test_channels_are_tables_of_the_file(tmp_path: Path) -> None:
    settings = load_text(
        tmp_path,
        """
[[notify.channel]]
name = "inbox"
kind = "inbox"

[[notify.channel]]
name = "phone"
kind = "apprise"
url = "env:PHONE_URL"
severities = ["critical"]
""",
    )
    phone = Channel(name="phone", kind="apprise", url=Secret("env", "PHONE_URL"), severities=("critical",))
    assert settings.notify.channels == (Channel(name="inbox", kind="inbox"), phone)


def test_a_channel_can_be_said_by_flag_and_by_variable() -> None:
    table = '{name="phone", kind="apprise", url="env:PHONE_URL"}'
    expected = (Channel(name="phone", kind="apprise", url=Secret("env", "PHONE_URL")),)
    assert load(environment={}, flags={"notify.channel": [table]}).notify.channels == expected
    assert load(environment={"IOTLAB_NOTIFY_CHANNEL": table}).notify.channels == expected
    assert load(environment={"IOTLAB_NOTIFY_CHANNEL": f"[{table}]"}).notify.channels == expected


@pytest.mark.parametrize(
    ("second", "key", "problem"),
    [
        ('nmae = "b"', "notify.channel[2].nmae", "there is no such key"),
        ('name = "b"', "notify.channel[2]", "the key 'kind' is missing"),
        ('name = "b"\nkind = "fax"', "notify.channel[2].kind", "'fax' is not one of its values"),
        ('name = "b"\nkind = "apprise"\nurl = "json://u:p@h"', "notify.channel[2].url", "never written here itself"),
        ('name = "b"\nkind = "apprise"', "notify.channel", "channel 'b' has no url"),
        ('name = "b"\nkind = "inbox"\nurl = "env:X"', "notify.channel", "uses no url"),
        (
            'name = "b"\nkind = "inbox"\nseverities = ["fatal"]',
            "notify.channel[2].severities",
            "not one of its values",
        ),
        ('name = "a"\nkind = "desktop"', "notify.channel", "2 channels have the name 'a'"),
    ],
)
def test_a_wrong_channel_is_refused_by_its_number_and_key(
    tmp_path: Path, second: str, key: str, problem: str
) -> None:
    first = '[[notify.channel]]\nname = "a"\nkind = "inbox"\n\n'
    error = refusal(tmp_path, f"{first}[[notify.channel]]\n{second}\n")
    assert error.place.key == key
    assert problem in error.problem
    if key.startswith("notify.channel[2]"):
        assert error.place.line is not None
        assert error.place.line >= 5


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('[broker]\nkind = "external"\n', "an external broker has no host"),
        ('[broker]\nkind = "mosquitto"\nhost = "x"\n', "starts a private broker on loopback"),
        ('[broker]\nhost = "x"\ntls_certfile = "c.pem"\n', "the TLS certfile is set and the keyfile is not"),
        ('[broker]\nhost = "x"\ntls_keyfile = "k.pem"\n', "the TLS keyfile is set and the certfile is not"),
        ('[broker]\nhost = "x"\npassword = "env:P"\n', "there is a password and no user name"),
        ('[broker]\nusername = "x"\n', "private broker on loopback does not use it"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(tmp_path: Path, text: str, problem: str) -> None:
    error = refusal(tmp_path, text)
    assert problem in error.problem
    assert error.place.line is not None


def test_the_brokers_port_follows_from_tls() -> None:
    plain = load(environment={}, flags={"broker.host": "x"}).broker
    tls = load(environment={}, flags={"broker.host": "x", "broker.tls": "yes"}).broker
    own = load(environment={}, flags={"broker.host": "x", "broker.tls_cafile": "ca.pem", "broker.port": "99"}).broker
    assert (plain.external_port, plain.uses_tls) == (1883, False)
    assert (tls.external_port, tls.uses_tls) == (8883, True)
    assert (own.external_port, own.uses_tls) == (99, True)


def test_a_child_process_gets_the_same_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "my.toml"
    file.write_text("[bridge]\nbatch_size = 50\n")
    monkeypatch.chdir(tmp_path)
    flags = {
        "data.dir": "data",
        "broker.host": "-odd-host",
        "broker.username": "u",
        "broker.password": "file:secret",
        "broker.tls": "no",
        "bridge.subscriptions": ["a/#", "b/#"],
        "notify.channel": ['{name="n", kind="inbox"}'],
        "emulator.seed": "9",
    }
    settings = load(config=file, environment={}, flags=flags)
    arguments = settings.arguments("data", "broker", "bridge", "notify")
    assert f"--config={file}" in arguments
    assert f"--data-dir={tmp_path / 'data'}" in arguments
    assert f"--broker-password=file:{tmp_path / 'secret'}" in arguments
    assert arguments.count("--bridge-subscriptions=a/#") == arguments.count("--bridge-subscriptions=b/#") == 1
    assert not any("seed" in argument for argument in arguments)


def test_every_section_is_declared_with_help_and_a_default_that_its_own_checks_accept() -> None:
    settings = Settings()
    for name, row in SETTINGS.items():
        assert row.about.help.endswith("."), name
        row.check(settings.value(name))
    assert {row.section for row in SETTINGS.values()} == set(SECTIONS)


def test_flags_and_variables_are_unique() -> None:
    flags = [flag for row in SETTINGS.values() for flag in (row.flag, *row.about.flags)]
    variables = [row.variable for row in SETTINGS.values()]
    assert len(flags) == len(set(flags))
    assert len(variables) == len(set(variables))


@given(st.binary(max_size=200))
def test_any_bytes_as_a_file_are_settings_or_one_clear_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    file = tmp_path_factory.mktemp("any") / "lab.toml"
    file.write_bytes(data)
    with contextlib.suppress(ConfigError):
        assert load(config=file, environment={}).file == file


@given(st.sampled_from(sorted(SETTINGS)), st.text(max_size=30))
def test_any_text_as_a_flag_is_a_value_or_one_clear_error(name: str, text: str) -> None:
    with contextlib.suppress(ConfigError):
        assert load(environment={"IOTLAB_DATA_DIR": "/nonexistent"}, flags={name: text}).origin(name) == "flag"

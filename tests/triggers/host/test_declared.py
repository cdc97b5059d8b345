"""Functions from TOML: what is read, and how each mistake is named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from iotlab.errors import ConfigError
from iotlab.triggers.host.declared import load_functions, parse_functions
from iotlab.triggers.host.function import Limits

GOOD = """
[[handler]]
name = "refill"
code = "refill.py"
timeout_s = 10
memory_mb = 256
network = true
environment = { ORDERS_TABLE = "orders" }
secrets = { TOKEN = "env:REFILL_TOKEN" }

[[mapping]]
name = "refill"
table = "devices"
handler = "refill"

[[handler]]
name = "leaks"
code = "package"
handler = "app.main"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "refill.py").write_text("")
    (tmp_path / "web.mjs").write_text("")
    (tmp_path / "package").mkdir()
    return tmp_path


def test_a_file_declares_functions_with_limits_and_grants(folder: Path) -> None:
    refill, leaks = parse_functions(GOOD, folder / "triggers.toml")
    assert (refill.name, refill.path, refill.handler) == ("refill", folder / "refill.py", "refill.handler")
    assert refill.limits == Limits(timeout_s=10.0, memory_mb=256)
    assert (refill.network, refill.environment["ORDERS_TABLE"]) == (True, "orders")
    assert refill.secrets == {"TOKEN": "env:REFILL_TOKEN"}
    assert (leaks.path, leaks.handler, leaks.network) == (folder / "package", "app.main", False)


def test_no_file_declares_no_function(tmp_path: Path) -> None:
    assert load_functions(tmp_path / "triggers.toml") == []


def test_a_file_of_node_is_run_by_node(folder: Path) -> None:
    (function,) = parse_functions('[[handler]]\nname = "web"\ncode = "web.mjs"\n', folder / "triggers.toml")
    assert (function.runtime, function.handler) == ("node", "web.handler")


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('name = "a"', "code"),
        ('code = "refill.py"', "there is no name"),
        ('name = "a/b"\ncode = "refill.py"', "'a/b' can't be a name"),
        ('name = "a"\ncode = "other.py"', "there is nothing at"),
        (
            'name = "a"\ncode = "refill.py"\ntimeout = 3',
            "triggers.toml:4 [handler a.timeout]: 'timeout' is",
        ),
        ('name = "a"\ncode = "refill.py"\ntimeout = 3', "did you mean 'timeout_s'?"),
        ('name = "a"\ncode = "refill.py"\ntimeout_s = 901', "0.1 to 900"),
        ('name = "a"\ncode = "refill.py"\ntimeout_s = nan', "nan can't be it"),
        ('name = "a"\ncode = "refill.py"\nmemory_mb = 1.5', "a whole number of MB"),
        ('name = "a"\ncode = "refill.py"\nmemory_mb = true', "True can't be it"),
        ('name = "a"\ncode = "refill.py"\nnetwork = "yes"', "neither true nor false"),
        ('name = "a"\ncode = "refill.py"\nruntime = "java"', "python or node"),
        ('name = "a"\ncode = "refill.py"\nhandler = "nothing"', "module.function"),
        ('name = "a"\ncode = "refill.py"\nenvironment = { AWS_LAMBDA_X = "1" }', "set by the runtime"),
        ('name = "a"\ncode = "refill.py"\nenvironment = { "A B" = "1" }', "'A B' can't be a variable"),
        ("name = ", "this is not TOML"),
    ],
)
def test_a_mistake_is_named_with_its_place(folder: Path, lines: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_functions(f"[[handler]]\n{lines}\n", folder / "triggers.toml")
    assert said in caught.value.message


def test_a_secret_in_the_file_is_refused_without_being_shown(folder: Path) -> None:
    text = '[[handler]]\nname = "a"\ncode = "refill.py"\nsecrets = { TOKEN = "hunter2" }\n'
    with pytest.raises(ConfigError) as caught:
        parse_functions(text, folder / "triggers.toml")
    assert "TOKEN is no reference" in caught.value.message
    assert "hunter2" not in str(caught.value)


def test_two_functions_of_one_name_are_refused(folder: Path) -> None:
    one = '[[handler]]\nname = "a"\ncode = "refill.py"\n'
    with pytest.raises(ConfigError, match="the name of another handler"):
        parse_functions(one + one, folder / "triggers.toml")


def test_the_example_of_the_documentation_is_accepted(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "handlers.md").read_text(encoding="utf-8")
    (tmp_path / "stock_refill.py").write_text("")
    (example,) = re.findall(r"^```triggers\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    (function,) = parse_functions(example, tmp_path / "triggers.toml")
    assert function.secrets.keys() == {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}

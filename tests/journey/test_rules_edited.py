"""The rules of a running bridge, edited: a mistake is told and changes nothing, a right file is in force at once."""

from __future__ import annotations

from pathlib import Path

from iotlab.clock import SystemClock
from iotlab.config import load
from iotlab.lab.host import BridgeHost
from iotlab.lab.resources import assets_dir
from tests.mqtt.peers import eventually


def test_health_tells_which_rules_are_in_force_and_what_is_wrong_with_the_file(tmp_path: Path) -> None:
    text = (assets_dir() / "rules.toml").read_text(encoding="utf-8")
    file = tmp_path / "rules.toml"
    file.write_text(text, encoding="utf-8")
    host = BridgeHost(load(flags={"data.dir": str(tmp_path)}), clock=SystemClock(), assets=assets_dir())
    host.start()
    try:
        before = host.health().rules
        assert before.in_force > 0
        assert before.error == ""
        file.write_text(text + '\n[[rule]]\nid = "half"\n', encoding="utf-8")
        eventually(lambda: "half" in host.health().rules.error)
        assert host.health().rules.in_force == before.in_force
        file.write_text(text, encoding="utf-8")
        eventually(lambda: host.health().rules.error == "")
    finally:
        host.stop()

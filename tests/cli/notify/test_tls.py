"""`iotlab notify test` of an MQTT channel, at a broker that demands TLS and a certificate."""

from __future__ import annotations

from pathlib import Path

import pytest

from iotlab.cli import app
from tests.mqtt.secure import make_certificates, secure_broker

CHANNEL = '[[notify.channel]]\nname = "screen"\nkind = "mqtt"\ntopic = "lab/alarms"\n'


def test_the_files_for_tls_are_used_so_that_a_test_says_what_the_lab_would_meet(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    certificates = make_certificates(tmp_path)
    (tmp_path / "lab.toml").write_text(CHANNEL)
    with secure_broker(certificates) as port:
        broker = ["--broker-host", "127.0.0.1", "--broker-port", str(port)]
        files = {"cafile": "ca.pem", "certfile": "client.pem", "keyfile": "client.key"}
        tls = [word for flag, name in files.items() for word in (f"--broker-tls-{flag}", certificates.path(name))]
        code = app.run(["notify", "test", "screen", "--data", str(tmp_path), *broker, *tls])
        said = capsys.readouterr()
    assert code == 0, said.err
    assert f"lab/alarms at 127.0.0.1:{port}: sent" in said.out

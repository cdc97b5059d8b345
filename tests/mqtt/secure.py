"""A real mosquitto that demands TLS, with certificates made for the test."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from iotlab.mqtt.mosquitto import find_mosquitto
from iotlab.mqtt.ports import free_port

OPENSSL = shutil.which("openssl")


class Certificates:
    """An authority, and a server's and a client's certificate signed by it, as files."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._openssl("req", "-x509", "-subj", "/CN=test authority", "-keyout", "ca.key", "-out", "ca.pem")
        (directory / "san.txt").write_text("subjectAltName=IP:127.0.0.1\n", encoding="utf-8")
        for name in ("server", "client"):
            self._openssl("req", "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
            signing = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "san.txt"]
            self._run("x509", "-req", "-in", f"{name}.csr", "-days", "2", *signing, "-out", f"{name}.pem")

    def path(self, name: str) -> str:
        return str(self.directory / name)

    def _openssl(self, command: str, *arguments: str) -> None:
        self._run(command, *arguments, "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")

    def _run(self, *arguments: str) -> None:
        assert OPENSSL is not None
        subprocess.run([OPENSSL, *arguments], cwd=self.directory, check=True, capture_output=True)


def make_certificates(directory: Path) -> Certificates:
    """Make them, or skip the test where there is no openssl."""
    if OPENSSL is None:
        pytest.skip("openssl is not installed")
    return Certificates(directory)


@contextmanager
def secure_broker(certificates: Certificates) -> Iterator[int]:
    """Run a mosquitto that demands TLS and a certificate of the client; give its port."""
    program = find_mosquitto()
    if program is None:
        pytest.skip("mosquitto is not installed")
    port = free_port(preferred=None)
    lines = [f"listener {port} 127.0.0.1", "allow_anonymous true", "require_certificate true", "user root"]
    lines += [f"cafile {certificates.path('ca.pem')}", f"certfile {certificates.path('server.pem')}"]
    lines += [f"keyfile {certificates.path('server.key')}"]
    config = certificates.directory / "mosquitto.conf"
    config.write_text("\n".join(lines), encoding="utf-8")
    with subprocess.Popen([str(program), "-c", str(config)], stderr=subprocess.DEVNULL) as process:
        yield port
        process.terminate()

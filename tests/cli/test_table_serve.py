"""`iotlab table serve` and `iotlab table credentials` as processes, with boto3 as the client."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from iotlab.table import credentials

COMMAND = [sys.executable, "-m", "iotlab.cli", "table"]
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}


def run(*words: str, text: str | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = ENVIRONMENT | variables
    return subprocess.run(
        [*COMMAND, *words], capture_output=True, text=True, timeout=60, check=False, env=environment, input=text
    )


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    command = [*COMMAND, "serve", "--data", str(tmp_path), "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
    yield process
    process.kill()
    process.communicate()


def url_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    found = re.match(r"Endpoint  (http://127\.0\.0\.1:\d+) ", process.stdout.readline())
    assert found, process.stderr and process.stderr.read()
    process.stdout.readline()
    process.stdout.readline()
    return found[1]


def client_of(lines: dict[str, str]) -> Any:
    return boto3.client(
        "dynamodb",
        endpoint_url=lines["AWS_ENDPOINT_URL"],
        aws_access_key_id=lines["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=lines["AWS_SECRET_ACCESS_KEY"],
        region_name=lines["AWS_DEFAULT_REGION"],
    )


def test_boto3_works_with_what_credentials_prints_and_the_table_outlives_the_process(
    serving: subprocess.Popen[str], tmp_path: Path
) -> None:
    url = url_of(serving)
    lines = json.loads(run("credentials", "--data", str(tmp_path), "--json").stdout)
    assert lines["AWS_ENDPOINT_URL"] == url
    client = client_of(lines)
    client.create_table(
        TableName="music",
        KeySchema=[{"AttributeName": "artist", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "artist", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    client.put_item(TableName="music", Item={"artist": {"S": "x"}})
    client.close()
    serving.send_signal(signal.SIGTERM)
    assert serving.wait(10) == 0
    assert "AWS_ENDPOINT_URL" not in run("credentials", "--data", str(tmp_path)).stdout
    again = subprocess.Popen(
        [*COMMAND, "serve", "--data", str(tmp_path), "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    )
    try:
        client = client_of(lines | {"AWS_ENDPOINT_URL": url_of(again)})
        assert client.get_item(TableName="music", Key={"artist": {"S": "x"}})["Item"] == {"artist": {"S": "x"}}
        client.close()
    finally:
        again.send_signal(signal.SIGINT)
        assert again.wait(10) == 0
        assert again.stdout is not None
        again.stdout.close()


def test_a_directory_that_is_served_is_refused_to_a_second_process(
    serving: subprocess.Popen[str], tmp_path: Path
) -> None:
    url_of(serving)
    second = run("serve", "--data", str(tmp_path), "--port", "0")
    assert second.returncode == 1
    assert "another process has the table at" in second.stderr
    assert "AWS_ENDPOINT_URL" in run("credentials", "--data", str(tmp_path)).stdout


def test_a_port_that_is_taken_is_refused_with_the_way_out(serving: subprocess.Popen[str], tmp_path: Path) -> None:
    port = url_of(serving).rpartition(":")[2]
    second = run("serve", "--data", str(tmp_path / "other"), "--port", port)
    assert second.returncode == 1
    assert f"port {port} on 127.0.0.1 can't be used" in second.stderr


def test_a_killed_process_is_not_taken_for_a_running_endpoint(serving: subprocess.Popen[str], tmp_path: Path) -> None:
    url_of(serving)
    serving.kill()
    serving.wait(10)
    assert "AWS_ENDPOINT_URL" not in run("credentials", "--data", str(tmp_path)).stdout


def test_credentials_are_shell_lines_of_a_pair_that_stays_until_it_is_rotated(tmp_path: Path) -> None:
    first = run("credentials", "--data", str(tmp_path)).stdout
    assert re.fullmatch(
        r"export AWS_ACCESS_KEY_ID=LAB\w{17}\nexport AWS_SECRET_ACCESS_KEY=[\w-]{40}\n"
        r"export AWS_DEFAULT_REGION=us-east-1\n",
        first,
    )
    assert run("credentials", "--data", str(tmp_path)).stdout == first
    rotated = run("credentials", "--data", str(tmp_path), "--rotate").stdout
    assert rotated != first
    assert run("credentials", "--data", str(tmp_path)).stdout == rotated
    assert stat.S_IMODE((tmp_path / credentials.FILE_NAME).stat().st_mode) == 0o600


def test_an_own_pair_is_taken_from_the_environment_or_asked_for(tmp_path: Path) -> None:
    words = ["credentials", "--data", str(tmp_path), "--access-key-id", "mine"]
    assert run(*words, AWS_SECRET_ACCESS_KEY="my-secret-1").returncode == 0
    assert credentials.load(tmp_path) == credentials.Credentials("mine", "my-secret-1")
    assert run(*words, text="my-secret-2\n").returncode == 0
    assert credentials.load(tmp_path) == credentials.Credentials("mine", "my-secret-2")


@pytest.mark.parametrize(("key", "secret"), [("a/b", "my-secret-1"), ("mine", "short"), ("mine", "with a space")])
def test_an_own_pair_that_could_not_be_used_is_refused(key: str, secret: str, tmp_path: Path) -> None:
    done = run("credentials", "--data", str(tmp_path), "--access-key-id", key, AWS_SECRET_ACCESS_KEY=secret)
    assert done.returncode == 2
    assert secret not in done.stderr
    assert not (tmp_path / credentials.FILE_NAME).exists()


def test_a_pair_that_others_can_read_is_refused(tmp_path: Path) -> None:
    run("credentials", "--data", str(tmp_path))
    (tmp_path / credentials.FILE_NAME).chmod(0o644)
    done = run("credentials", "--data", str(tmp_path))
    assert done.returncode == 1
    assert "can be read by other users" in done.stderr

"""The transcripts of docs/table.md, made by running their commands. To write them anew: IOTLAB_TEST_WRITE_DOCS=1."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from iotlab.domain.schema import TABLES
from iotlab.table.engine import Engine
from iotlab.table.store import Put, Store
from iotlab.table.values import item
from tests.cli.table.conftest import ROOT

PAGE = ROOT / "docs" / "table.md"
_MARK = "##-end-of-output-##"

READ = r"""
iotlab table query readings device=kitchen --last 2

iotlab table query readings device=kitchen 'at>=2026-11-25T06:00:03' --where 'values.temperature > 20.35' -o csv

iotlab table get devices kitchen --columns device,room

iotlab table scan devices --output table

iotlab table get device kitchen

iotlab table tail-stream devices --from TRIM_HORIZON
"""
WRITE = r"""
iotlab table put devices '{"device": "attic", "serial": 12345678901234567890123456789012345678}'

iotlab table put devices '{"device": "attic"}' --new

iotlab table delete devices attic --if 'exists(serial)' --output ddb-json
"""
TRANSFER = r"""
iotlab table export devices devices.csv

cat devices.csv

iotlab table import devices devices.csv

printf 'device,temperature\nattic,warm\n,20\n' >bad.csv

iotlab table import devices bad.csv --type temperature=N
"""
AWS = r"""
eval "$(iotlab table credentials)"

aws dynamodb create-table --table-name plants --billing-mode PAY_PER_REQUEST \
    --attribute-definitions AttributeName=plant,AttributeType=S AttributeName=at,AttributeType=N \
    --key-schema AttributeName=plant,KeyType=HASH AttributeName=at,KeyType=RANGE \
    --stream-specification StreamEnabled=true,StreamViewType=NEW_AND_OLD_IMAGES \
    --query TableDescription.TableName

aws dynamodb wait table-exists --table-name plants

aws dynamodb put-item --table-name plants \
    --item '{"plant": {"S": "basil"}, "at": {"N": "1"}, "moisture": {"N": "41.5"}}'

aws dynamodb put-item --table-name plants \
    --item '{"plant": {"S": "basil"}, "at": {"N": "2"}, "moisture": {"N": "39"}}'

aws dynamodb query --table-name plants --query Items \
    --key-condition-expression 'plant = :p AND #at > :at' --expression-attribute-names '{"#at": "at"}' \
    --expression-attribute-values '{":p": {"S": "basil"}, ":at": {"N": "1"}}'

stream=$(aws dynamodb describe-table --table-name plants --query Table.LatestStreamArn --output text)

shards=$(aws dynamodbstreams describe-stream --stream-arn $stream \
    --query 'StreamDescription.Shards[].ShardId' --output text)

for shard in $shards; do
    iterator=$(aws dynamodbstreams get-shard-iterator --stream-arn $stream --shard-id $shard \
        --shard-iterator-type TRIM_HORIZON --query ShardIterator --output text)
    aws dynamodbstreams get-records --shard-iterator $iterator --output text \
        --query 'Records[].[eventName, dynamodb.Keys.at.N, dynamodb.NewImage.moisture.N]'
done

aws dynamodb get-item --table-name nothing --key '{"plant": {"S": "basil"}}'
"""


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    """A directory with a lab in it, and a PATH on which `iotlab` is this one."""
    engine = Engine.open(tmp_path / "lab" / "table.db")
    engine.ensure_tables(TABLES)
    store = Store(engine)
    for device in ("kitchen", "hall"):
        store.put_item("devices", item({"device": device, "room": device, "temperature": 20.4, "note": "=1+1"}))
    rows = [{"at": f"2026-11-25T06:00:0{n}", "seq": n, "values": {"temperature": 20 + n / 10}} for n in range(5)]
    store.transact_write([Put("readings", item({"device": "kitchen", **row})) for row in rows])
    engine.close()
    program = tmp_path / "bin" / "iotlab"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m iotlab.cli "$@"\n')
    program.chmod(0o755)
    return tmp_path


@pytest.fixture
def endpoint(lab: Path) -> Iterator[None]:
    words = [sys.executable, "-m", "iotlab.cli", "table", "serve", "--port", "0", "--quiet", "--data", "lab"]
    process = subprocess.Popen(words, cwd=lab, env={**os.environ, "PYTHONPATH": str(ROOT)})
    deadline_s = time.monotonic() + 60
    while not (lab / "lab" / "endpoint.json").exists():
        assert process.poll() is None, "the server has ended"
        assert time.monotonic() < deadline_s, "the server does not serve"
        time.sleep(0.02)
    yield
    process.terminate()
    process.wait(30)


def transcript(lab: Path, text: str) -> str:
    """Run commands, separated by empty lines, in one shell; return them with what they print."""
    commands = text.strip().split("\n\n")
    script = "".join(f"{command}\necho '{_MARK}'\n" for command in commands)
    environment = {
        "PATH": f"{lab / 'bin'}:{os.environ['PATH']}",
        "HOME": str(lab),
        "COLUMNS": "100",
        "IOTLAB_DATA_DIR": str(lab / "lab"),
        "AWS_PAGER": "",
        "AWS_EC2_METADATA_DISABLED": "true",
        **{name: value for name, value in os.environ.items() if name.startswith("PYENV")},
    }
    done = subprocess.run(
        ["bash"],
        input=f"exec 2>&1\n{script}",
        cwd=lab,
        env=environment,
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    outputs = done.stdout.split(f"{_MARK}\n")
    lines = [f"$ {command}\n{output}" for command, output in zip(commands, outputs, strict=False)]
    return steady("".join(lines), lab)


def steady(text: str, lab: Path) -> str:
    """Return a transcript without what is another at each run: directories, times and ports."""
    text = text.replace(str(lab), "/home/me")
    text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:8000", text)
    text = re.sub(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "2026-11-25T06:00:05.000Z", text)
    return re.sub(r" +$", "", text, flags=re.MULTILINE)


def check(name: str, made: str) -> None:
    page = PAGE.read_text(encoding="utf-8")
    pattern = re.compile(rf"(<!-- transcript: {name} -->\n```console\n)(.*?)(```\n)", re.DOTALL)
    if os.environ.get("IOTLAB_TEST_WRITE_DOCS"):
        PAGE.write_text(pattern.sub(lambda found: found[1] + made + found[3], page), encoding="utf-8")
        return
    found = pattern.search(page)
    assert found is not None, name
    assert found[2] == made, "to write it anew: IOTLAB_TEST_WRITE_DOCS=1"


@pytest.mark.parametrize(("name", "commands"), [("read", READ), ("write", WRITE), ("transfer", TRANSFER)])
def test_the_transcripts_of_iotlab_table_are_what_it_prints(name: str, commands: str, lab: Path) -> None:
    check(name, transcript(lab, commands))


@pytest.mark.skipif(shutil.which("aws") is None, reason="the AWS CLI is not installed: pip install awscli")
def test_the_transcript_of_the_aws_cli_is_what_it_prints(lab: Path, endpoint: None) -> None:
    made = transcript(lab, AWS)
    check("aws", "$ iotlab table serve --port 8000 --quiet &\n" + made)

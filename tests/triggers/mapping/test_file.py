"""``triggers.toml``: what it may say, and how each mistake is named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from iotlab.errors import ConfigError
from iotlab.triggers.mapping.file import load_mappings, parse_mappings
from iotlab.triggers.mapping.settings import MappingSettings

WHOLE = """
[[handler]]
name = "refill"

[[mapping]]
name = "stock"
table = "devices"
handler = "refill"
batch_size = 10
maximum_batching_window_s = 0.5
starting_position = "TRIM_HORIZON"
parallelization_factor = 2
maximum_retry_attempts = -1
maximum_record_age_s = 3600
bisect_batch_on_function_error = false
function_response_types = ["ReportBatchItemFailures"]
filters = ['{"eventName": ["INSERT"]}', {dynamodb = {NewImage = {type = {S = ["scale"]}}}}]
on_failure = "queue"
enabled = false
"""


def test_a_whole_mapping_is_read() -> None:
    (read,) = parse_mappings(WHOLE, "triggers.toml")
    assert read == MappingSettings(
        name="stock",
        table="devices",
        handler="refill",
        enabled=False,
        batch_size=10,
        maximum_batching_window_s=0.5,
        starting_position="TRIM_HORIZON",
        parallelization_factor=2,
        maximum_retry_attempts=-1,
        bisect_batch_on_function_error=False,
        maximum_record_age_s=3600,
        function_response_types=("ReportBatchItemFailures",),
        filters=('{"eventName": ["INSERT"]}', '{"dynamodb": {"NewImage": {"type": {"S": ["scale"]}}}}'),
        on_failure="queue",
    )


def test_the_defaults_split_and_give_up_so_that_nothing_blocks() -> None:
    (read,) = parse_mappings('[[mapping]]\nname = "m"\ntable = "t"\nhandler = "h"\n', "triggers.toml")
    assert (read.batch_size, read.maximum_retry_attempts, read.bisect_batch_on_function_error) == (100, 3, True)


MISTAKES = [
    ("batch_size = 0", "triggers.toml:5 [mapping m.batch_size]: 0 is out of range; expected 1 to 10000"),
    ("batch_size = 1.5", "1.5 is no number; expected a whole number"),
    ("batch_size = true", "True is no number"),
    ("batchsize = 5", "[mapping m.batchsize]: 'batchsize' is not known"),
    ("maximum_retry_attempts = -2", "expected 0 to 10000 or -1 for no limit"),
    ("maximum_record_age_s = 10", "expected 60 to 604800 or -1 for no limit"),
    ("maximum_batching_window_s = nan", "nan is no number"),
    ('starting_position = "latest"', "expected TRIM_HORIZON or LATEST"),
    ('function_response_types = ["ReportBatchItemFailure"]', "did you mean 'ReportBatchItemFailures'?"),
    ("function_response_types = 1", "1 is no list of texts"),
    ("filters = ['{']", "triggers.toml:5 [mapping m.filters[0]]: line 1, column 2: this is not JSON"),
    ('filters = [\'{"a": [{"prefx": "x"}]}\']', "[mapping m.filters[0]]: a[0].prefx: 'prefx' is no operator"),
    ("filters = [" + "'{}'," * 11 + "]", "there are 11 filters; expected at most 10"),
    ("filters = '{}'", "'{}' is no list of patterns"),
    ('enabled = "yes"', "'yes' is neither true nor false"),
    ("tumbling_window_s = 60\nparallelization_factor = 2", "tumbling windows and several lanes"),
    ('on_failure = ""', "'' is no text"),
    ("batch_size = ", "triggers.toml:5: this is not TOML"),
]


@pytest.mark.parametrize(("line", "problem"), MISTAKES, ids=[line[:30] for line, _ in MISTAKES])
def test_a_mistake_is_named_with_file_line_and_key(line: str, problem: str) -> None:
    text = f'[[mapping]]\nname = "m"\ntable = "t"\nhandler = "h"\n{line}\n'
    with pytest.raises(ConfigError) as caught:
        parse_mappings(text, "triggers.toml")
    assert problem in caught.value.message


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('[[mapping]]\nname = "m"\nhandler = "h"\n', "triggers.toml:1 [mapping m]: table is missing"),
        ('[[mapping]]\nname = "m n"\ntable = "t"\nhandler = "h"\n', "'m n' can't be a name"),
        ("[mapping]\n", "mapping is no array of tables"),
        ("[[mappings]]\n", "did you mean 'mapping'?"),
        ('[[mapping]]\nname = "m"\ntable = "t"\nhandler = "h"\n' * 2, ":6 [mapping m.name]: mapping 1 has this name"),
    ],
)
def test_a_file_that_is_wrong_as_a_whole_says_so(text: str, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_mappings(text, "triggers.toml")
    assert problem in caught.value.message


def test_a_file_that_is_not_there_or_no_text_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="can't be read"):
        load_mappings(tmp_path / "none.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="is not UTF-8"):
        load_mappings(tmp_path / "bytes.toml")


def test_the_example_of_the_documentation_is_accepted() -> None:
    page = (Path(__file__).parents[3] / "docs" / "mappings.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```triggers\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    (read,) = parse_mappings(example, "docs/mappings.md")
    assert read.name == "refill"

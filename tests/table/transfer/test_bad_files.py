"""Bad files are refused with the line, the column and the reason, and nothing is written."""

from __future__ import annotations

import gzip
import io

import pytest

from iotlab.table.described import Described, describe
from iotlab.table.store import Store
from iotlab.table.transfer.formats import Format
from iotlab.table.transfer.lines import LINE_BYTES
from iotlab.table.transfer.problems import BadFileError
from iotlab.table.transfer.reading import Source, read_records
from iotlab.table.transfer.staging import Staging, stage

HEADING = b"alarm,version,note\n"


@pytest.fixture
def journal(store: Store) -> Described:
    return describe(store, "journal")


def refusal(content: bytes, form: Format, table: Described, **options: str) -> str:
    source = Source("in", form, delimiter=options.pop("delimiter", ","), types=options)
    with pytest.raises(BadFileError) as caught:
        stage(read_records(io.BytesIO(content), source, table.keys), "in", table, Staging())
    return caught.value.message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "in:1: the file has no heading line with the attributes' names"),
        (HEADING + b"a,1,x\nb,2\n", "in:3: the row has 2 cells, and the heading 3"),
        (HEADING + b"a,1,x,y\n", "in:2: the row has 4 cells, and the heading 3"),
        (b"alarm;version;note\na;1;x\n", "in:1: the columns are separated by semicolons: --delimiter ';'"),
        (b"alarm\tversion\n", "in:1: the columns are separated by tabs: --delimiter '\\t'"),
        (HEADING + b"a,1,\0\n", "in:2: the line has a NUL character; is the file damaged or not a text?"),
        (HEADING + b"a,1,\xe9t\xe9\n", "in:2: not UTF-8: byte 0xe9 at 5; save the file as UTF-8"),
        (HEADING.decode().encode("utf-16"), "in:1: the file is UTF-16; save it as UTF-8"),
        (
            HEADING + b"x" * (LINE_BYTES + 1),
            f"in:2: the line is longer than {LINE_BYTES} bytes; is it the right format?",
        ),
        (HEADING + b'a,1,"open\nb,2,x\n', "in:2: not CSV: unexpected end of data"),
        (HEADING + b'a,1,"x"y\n', "in:2: not CSV: ',' expected after '\"'"),
        (HEADING + b"a,1,x\rb,2,y\n", "in:2: not CSV: new-line character seen in unquoted field"),
        (b"alarm,version,note,note\n", "in:1: the column 'note' is there 2 times"),
        (b"alarm,version,\n", "in:1: column 3 has no name"),
        (b"alarm,verison\n", "in:1: there is no column 'version', a key attribute; did you mean it by 'verison'?"),
        (HEADING + b"a,one,x\n", "in:2: The parameter cannot be converted to a numeric value: one"),
        (HEADING + b"a,,x\n", "in:2 [version]: the key attribute is missing"),
        (HEADING + b"a,1,x\na,2,x\na,1.0,y\n", "in:4 [alarm, version]: line 2 has the same key"),
        (b"alarm,version,on:BOOL\na,1,yes\n", "in:2 [on]: 'yes' is not true or false"),
        (b"alarm,version,on:JSON\na,1,{\n", "in:2 [on]: not JSON: Expecting property name enclosed in double quotes"),
    ],
)
def test_a_bad_csv_is_refused_with_its_line(content: bytes, message: str, journal: Described) -> None:
    assert message in refusal(content, Format.CSV, journal)


def test_a_file_without_its_heading_line_says_so(journal: Described) -> None:
    assert "is the heading line missing?" in refusal(b"kitchen-hot,1,x\nkitchen-hot,2,y\n", Format.CSV, journal)


def test_a_type_for_a_column_that_is_not_there_is_refused(journal: Described) -> None:
    assert "did you mean 'note'?" in refusal(HEADING, Format.CSV, journal, nota="N")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"alarm": "a", "version": 1}\n{"alarm": "a"\n', "in:2: not JSON: Expecting ',' delimiter at character 15"),
        (
            b'{"alarm": "a", "verison": 1}\n',
            "in:1 [version]: the key attribute is missing; did you mean it by 'verison'?",
        ),
        (
            b'{"alarm": "a", "version": "1"}\n',
            "in:1: One or more parameter values were invalid: Type mismatch for key",
        ),
        (b"[1]\n", "in:1: an item is a JSON object: {...}"),
        (gzip.compress(b'{"alarm": "a", "version": 1}\n' * 9)[:-12], "the gzip is damaged or cut off"),
        (gzip.compress(HEADING)[:12] + b"\xff" * 30, "the gzip is damaged or cut off"),
        (b"\x1f\x8bno", "the gzip is damaged or cut off"),
        (b'{"alarm": "a\0", "version": 1}\n', "in:1: the line has a NUL character"),
    ],
)
def test_a_bad_json_lines_file_is_refused_with_its_line(content: bytes, message: str, journal: Described) -> None:
    assert message in refusal(content, Format.JSONL, journal)


def test_all_that_is_wrong_is_counted_and_the_first_twenty_are_shown(journal: Described) -> None:
    message = refusal(b'{"alarm": 1}\n' * 50, Format.JSONL, journal).splitlines()
    assert len(message) == 21
    assert message[0].startswith("in:1 ")
    assert message[-1] == "… and 30 more"


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(journal: Described) -> None:
    staging = Staging()
    content = b"\xef\xbb\xbfalarm,version,note\r\na,1,x\r\n\r\n"
    stage(read_records(io.BytesIO(content), Source("in", Format.CSV), journal.keys), "in", journal, staging)
    assert [row.item for row in staging.rows()] == [{"alarm": {"S": "a"}, "version": {"N": "1"}, "note": {"S": "x"}}]


def test_a_foreign_csvs_columns_can_be_given_types(journal: Described) -> None:
    staging = Staging()
    source = Source("in", Format.CSV, delimiter=";", types={"note": "N"})
    stage(read_records(io.BytesIO(b"alarm;version;note\na;1;2\n"), source, journal.keys), "in", journal, staging)
    assert next(iter(staging.rows())).item["note"] == {"N": "2"}

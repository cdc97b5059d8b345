"""Statements of random words, executed: each has a result or one of DynamoDB's errors, and no other end."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iotlab.table.engine import Engine
from iotlab.table.errors import (
    ConditionalCheckFailedException,
    DuplicateItemException,
    ResourceNotFoundException,
    ValidationException,
)
from iotlab.table.operations import execute
from tests.table.partiql.conftest import TABLE

_PATHS = st.sampled_from(["artist", "year", "genre", "a", "a.b", "a[0]", "size(a)", "size(genre)"])
_LITERALS = st.sampled_from(
    ["'x'", "1", "-2", "true", "NULL", "[1]", "{'k':'v'}", "<<1>>", "<<'x'>>", "MISSING", "?"]
)
_OPERANDS = st.one_of(_PATHS, _LITERALS)
_SIMPLE = st.one_of(
    st.builds("{} {} {}".format, _OPERANDS, st.sampled_from(["=", "<>", "<", "<=", ">", ">="]), _OPERANDS),
    st.builds("{} BETWEEN {} AND {}".format, _OPERANDS, _OPERANDS, _OPERANDS),
    st.builds("{} IN [{}, {}]".format, _OPERANDS, _OPERANDS, _OPERANDS),
    st.builds("{}({}, {})".format, st.sampled_from(["begins_with", "contains"]), _OPERANDS, _OPERANDS),
    st.builds("{} IS {}".format, _OPERANDS, st.sampled_from(["NULL", "MISSING", "NOT NULL", "NOT MISSING"])),
    st.sampled_from(["artist = 'x'", "year = 1", "artist IN ['x', 'y']"]),
)
_CONDITIONS = st.recursive(
    _SIMPLE,
    lambda inner: st.one_of(
        st.builds("{} AND {}".format, inner, inner),
        st.builds("({} OR {})".format, inner, inner),
        st.builds("NOT {}".format, inner),
    ),
    max_leaves=6,
)
_VALUES = st.one_of(
    _OPERANDS,
    st.builds("{} + {}".format, _OPERANDS, _OPERANDS),
    st.builds("{}({}, {})".format, st.sampled_from(["list_append", "set_add", "set_delete"]), _OPERANDS, _OPERANDS),
)
_STATEMENTS = st.one_of(
    st.builds("SELECT * FROM Music WHERE {}".format, _CONDITIONS),
    st.builds("SELECT a.b, year FROM Music WHERE {} ORDER BY year DESC".format, _CONDITIONS),
    st.builds('SELECT * FROM Music."by-genre" WHERE {}'.format, _CONDITIONS),
    st.builds("INSERT INTO Music VALUE {{'artist': 'x', 'year': {}, 'a': {}}}".format, _OPERANDS, _OPERANDS),
    st.builds("UPDATE Music SET a = {} WHERE artist = 'x' AND year = 1 AND {}".format, _VALUES, _CONDITIONS),
    st.builds("DELETE FROM Music WHERE artist = 'x' AND year = 1 AND {}".format, _CONDITIONS),
)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = Engine.open(Path(tmp_path_factory.mktemp("fuzz")) / "table.db")
    execute(engine, "CreateTable", TABLE)
    yield engine
    engine.close()


@given(_STATEMENTS)
def test_every_statement_has_a_result_or_one_of_dynamodbs_errors(table: Engine, statement: str) -> None:
    parameters = [{"N": "1"}] * statement.count("?")
    request = {"Statement": statement} | ({"Parameters": parameters} if parameters else {})
    with contextlib.suppress(
        ValidationException, DuplicateItemException, ConditionalCheckFailedException, ResourceNotFoundException
    ):
        assert isinstance(execute(table, "ExecuteStatement", request)["Items"], list)

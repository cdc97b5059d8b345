"""Tables: made when they are missing, left when they are there, refused when they are others."""

from __future__ import annotations

import pytest

from iotlab.domain.schema import LabTable
from iotlab.table import errors
from iotlab.table.ensure import TableMismatchError
from iotlab.table.store import Store
from iotlab.table.values import item
from tests.contract.rows import fresh, key
from tests.contract.targets import TABLES


def test_ensuring_tables_again_leaves_them_and_what_is_in_them(store: Store) -> None:
    name = fresh()
    store.put_item("things", item({"id": name}))
    store.ensure_tables(TABLES)
    assert store.get_item("things", key(name)) is not None
    assert set(store.call("ListTables", {})["TableNames"]) >= {table.name for table in TABLES}


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (LabTable("things", ("other", "S")), "things has the key id (S) instead of other (S)"),
        (LabTable("things", ("id", "N")), "things has the key id (S) instead of id (N)"),
        (LabTable("series", ("id", "S")), "series has the key id (S), n (N) instead of id (S)"),
        (LabTable("things", ("id", "S"), stream="NEW_IMAGE"), "not been enabled instead of NEW_IMAGE"),
        (LabTable("watched", ("id", "S"), stream="NEW_IMAGE"), "NEW_AND_OLD_IMAGES instead of NEW_IMAGE"),
    ],
)
def test_a_table_of_another_schema_is_refused_with_both(store: Store, wanted: LabTable, told: str) -> None:
    with pytest.raises(TableMismatchError) as caught:
        store.ensure_tables([wanted])
    assert told in caught.value.message
    assert "another table.prefix" in caught.value.hint


def test_creating_a_table_twice_is_refused(store: Store) -> None:
    request = {
        "TableName": "things",
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
    }
    with pytest.raises(errors.ResourceInUseException):
        store.call("CreateTable", request)

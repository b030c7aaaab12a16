"""The reader of customers' queries cannot create temporary tables."""

import importlib

import pytest
from django.core.checks import run_checks
from django.db import connection
from django.db.utils import ProgrammingError

from warehouse.sql.customer import managed_schema

closed = importlib.import_module("warehouse.migrations.0013_temporary_tables_closed")

pytestmark = pytest.mark.django_db(transaction=True)


def _list_check_ids() -> list[str | None]:
    messages = run_checks(tags=["database"], databases=["default"])
    return [message.id for message in messages]


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TEMPORARY TABLE mine (a int)",
        "CREATE TEMP TABLE mine AS SELECT 1 AS a",
        "SELECT 1 AS a INTO TEMPORARY mine",
        "CREATE TEMPORARY SEQUENCE mine",
        "CREATE TABLE pg_temp.mine (a int)",
        "CREATE TEMPORARY VIEW mine AS SELECT 1 AS a",
    ],
)
def test_the_reader_cannot_create_temporary_tables(statement: str) -> None:
    """Not in a read-only transaction, which would refuse it, too."""
    with connection.cursor() as cursor:
        cursor.execute(f"SET ROLE {managed_schema.READER}")
        try:
            with pytest.raises(
                ProgrammingError, match="permission denied to create temp"
            ):
                cursor.execute(statement)
        finally:
            cursor.execute("RESET ROLE")


def test_the_service_may_still_create_temporary_tables() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE mine (a int)")
        cursor.execute("DROP TABLE mine")


def test_a_check_warns_if_the_reader_may_create_temporary_tables() -> None:
    before = _list_check_ids()
    with connection.cursor() as cursor:
        cursor.execute(closed.OPEN_TEMPORARY_TABLES)
        opened = _list_check_ids()
        cursor.execute(closed.CLOSE_TEMPORARY_TABLES)

    assert (before, opened, _list_check_ids()) == ([], ["warehouse.W004"], [])


def test_a_service_that_does_not_own_the_database_leaves_it_to_the_check() -> None:
    with connection.cursor() as cursor:
        cursor.execute(closed.OPEN_TEMPORARY_TABLES)
        cursor.execute("CREATE ROLE plain_owner; SET ROLE plain_owner")
        cursor.execute(closed.CLOSE_TEMPORARY_TABLES)  # may close nothing
        cursor.execute("RESET ROLE")
        left_open = _list_check_ids()
        cursor.execute("ALTER TABLE event_keys OWNER TO plain_owner")
        cursor.execute(closed.CLOSE_TEMPORARY_TABLES)  # as the owner for it
        cursor.execute(
            "SELECT has_database_privilege('plain_owner', current_database(), 'TEMP')"
        )
        (may_create,) = cursor.fetchone() or (None,)
        cursor.execute("REASSIGN OWNED BY plain_owner TO CURRENT_USER")
        cursor.execute("DROP OWNED BY plain_owner; DROP ROLE plain_owner")

    assert left_open == ["warehouse.W004"]
    assert may_create is True
    assert _list_check_ids() == []

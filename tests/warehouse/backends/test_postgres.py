"""The Postgres backend: the parser, the session and the role each limit a query."""

from contextlib import nullcontext

import psycopg
import pytest
from django.test import override_settings

from levered_site.errors import (
    InvalidParametersError,
    NotFoundError,
    WarehouseError,
)
from tests.support.second_postgres import SecondServer
from tests.warehouse.backends.test_managed import ATTACKS
from warehouse.backends.errors import QueryFailedError
from warehouse.backends.postgres import PostgresBackend

pytestmark = pytest.mark.usefixtures("private_allowed")

# In addition to those on the managed store: attacks on a customer's own server.
SERVER_ATTACKS = [
    "SELECT * FROM public.secrets",
    "UPDATE public.shown SET version = '1'",
    "DELETE FROM public.bought",
    "TRUNCATE public.bought",
    "DROP TABLE public.bought",
    "INSERT INTO public.bought VALUES ('x')",
    "COMMIT; DELETE FROM public.bought",
    "SET TRANSACTION READ WRITE; DELETE FROM public.bought",
    "SET ROLE levered",
    "SET SESSION AUTHORIZATION levered",
    "ALTER ROLE reader SUPERUSER",
    "CREATE ROLE other SUPERUSER",
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE TEMP TABLE x (a int)",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT lo_export(1, '/tmp/levered-attack')",
    "COPY public.bought TO PROGRAM 'id'",
    "ALTER SYSTEM SET log_statement = 'all'",
    "VACUUM public.bought",
    "SELECT nextval('x')",
    "LOCK TABLE public.bought IN ACCESS EXCLUSIVE MODE",
]
# Harmless to the server, and refused by the parser.
REFUSED = [
    "SELECT * FROM pg_catalog.pg_class",
    "SELECT * FROM pg_toast.pg_toast_1",
    "SELECT * FROM information_schema.tables",
    'SELECT * FROM "PG_CATALOG".pg_class',
    "SELECT * FROM other.public.bought",
    "SELECT * FROM generate_series(1, 1000000000)",
    "SELECT pg_sleep(60)",
    "SELECT set_config('role', 'levered', true)",
    "SELECT query_to_xml('SELECT 1', true, true, '')",
    "SELECT dblink('host=169.254.169.254', 'SELECT 1')",
    "SELECT * FROM public.bought FOR UPDATE",
    "SELECT * FROM public.bought TABLESAMPLE SYSTEM (1)",
    "SELECT 1; SELECT 2",
    "TABLE public.bought",
    "WITH RECURSIVE x AS (SELECT 1 UNION ALL SELECT 1 FROM pg_catalog.pg_class, x) SELECT * FROM x",
    "WITH levered_rows AS (SELECT 1) SELECT * FROM levered_rows",
    "SELECT 'pg_class'::regclass",
    "SELECT $1",
]


@pytest.mark.parametrize("sql", REFUSED)
def test_anything_but_a_select_of_own_tables_is_refused(
    acme: PostgresBackend, sql: str
) -> None:
    with pytest.raises(InvalidParametersError) as refused:
        acme.query(sql, 1)

    assert refused.value.details[0].field == "sql"


def test_session_and_role_stop_attacks_without_the_parser(
    acme: PostgresBackend, second_postgres: SecondServer
) -> None:
    with second_postgres.owner() as owner:
        owner.execute("TRUNCATE public.bought")
        owner.execute("INSERT INTO public.bought VALUES ('kept', now(), 1, 'x')")

    attacks = ATTACKS + SERVER_ATTACKS
    successful_attacks = [sql for sql in attacks if not _is_stopped(acme, sql)]

    assert successful_attacks == []
    with second_postgres.owner() as owner:
        assert owner.execute("SELECT count(*) FROM public.bought").fetchone() == (1,)


def _is_stopped(acme: PostgresBackend, sql: str) -> bool:
    """Run an attack in both ways in which queries run, by the extended protocol."""
    try:
        with acme._open_session(5) as session:
            session.fetch_first_rows(sql, (1,), 10)
    except (QueryFailedError, WarehouseError):
        pass
    else:
        return False
    try:
        with acme._open_session(5) as session:
            session.fetch_rows(sql, (1,))
    except (QueryFailedError, WarehouseError):
        return True
    return False


def test_the_role_stops_attacks_without_our_session(
    second_postgres: SecondServer,
) -> None:
    with second_postgres.owner() as owner:
        owner.execute("TRUNCATE public.bought")
        owner.execute("INSERT INTO public.bought VALUES ('kept', now(), 1, 'x')")
    credentials = second_postgres.credentials

    for sql in SERVER_ATTACKS:
        with (
            psycopg.connect(
                host=credentials["host"],
                port=credentials["port"],
                dbname=credentials["database"],
                user=credentials["username"],
                password=credentials["password"],
                autocommit=True,
            ) as connection,
            pytest.raises(psycopg.Error) if _does_harm(sql) else nullcontext(),
        ):
            connection.execute(sql)

    with second_postgres.owner() as owner:
        assert owner.execute("SELECT count(*) FROM public.bought").fetchone() == (1,)


def _does_harm(sql: str) -> bool:
    """Return False for a temporary table and an empty VACUUM, which every role may do."""
    return not sql.startswith(("CREATE TEMP", "VACUUM"))


def test_tables_columns_and_queries_are_limited_to_what_the_role_may_read(
    acme: PostgresBackend,
) -> None:
    names = {f"{table.schema}.{table.name}": table.type for table in acme.tables()}

    result = acme.query('SELECT "user" FROM bought WHERE at < @start_date', 5)

    assert names == {
        "public.bought": "table",
        "public.shown": "table",
        "shop.orders": "view",
    }
    assert [column.name for column in acme.columns("bought")][:2] == ["user", "at"]
    assert (result.columns, result.truncated) == (("user",), False)
    for table in ("secrets", "pg_catalog.pg_class", "nope"):
        with pytest.raises(NotFoundError):
            acme.columns(table)
    with pytest.raises(QueryFailedError, match="permission denied for table secrets"):
        acme.query("SELECT * FROM secrets", 1)


def test_a_table_may_be_called_like_a_part_of_our_statement(
    acme: PostgresBackend, second_postgres: SecondServer
) -> None:
    with second_postgres.owner() as owner:
        owner.execute("CREATE TABLE IF NOT EXISTS public.users AS SELECT 'mine' AS a")
        owner.execute("GRANT SELECT ON public.users TO reader")

    result = acme.query("SELECT * FROM users", 5)

    with second_postgres.owner() as owner:
        owner.execute("DROP TABLE public.users")
    assert result.rows == (("mine",),)


def test_rows_and_bytes_are_limited(acme: PostgresBackend) -> None:
    many = " UNION ALL ".join(["SELECT 1 AS a"] * 7)
    doubled = "'x'"
    for _ in range(9):
        doubled = (
            f"replace({doubled}, 'x', 'xxxxxxxx')" if len(doubled) < 150 else doubled
        )

    three, seven = acme.query(many, 3), acme.query(many, 7)

    assert (len(three.rows), three.truncated) == (3, True)
    assert (len(seven.rows), seven.truncated) == (7, False)
    with (
        override_settings(QUERY_ANSWER_BYTES=10_000),
        pytest.raises(QueryFailedError, match="larger than 10,000 bytes"),
    ):
        acme.query(f"SELECT {doubled}", 1)


def test_a_query_that_takes_too_long_is_stopped(acme: PostgresBackend) -> None:
    tens = "(SELECT 1 UNION ALL SELECT 1 UNION ALL SELECT 1 UNION ALL SELECT 1) AS t"
    many = [f"{tens}{index}" for index in range(20)]
    sql = " CROSS JOIN ".join(["SELECT count(*) FROM (SELECT 1) AS t", *many])

    with (
        override_settings(QUERY_TIMEOUT_SECONDS=1),
        pytest.raises(QueryFailedError, match="longer than 1 s"),
    ):
        acme.query(sql, 1)


def test_the_connected_database_may_be_named(acme: PostgresBackend) -> None:
    result = acme.query(
        'SELECT "levered"."public"."bought".label FROM "levered"."public"."bought"', 10
    )

    assert result.columns == ("label",)


def test_a_mapped_column_is_found_in_the_case_of_the_query(
    acme: PostgresBackend,
) -> None:
    metric = acme.validate_and_run_metric(
        'SELECT "user" AS userId, at AS "soldAt" FROM bought WHERE at >= @start_date',
        {"anonymous_id": "userId", "timestamp": "soldat"},
    )

    assert (metric.anonymous_id, metric.timestamp) == ("userid", "soldAt")

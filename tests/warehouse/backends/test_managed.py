"""The managed store as its reader sees it: two views with the organization's own rows."""

import uuid

import pytest
from django.db import connection

from levered_site.database import fetch_row
from levered_site.errors import (
    InvalidParametersError,
    NotFoundError,
    UnavailableError,
)
from tests.support import warehouse_events
from tests.support.reference_cube import Reward, Touch
from tests.support.warehouse_events import parse_moment
from warehouse.backends import json_values, managed
from warehouse.backends.errors import QueryFailedError
from warehouse.sql.customer.managed_schema import COLUMNS

pytestmark = pytest.mark.django_db(transaction=True)

AT = parse_moment("2026-03-02 10:00")
REWARDS = "SELECT anonymous_id, value FROM managed_dw.rewards ORDER BY 1"

# Run without the parser: the reader role and the views must stop each of them.
ATTACKS = [
    "SELECT * FROM decisions",
    "SELECT * FROM public.decisions",
    "SELECT * FROM public.managed_rewards",
    "SELECT * FROM public.organizations_apikey",
    "SELECT * FROM public.auth_user",
    "SELECT rolpassword FROM pg_catalog.pg_authid",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_ls_dir('/')",
    "SELECT lo_import('/etc/passwd')",
    "COPY (SELECT 1) TO PROGRAM 'id'",
    "COPY (SELECT 1) TO '/tmp/levered-attack'",
    "INSERT INTO managed_dw.rewards (anonymous_id) VALUES ('x')",
    "DELETE FROM managed_dw.exposures",
    "CREATE TABLE public.x (a int)",
    "CREATE SCHEMA x",
    "SELECT 1; DELETE FROM decisions",
    "COMMIT; DELETE FROM decisions",
    "DO $$ BEGIN DELETE FROM public.decisions; END $$",
    "WITH x AS (DELETE FROM public.decisions RETURNING 1) SELECT * FROM x",
    "SELECT * FROM managed_dw.rewards FOR UPDATE",
    "CREATE EXTENSION dblink",
    "ALTER ROLE levered_reader SUPERUSER",
    "GRANT ALL ON public.decisions TO levered_reader",
    "SELECT pg_reload_conf()",
    "SELECT * FROM ts_stat('SELECT to_tsvector(anonymous_id) FROM public.decisions')",
]


def _store_two_organizations() -> None:
    for organization in ("org_a", "org_b"):
        user = f"user of {organization}"
        optimization = str(uuid.uuid4())
        touches = [
            Touch(user, AT, "{}", "{}", 1),
            Touch(user, AT, "{}", "{}", 1, served=True),
        ]
        warehouse_events.store_events(
            organization, optimization, touches, [Reward(user, AT)]
        )


def test_a_query_sees_only_its_organizations_rows() -> None:
    _store_two_organizations()

    rewards = managed.build_backend("org_a").query(REWARDS, 10)
    exposures = managed.build_backend("org_a").query(
        "SELECT DISTINCT anonymous_id, organization_id FROM managed_dw.exposures"
        " WHERE organization_id = 'org_b' OR true",
        10,
    )

    assert rewards.rows == (("user of org_a", 1.0),)
    assert exposures.rows == (("user of org_a", "org_a"),)


def test_a_failing_cast_does_not_reveal_values_of_other_organizations() -> None:
    _store_two_organizations()
    sql = "SELECT CAST(anonymous_id AS int) FROM managed_dw.rewards"

    with pytest.raises(QueryFailedError) as failed:
        managed.build_backend("org_a").query(
            f"{sql} WHERE CAST(anonymous_id AS int) > 0", 10
        )

    assert "user of org_a" in failed.value.message


def test_attacks_are_stopped_without_the_parser() -> None:
    _store_two_organizations()

    successful_attacks = [sql for sql in ATTACKS if not _is_stopped(sql)]

    assert successful_attacks == []
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) AS decisions FROM decisions")
        assert fetch_row(cursor).decisions == 2


def _is_stopped(sql: str) -> bool:
    try:
        with managed.build_backend("org_a")._open_cursor(seconds=5) as cursor:
            cursor.execute(sql)
    except QueryFailedError:
        return True
    return False


def test_the_views_show_only_own_rows_without_the_rewriting() -> None:
    _store_two_organizations()

    with managed.build_backend("org_a")._open_cursor(seconds=5) as cursor:
        cursor.execute("SELECT DISTINCT organization_id FROM managed_dw.exposures")
        exposures = cursor.fetchall()
        cursor.execute("SELECT DISTINCT organization_id FROM managed_dw.rewards")
        rewards = cursor.fetchall()

    assert (exposures, rewards) == ([("org_a",)], [("org_a",)])


def test_percent_signs_and_parameters_reach_the_database_unchanged() -> None:
    result = managed.build_backend("org_a").query(
        "SELECT '100%s %(a)s $1' AS a, 7 % 4 AS b, @start_date < now() AS c"
        " WHERE 'a%b' LIKE 'a%'",
        1,
    )

    assert result.rows == (("100%s %(a)s $1", 3, True),)


def test_a_failed_query_is_reported_in_the_databases_words() -> None:
    with pytest.raises(QueryFailedError) as failed:
        managed.build_backend("org_a").query("SELECT nope FROM managed_dw.rewards", 1)

    assert failed.value.message.startswith('column "nope" does not exist')
    assert (failed.value.code, failed.value.status) == ("warehouse_error", 502)


def test_a_refused_query_never_reaches_the_database() -> None:
    with pytest.raises(InvalidParametersError) as refused:
        managed.build_backend("org_a").query("SELECT pg_sleep(1)", 1)

    assert refused.value.details[0].field == "sql"


def test_columns_are_those_of_the_views() -> None:
    acme = managed.build_backend("org_a")

    with connection.cursor() as cursor:
        for table in acme.tables():
            name = f"{table.schema}.{table.name}"
            cursor.execute(
                "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute"
                " WHERE attrelid = CAST(%s AS regclass) AND attnum > 0 ORDER BY attnum",
                [name],
            )

            columns = cursor.fetchall()

            assert [
                (column.name, column.type) for column in acme.columns(name)
            ] == columns
    with pytest.raises(NotFoundError):
        acme.columns("managed_dw.decisions")
    assert set(COLUMNS) == {table.name for table in acme.tables()}


def test_a_store_that_cannot_be_reached_is_unavailable() -> None:
    settings = connection.settings_dict
    host = settings["HOST"]
    settings["HOST"] = "/nowhere"
    try:
        with pytest.raises(UnavailableError):
            managed.build_backend("org_a").test()
    finally:
        settings["HOST"] = host


def test_values_are_converted_to_json() -> None:
    result = managed.build_backend("org_a").query(
        "SELECT 1.50 AS a, 'NaN'::float8 AS b, date '2026-03-02' AS c,"
        " timestamp '2026-03-02 10:00' AS d, timestamptz '2026-03-02 10:00+02' AS e,"
        """ '{"x": [1, null]}'::jsonb AS f, interval '1 day' AS g, NULL AS h""",
        1,
    )

    assert result.rows == (
        (
            "1.50",
            "NaN",
            "2026-03-02",
            "2026-03-02T10:00:00",
            "2026-03-02T08:00:00Z",
            {"x": [1, None]},
            "1 day",
            None,
        ),
    )
    assert json_values.to_json_value(2**70) == str(2**70)
    assert json_values.to_json_value(b"\x01") == "01"

"""Without the parser, Postgres itself refuses the reader functions that do harm."""

import importlib

import pytest
from django.core.checks import CheckMessage
from django.db import connection

from levered_site.database import fetch_rows
from warehouse import checks
from warehouse.backends import managed
from warehouse.backends.errors import QueryFailedError
from warehouse.sql.customer.allowlists import allowlist_postgres

closed_functions = importlib.import_module("warehouse.migrations.0010_closed_functions")

pytestmark = pytest.mark.django_db(transaction=True)

# One call a line, by what it would do: wait, lock, run a text, write, read files, tell
# others, stop others.
HARMFUL_CALLS = """\
pg_sleep(0)
pg_sleep_for('0 s')
pg_sleep_until(now())
pg_advisory_lock(1)
pg_advisory_lock(1, 2)
pg_advisory_lock_shared(1)
pg_advisory_xact_lock(1)
pg_try_advisory_lock(1)
pg_try_advisory_xact_lock_shared(1, 2)
pg_advisory_unlock_all()
ts_stat('SELECT NULL::tsvector')
ts_rewrite('a'::tsquery, 'SELECT NULL::tsquery, NULL::tsquery')
query_to_xml('SELECT 1', true, true, '')
query_to_xmlschema('SELECT 1', true, true, '')
query_to_xml_and_xmlschema('SELECT 1', true, true, '')
cursor_to_xml('x', 1, true, true, '')
table_to_xml('pg_catalog.pg_class', true, true, '')
schema_to_xml('managed_dw', true, true, '')
database_to_xml(true, true, '')
database_to_xmlschema(true, true, '')
set_config('work_mem', '1GB', true)
nextval(0::oid::regclass)
setval(0::oid::regclass, 1)
currval(0::oid::regclass)
lastval()
txid_current()
pg_current_xact_id()
lo_create(0)
lo_from_bytea(0, 'x')
lo_get(1)
lo_put(1, 0, 'x')
lo_unlink(1)
lo_open(1, 131072)
lo_import('/etc/passwd')
lo_export(1, '/tmp/x')
pg_read_file('/etc/passwd')
pg_read_binary_file('/etc/passwd')
pg_ls_dir('/')
pg_stat_file('/etc/passwd')
pg_notify('a', 'b')
pg_logical_emit_message(false, 'a', 'b')
pg_export_snapshot()
pg_terminate_backend(1)
pg_cancel_backend(1)
pg_reload_conf()
pg_create_physical_replication_slot('x')
public.claim_event_keys('org_b', 'rewards', ARRAY['x'])""".splitlines()
ORDINARY_CALLS = """\
random()
clock_timestamp()
gen_random_uuid()
current_setting('TimeZone')
to_tsvector('a')
jsonb_path_query_array('[1]', '$[*]')
regexp_split_to_array('a,b', ',')
date_trunc('day', now())
md5('a')
pg_relation_size('managed_dw.rewards')""".splitlines()


def _call(call: str) -> object:
    with managed.build_backend("org_a")._open_cursor(seconds=5) as cursor:
        return cursor.execute(f"SELECT {call}").fetchall()


@pytest.mark.parametrize("call", HARMFUL_CALLS)
def test_postgres_refuses_the_reader_a_function_that_does_harm(call: str) -> None:
    with pytest.raises(QueryFailedError, match=r"^permission denied for function"):
        _call(call)


@pytest.mark.parametrize("call", ORDINARY_CALLS)
def test_the_reader_may_call_ordinary_functions(call: str) -> None:
    assert _call(call)


def test_no_function_that_the_parser_lets_through_is_closed() -> None:
    allowed = allowlist_postgres.FUNCTIONS | allowlist_postgres.TABLE_FUNCTIONS
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT proname AS name FROM pg_proc WHERE proname = ANY(%s)"
            " AND NOT has_function_privilege('levered_reader', oid, 'EXECUTE')",
            [sorted(allowed)],
        )
        closed = [row.name for row in fetch_rows(cursor)]

    assert closed == []


def _run_check() -> list[CheckMessage]:
    return checks.check_functions_closed(None, databases=["default"])


def test_every_function_with_an_effect_is_closed_or_known_to_be_ordinary() -> None:
    assert _run_check() == []


def test_a_check_warns_if_everybody_may_call_such_a_function() -> None:
    with connection.cursor() as cursor:
        cursor.execute("GRANT EXECUTE ON FUNCTION pg_sleep(float8) TO PUBLIC")
        (opened,) = _run_check()
        cursor.execute("REVOKE EXECUTE ON FUNCTION pg_sleep(float8) FROM PUBLIC")

    assert (opened.id, _run_check()) == ("warehouse.W003", [])
    assert "such as pg_sleep(double precision)" in opened.msg


def test_a_check_warns_of_a_function_that_runs_as_its_owner() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION public.leak() RETURNS text LANGUAGE sql STABLE SECURITY DEFINER"
            " AS 'SELECT 1::text'"
        )
        (opened,) = _run_check()
        cursor.execute("DROP FUNCTION public.leak()")

    assert "such as leak()" in opened.msg


def test_a_service_that_is_no_superuser_is_granted_what_it_calls() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE ROLE plain_user; SET ROLE plain_user")
        cursor.execute(closed_functions.CLOSE_FUNCTIONS)  # may close nothing
        without_grants = {message.id for message in _run_check()}
        cursor.execute("RESET ROLE; ALTER TABLE event_keys OWNER TO plain_user")
        cursor.execute(closed_functions.CLOSE_FUNCTIONS)  # as the superuser for it
        cursor.execute("SET ROLE plain_user")
        with_grants = [message.id for message in _run_check()]
        cursor.execute("RESET ROLE; REASSIGN OWNED BY plain_user TO CURRENT_USER")
        cursor.execute("DROP OWNED BY plain_user; DROP ROLE plain_user")

    assert without_grants == {"warehouse.E002"}
    assert with_grants == []

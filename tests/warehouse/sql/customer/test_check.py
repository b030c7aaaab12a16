"""Customers' SQL on Postgres: what passes, how it is scoped, what is refused and why."""

import re

import pytest
import sqlglot
from sqlglot import exp

from warehouse.sql import RefusedError
from warehouse.sql.customer import check, dialects

GOOD = [
    "SELECT anonymous_id, timestamp_utc AS timestamp FROM managed_dw.rewards",
    "SELECT r.* FROM managed_dw.rewards AS r WHERE r.name IN ('a', 'b') AND r.value BETWEEN 1 AND 2",
    "WITH a AS (SELECT * FROM managed_dw.rewards), b AS (SELECT * FROM a) SELECT * FROM b",
    "SELECT anonymous_id FROM managed_dw.rewards UNION ALL SELECT anonymous_id FROM managed_dw.exposures",
    "SELECT properties ->> 'plan', (properties -> 'price')::numeric FROM managed_dw.rewards",
    "SELECT count(DISTINCT name) FILTER (WHERE value > 0) FROM managed_dw.rewards GROUP BY 1 HAVING true",
    "SELECT row_number() OVER (PARTITION BY name ORDER BY value DESC) FROM managed_dw.rewards",
    "SELECT CASE WHEN name ~* '^buy' THEN 1 ELSE 0 END FROM managed_dw.rewards LIMIT 5",
    "SELECT e.variant FROM managed_dw.exposures e JOIN managed_dw.rewards r USING (anonymous_id)",
    "SELECT DISTINCT ON (anonymous_id) * FROM managed_dw.rewards ORDER BY anonymous_id, timestamp_utc",
    "SELECT date_trunc('day', timestamp_utc AT TIME ZONE 'UTC'), sum(value) FROM managed_dw.rewards GROUP BY 1",
    "SELECT timestamp_utc + interval '1 day', now(), coalesce(value, 0) FROM managed_dw.rewards",
    "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY value) FROM managed_dw.rewards",
    "SELECT $$it's$$, 'a' || name, lower(trim(name)), value % 2 FROM managed_dw.rewards",
    "SELECT * FROM (SELECT name FROM managed_dw.rewards) AS x WHERE EXISTS (SELECT 1 FROM managed_dw.rewards)",
    "SELECT 1",
    "WITH RECURSIVE x AS (SELECT 1 UNION SELECT 1 FROM x) SELECT * FROM x",
    "WITH RECURSIVE a AS (SELECT * FROM managed_dw.rewards), b AS (SELECT * FROM a) SELECT * FROM b",
    "SELECT (r).name, (string_to_array(r.name, '-'))[2:], r.properties ? r.name FROM managed_dw.rewards r",
    "SELECT l.n FROM managed_dw.rewards r CROSS JOIN LATERAL (VALUES (r.value), (1)) AS l (n)",
    "SELECT d FROM generate_series((SELECT min(timestamp_utc) FROM managed_dw.rewards), now(), '1 day') AS d",
]

BAD = [
    # not one SELECT
    "", "   ", "-- nothing", ";", "SELECT 1; SELECT 2", "SELECT 1; DROP TABLE x",
    "DELETE FROM managed_dw.rewards", "INSERT INTO x VALUES (1)", "UPDATE x SET a = 1",
    "TRUNCATE x", "DROP TABLE x", "CREATE TABLE x (a int)", "COPY x TO PROGRAM 'id'",
    "COPY (SELECT 1) TO '/tmp/x'", "EXPLAIN SELECT 1", "SHOW ALL", "SET ROLE postgres",
    "RESET ROLE", "VALUES (1)", "TABLE managed_dw.rewards", "COMMIT", "BEGIN",
    "DO $$ BEGIN END $$", "CALL f()", "VACUUM", "LISTEN x", "NOTIFY x", "LOCK x",
    "PREPARE a AS SELECT 1", "EXECUTE a", "GRANT ALL ON x TO y", "MERGE INTO x USING y ON 1=1",
    "SELECT * INTO x FROM managed_dw.rewards",
    "SELECT * FROM managed_dw.rewards FOR UPDATE",
    "SELECT * FROM managed_dw.rewards FOR SHARE NOWAIT",
    "WITH x AS (DELETE FROM managed_dw.rewards RETURNING *) SELECT * FROM x",
    "WITH x AS (INSERT INTO y VALUES (1) RETURNING *) SELECT * FROM x",
    "WITH x AS (UPDATE y SET a = 1 RETURNING *) SELECT * FROM x",
    "WITH RECURSIVE x AS (SELECT 1 UNION ALL SELECT 1 FROM pg_class) SELECT * FROM x",
    "WITH RECURSIVE x AS (SELECT 1 UNION ALL SELECT pg_sleep(1) FROM x) SELECT * FROM x",
    "WITH RECURSIVE rewards AS (SELECT 1) SELECT * FROM rewards",
    "WITH RECURSIVE x AS (SELECT 1 FROM y) SELECT * FROM x",
    # other tables
    "SELECT * FROM organizations_organization", "SELECT * FROM public.decisions",
    "SELECT * FROM pg_catalog.pg_authid", "SELECT * FROM pg_class", "SELECT * FROM pg_user",
    "SELECT * FROM information_schema.tables", "SELECT * FROM managed_rewards",
    "SELECT * FROM rewards", "SELECT * FROM managed_dw.decisions",
    "SELECT * FROM other.managed_dw.rewards", 'SELECT * FROM "managed_dw.rewards"',
    'SELECT * FROM "MANAGED_DW".rewards', 'SELECT * FROM managed_dw."Rewards"',
    "SELECT (SELECT passwd FROM pg_shadow LIMIT 1)",
    "SELECT 1 FROM managed_dw.rewards WHERE value IN (SELECT 1 FROM auth_user)",
    "SELECT 1 FROM managed_dw.rewards JOIN auth_user ON true",
    "SELECT 1 FROM managed_dw.rewards ORDER BY (SELECT 1 FROM auth_user)",
    "SELECT 1 UNION SELECT 1 FROM auth_user",
    "SELECT 1 FROM managed_dw.rewards, auth_user",
    "SELECT * FROM ONLY managed_dw.rewards",
    "SELECT * FROM managed_dw.rewards TABLESAMPLE SYSTEM (1)",
    # misleading names
    "WITH rewards AS (SELECT 1) SELECT * FROM rewards",
    "WITH exposures AS (SELECT 1) SELECT * FROM managed_dw.exposures, exposures",
    "WITH pg_class AS (SELECT 1) SELECT * FROM pg_class",
    "SELECT * FROM (WITH a AS (SELECT 1) SELECT * FROM a) AS x, a",
    "WITH a AS (SELECT * FROM b), b AS (SELECT 1) SELECT * FROM a",
    "WITH a AS (SELECT * FROM a) SELECT * FROM a",
    "WITH a AS (SELECT 1), a AS (SELECT 2) SELECT * FROM a",
    "SELECT * FROM (SELECT 1) AS touches, touches", "SELECT * FROM bound",
    # functions
    "SELECT pg_sleep(10)", "SELECT pg_catalog.pg_sleep(10)", 'SELECT "pg_sleep"(10)',
    "SELECT PG_SLEEP(10)", "SELECT pg_read_file('/etc/passwd')", "SELECT pg_ls_dir('/')",
    "SELECT set_config('role', 'postgres', true)", "SELECT current_setting('a')",
    "SELECT query_to_xml('SELECT 1', true, true, '')", "SELECT lo_import('/etc/passwd')",
    "SELECT dblink('host=x', 'SELECT 1')", "SELECT pg_terminate_backend(1)",
    "SELECT pg_advisory_lock(1)", "SELECT nextval('x')", "SELECT txid_current()",
    "SELECT version()", "SELECT current_user", "SELECT session_user", "SELECT current_database()",
    "SELECT has_table_privilege('x', 'select')", "SELECT inet_server_addr()",
    "SELECT repeat('x', 1000000000)", "SELECT lpad('x', 1000000000)", "SELECT random()",
    "SELECT xmlparse(document '<a/>')", "SELECT table_to_xml('x', true, true, '')",
    "SELECT to_regclass('x')", "SELECT pg_notify('a', 'b')",
    "SELECT generate_series(1, 1000000000)",
    "SELECT * FROM pg_ls_dir('/')",
    "SELECT * FROM ROWS FROM (pg_ls_dir('/'))",
    "SELECT * FROM LATERAL pg_ls_dir('/')", "SELECT * FROM LATERAL (SELECT * FROM pg_authid) AS x",
    "SELECT * FROM managed_dw.rewards, LATERAL (SELECT * FROM public.decisions) AS x",
    "SELECT * FROM app.jsonb_each('{}')", "SELECT pg_catalog.to_json(1)",
    "SELECT * FROM jsonb_each((SELECT to_jsonb(a) FROM auth_user AS a LIMIT 1)) AS x",
    "SELECT * FROM (VALUES ((SELECT passwd FROM pg_shadow LIMIT 1))) AS v(n)",
    "WITH x(a) AS (VALUES (pg_sleep(1))) SELECT * FROM x",
    "SELECT unnest(ARRAY(SELECT rolname FROM pg_authid))", "SELECT make_interval(secs => pg_sleep(1))",
    "SELECT * FROM jsonb_to_record('{}') AS x(a regclass)",
    "SELECT * FROM jsonb_to_record('{}') AS x(a pg_catalog.regclass)",
    "SELECT * FROM generate_series(now(), now() + interval '999 years', '1 hour')",
    "SELECT * FROM generate_series(1, 2, 0)", "SELECT format('%1000000000s', 'a')",
    "SELECT 'x'::_regclass", "SELECT '{x}'::pg_catalog.regclass[]", "SELECT E'\\x00'",
    # types and operators
    "SELECT 'x'::regclass", "SELECT 'x'::regproc", "SELECT 1::oid", "SELECT 'x'::xml",
    "SELECT CAST('x' AS pg_catalog.regclass)", "SELECT 'a'::my.type",
    "SELECT 1 OPERATOR(pg_catalog.+) 1",  "SELECT U&'a'", "SELECT b'1'",
    "SELECT x'ff'",   "SELECT (managed_dw.f(1)).x", "SELECT (pg_sleep(1)).x",
    "SELECT ('/etc/passwd').pg_read_file(1)", "SELECT (row_number() OVER ()).x",
    "SELECT (jsonb_each('{}')).key", "SELECT (SELECT (a).b FROM pg_class AS a)",
    # parameters
    "SELECT $1", "SELECT $2", "SELECT :a", "SELECT ?", "SELECT %s", "SELECT @other",
    "SELECT @start_date2", "SELECT @ start_date", "SELECT @@version", "SELECT @START_DATE",
    # not parsable
    "SELECT", "SELECT FROM managed_dw.rewards", "SELECT JOIN managed_dw.rewards",
    "SELECT DISTINCT FROM managed_dw.rewards", "SELECT 1 UNION SELECT",
    "SELECT 1 FROM managed_dw.rewards WHERE EXISTS (SELECT FROM managed_dw.rewards)",
    "SELECT 'a", 'SELECT "a', "SELECT /* a", "SELECT (1", "SELECT 1)", "nonsense", "SELECT FROM WHERE",
    "SELECT \x00", "SELECT '\ud800'", f"SELECT {'(' * 3000}1{')' * 3000}",
    f"SELECT '{'x' * 40_001}'",
]  # fmt: skip


@pytest.mark.parametrize("sql", GOOD)
def test_harmless_queries_pass(sql: str) -> None:
    checked = check.check_query(sql)

    parsed = sqlglot.parse_one(checked.text, dialect=dialects.POSTGRES.grammar)
    assert parsed.sql(dialects.POSTGRES.grammar, identify=True) == checked.text


@pytest.mark.parametrize("sql", BAD)
def test_everything_else_is_refused_with_a_reason(sql: str) -> None:
    with pytest.raises(RefusedError) as refusal:
        check.check_query(sql)

    assert re.fullmatch(r"[A-Z].*\.", refusal.value.reason)


@pytest.mark.parametrize("sql", GOOD)
def test_every_table_is_read_through_the_organizations_filter(sql: str) -> None:
    query = sqlglot.parse_one(check.check_query(sql).text, dialect="postgres")

    tables = [table for table in query.find_all(exp.Table) if table.db]
    for table in tables:
        select = table.find_ancestor(exp.Select)
        assert select is not None
        assert '"organization_id" = $1' in select.sql("postgres", identify=True)
    assert len(tables) == len(re.findall(r"managed_dw\.", sql))


def test_start_date_is_a_parameter_only_outside_quotes_and_comments() -> None:
    checked = check.check_query(
        "SELECT '@start_date' AS a, \"@start_date\" AS b -- @start_date\n"
        "FROM managed_dw.rewards /* @start_date */ WHERE timestamp_utc>=@start_date"
        " AND name <> $$@start_date$$"
    )

    assert checked.takes_start_date
    assert checked.text.count("CAST($2 AS TIMESTAMPTZ)") == 1
    assert checked.text.count("'@start_date'") == 2
    assert checked.text.count('"@start_date"') == 1
    assert "--" not in checked.text
    assert "/*" not in checked.text


def test_quoted_start_date_is_not_a_start_date() -> None:
    checked = check.check_query("SELECT '@start_date' FROM managed_dw.rewards")

    assert not checked.takes_start_date


@pytest.mark.parametrize(
    ("sql", "columns"),
    [
        ("SELECT anonymous_id, value AS Amount FROM managed_dw.rewards", ("anonymous_id", "amount")),
        ('SELECT value AS "Amount" FROM managed_dw.rewards', ("Amount",)),
        ("SELECT * FROM managed_dw.rewards", None),
        ("SELECT count(*) FROM managed_dw.rewards", None),
    ],
)  # fmt: skip
def test_columns_are_listed_if_the_text_names_them_all(
    sql: str, columns: tuple[str, ...] | None
) -> None:
    assert check.check_query(sql).columns == columns


def test_rewards_of_other_optimizations_are_hidden_inside_the_query() -> None:
    text = check.check_query("SELECT anonymous_id FROM managed_dw.rewards").text

    assert '"optimization_id" = CAST($3 AS UUID)' in text


def test_metric_needs_its_two_columns() -> None:
    with pytest.raises(RefusedError, match="timestamp"):
        check.check_metric_query("SELECT 1 AS a", {"anonymous_id": "a"})


def test_refusal_names_a_function_as_the_query_does() -> None:
    with pytest.raises(RefusedError, match="The function quote_ident is not"):
        check.check_query("SELECT quote_ident(name) FROM managed_dw.rewards")


def test_unknown_dialect_is_refused() -> None:
    with pytest.raises(RefusedError, match="mysql"):
        check.check_query("SELECT 1", dialect="mysql")


@pytest.mark.parametrize(
    "call",
    [
        "JSON_OBJECT('a': 1, 'b')",
        "JSON_OBJECT('a', 'b': 1)",
        "JSON_OBJECT('a': )",
        "JSON_OBJECT('a': 1 KEYS)",
        "JSON_OBJECT('a': 1 'b': 2)",
        "JSON_ARRAY(1, RETURNING jsonb)",
        "JSON_ARRAY(1 2)",
        "JSON_ARRAY(DISTINCT 1)",
    ],
)
def test_a_json_constructor_loses_no_part(call: str) -> None:
    with pytest.raises(RefusedError, match="cannot be parsed at line 1"):
        check.check_query(f"SELECT {call} AS a")


@pytest.mark.parametrize(
    "call",
    [
        "JSON_OBJECT('a': pg_sleep(1))",
        "JSON_OBJECT(pg_sleep(1): 1)",
        "JSON_ARRAY(pg_sleep(1))",
        "JSON_ARRAY((SELECT 1 FROM pg_class))",
        "JSON_OBJECT('a': 1 RETURNING regclass)",
        "corr(DISTINCT 1, pg_sleep(1))",
    ],
)
def test_what_stands_in_a_json_constructor_is_checked(call: str) -> None:
    with pytest.raises(RefusedError, match=r"is not allowed|cannot be read"):
        check.check_query(f"SELECT {call} AS a")

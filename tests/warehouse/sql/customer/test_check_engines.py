"""Customers' SQL on Snowflake and BigQuery: what passes, what is refused and why."""

import re

import pytest
import sqlglot

from warehouse.sql import RefusedError
from warehouse.sql.customer import check

GOOD = {
    "snowflake": [
        "SELECT who, seen_at FROM app.events WHERE seen_at >= @start_date",
        "SELECT v:a.b::string AS x, v['c'], v:\"d e\" FROM db.app.events QUALIFY ROW_NUMBER() OVER (PARTITION BY who ORDER BY seen_at) = 1",
        "SELECT IFF(a > 1, 1, 0), DATEADD('day', -1, @start_date), TO_TIMESTAMP_NTZ(x), $$it's ? @x$$ FROM app.t",
        "WITH a AS (SELECT * FROM t) SELECT * FROM a",
        "SELECT TRY_PARSE_JSON(x):y, TRY_TO_DOUBLE(z), COUNT_IF(q) FROM s.t GROUP BY ALL",
    ],
    "bigquery": [
        "SELECT who FROM `p-x.ds.events` WHERE seen_at >= @start_date",
        "SELECT (SELECT value.string_value FROM UNNEST(event_params) WHERE key = 'x') AS k FROM `p.ds.events_*` WHERE _TABLE_SUFFIX >= '2026'",
        "SELECT JSON_VALUE(a, '$.b'), SAFE_CAST(a AS FLOAT64), DATE(@start_date), TIMESTAMP(d) FROM ds.t",
        "WITH a AS (SELECT * FROM t) SELECT * FROM a QUALIFY ROW_NUMBER() OVER (PARTITION BY x ORDER BY y) = 1",
        "SELECT a.b.c.d FROM ds.t AS a",
    ],
}
BAD = {
    "snowflake": [
        "SELECT * FROM t AT(TIMESTAMP => '2020-01-01'::timestamp)",
        'SELECT * FROM t AT(OFFSET => -60)',
        "SELECT * FROM t BEFORE(STATEMENT => '8e5d0ca9')",
        'SELECT * FROM t CHANGES(INFORMATION => DEFAULT) AT(OFFSET => -60)',
        'SELECT $1 FROM @stage',
        'SELECT $1 FROM @~/x.csv',
        'SELECT * FROM @%t',
        'SELECT * FROM @db.s.stage/file (FILE_FORMAT => x)',
        "SELECT * FROM 's3://bucket/x'",
        "SELECT * FROM TABLE('t')",
        'SELECT * FROM TABLE(RESULT_SCAN(LAST_QUERY_ID()))',
        'SELECT * FROM TABLE(GENERATOR(ROWCOUNT => 1000000000))',
        'SELECT * FROM TABLE(INFORMATION_SCHEMA.QUERY_HISTORY())',
        'SELECT * FROM TABLE(?)',
        'SELECT * FROM RESULT_SCAN(LAST_QUERY_ID())',
        "SELECT * FROM IDENTIFIER('t')",
        'SELECT * FROM IDENTIFIER($x)',
        "SELECT IDENTIFIER('a') FROM t",
        'SELECT IDENTIFIER($x) FROM t',
        'SELECT SYSTEM$WAIT(600)',
        'SELECT SYSTEM$CANCEL_ALL_QUERIES(1)',
        'SELECT SYSTEM$GET_PREDECESSOR_RETURN_VALUE()',
        'SELECT SYSTEM$TYPEOF(1)',
        "SELECT GET_DDL('table', 't')",
        'SELECT LAST_QUERY_ID()',
        'SELECT CURRENT_USER()',
        'SELECT CURRENT_ROLE()',
        'SELECT CURRENT_ACCOUNT()',
        'SELECT CURRENT_SESSION()',
        'SELECT CURRENT_IP_ADDRESS()',
        "SELECT GETVARIABLE('x')",
        'SELECT db.s.my_udf(1)',
        'SELECT s.my_remote(1) FROM t',
        'SELECT my_udf(1) FROM t',
        'SELECT SEQ8() FROM t',
        'SELECT s.seq.NEXTVAL',
        'SELECT UNIFORM(1, 10, RANDOM())',
        "SELECT * FROM t PIVOT (my_udf(a) FOR b IN ('x'))",
        'SELECT * FROM t PIVOT (SUM(a) FOR b IN (SELECT x FROM snowflake.account_usage.users))',
        'SELECT * FROM LATERAL FLATTEN(INPUT => my_udf(1)) f',
        'SELECT (seq).nextval FROM t',
        "SELECT {'k': SYSTEM$WAIT(1)} FROM t",
        'SELECT RANDSTR(100000000, RANDOM())',
        "SELECT REPEAT('x', 100000000)",
        "SELECT SNOWFLAKE.CORTEX.COMPLETE('m', 'p')",
        "SELECT AI_COMPLETE('m', 'p')",
        "SELECT BUILD_SCOPED_FILE_URL(@s, 'x')",
        "SELECT GET_PRESIGNED_URL(@s, 'x')",
        'SELECT FILE_URL FROM DIRECTORY(@s)',
        "SELECT * FROM DIRECTORY('s')",
        'SELECT * FROM information_schema.tables',
        'SELECT * FROM db.INFORMATION_SCHEMA.columns',
        'SELECT * FROM "INFORMATION_SCHEMA".tables',
        'SELECT * FROM snowflake.account_usage.query_history',
        'SELECT * FROM SNOWFLAKE.ACCOUNT_USAGE.LOGIN_HISTORY',
        'SELECT * FROM a.b.c.d',
        'SELECT * FROM t SAMPLE (10)',
        'SELECT * FROM t TABLESAMPLE BERNOULLI (1)',
        'SELECT * FROM t MATCH_RECOGNIZE (PATTERN (a) DEFINE a AS TRUE)',
        'SELECT * FROM t START WITH a = 1 CONNECT BY PRIOR a = b',
        'WITH RECURSIVE a AS (SELECT 1 UNION ALL SELECT 1 FROM a) SELECT * FROM a',
        'SELECT ?',
        'SELECT :1',
        'SELECT &x',
        'SELECT $x',
        'SELECT * FROM t FOR UPDATE',
        'SELECT * INTO x FROM t',
        'CALL f()',
        "EXECUTE IMMEDIATE 'SELECT 1'",
        'BEGIN SELECT 1; END',
        'DECLARE x INT; BEGIN RETURN 1; END',
        'PUT file://x @s',
        'GET @s file://x',
        'LIST @s',
        'COPY INTO @s FROM t',
        'COPY INTO t FROM @s',
        'CREATE TABLE x AS SELECT 1',
        'USE ROLE accountadmin',
        "ALTER SESSION SET QUERY_TAG = 'x'",
        'SET x = 1',
        'UNSET x',
        'SHOW TABLES',
        'DESCRIBE TABLE t',
        'UNDROP TABLE t',
        'TRUNCATE t',
        'MERGE INTO t USING u ON 1=1 WHEN MATCHED THEN DELETE',
        'SELECT 1 ->> SELECT * FROM $1',
        'WITH levered_users AS (SELECT 1) SELECT * FROM levered_users',
        'WITH LEVERED_X AS (SELECT 1) SELECT * FROM levered_x',
        "SELECT TRY_CAST('x' AS BINARY)",
        'SELECT * FROM t -> x',
        'SELECT 1; SELECT 2',
        'SELECT * EXCLUDE (a) FROM t; DROP TABLE t',
        'SELECT * FROM t WHERE a = (SELECT MAX(x) FROM snowflake.account_usage.users)',
        'SELECT ASYNC(SELECT 1)',
        "SELECT PARSE_URL('x'), HTTP_GET('http://x')",
    ],
    "bigquery": [
        'SELECT * FROM ds.t FOR SYSTEM_TIME AS OF TIMESTAMP_SUB(CURRENT_TIMESTAMP(), INTERVAL 1 HOUR)',
        "SELECT * FROM ds.t FOR SYSTEM_TIME AS OF '2020-01-01'",
        "SELECT * FROM EXTERNAL_QUERY('p.us.c', 'SELECT 1')",
        'SELECT * FROM EXTERNAL_QUERY("p.us.c", \'\'\'SELECT 1\'\'\')',
        'SELECT * FROM ML.PREDICT(MODEL ds.m, TABLE ds.t)',
        'SELECT * FROM ML.GENERATE_TEXT(MODEL ds.m, (SELECT 1))',
        'SELECT * FROM AI.GENERATE_TABLE(MODEL ds.m, (SELECT 1))',
        "SELECT AI.GENERATE('x')",
        'SELECT * FROM APPENDS(TABLE ds.t, NULL, NULL)',
        'SELECT * FROM CHANGES(TABLE ds.t, NULL, NULL)',
        "SELECT * FROM VECTOR_SEARCH(TABLE ds.t, 'x', TABLE ds.u)",
        'SELECT * FROM ds.my_tvf(1)',
        'SELECT * FROM GAP_FILL(TABLE ds.t)',
        "SELECT * FROM OBJ.GET_ACCESS_URL(x, 'r')",
        'SELECT ds.my_udf(1)',
        'SELECT (SELECT AS STRUCT * FROM ds.INFORMATION_SCHEMA.TABLES).x',
        'SELECT items[OFFSET(0)].f(1) FROM ds.t',
        'SELECT STRUCT(ds.fn(1))',
        'SELECT ANY_VALUE(a HAVING MAX ds.f(a)) FROM ds.t',
        'SELECT `p.ds.remote_fn`(1)',
        'SELECT p.ds.remote_fn(1)',
        'SELECT my_udf(1)',
        "SELECT HOST('x')",
        "SELECT KEYS.NEW_KEYSET('AEAD_AES_GCM_256')",
        "SELECT AEAD.DECRYPT_STRING(k, c, 'x')",
        'SELECT SESSION_USER()',
        'SELECT @@project_id',
        'SELECT @@query_label',
        'SELECT @x',
        'SELECT ?',
        'SELECT GENERATE_ARRAY(1, 1000000000)',
        'SELECT * FROM UNNEST(GENERATE_ARRAY(1, 1000000000))',
        "SELECT * FROM UNNEST(GENERATE_DATE_ARRAY('0001-01-01', '9999-01-01'))",
        "SELECT REPEAT('x', 100000000)",
        "SELECT LPAD('x', 100000000)",
        "SELECT ERROR('x')",
        'SELECT RAND()',
        'SELECT GENERATE_UUID()',
        'SELECT * FROM ds.INFORMATION_SCHEMA.TABLES',
        'SELECT * FROM `ds.INFORMATION_SCHEMA.TABLES`',
        'SELECT * FROM `p.ds.INFORMATION_SCHEMA.COLUMNS`',
        'SELECT * FROM INFORMATION_SCHEMA.SCHEMATA',
        'SELECT * FROM `region-us`.INFORMATION_SCHEMA.JOBS',
        'SELECT * FROM `region-us.INFORMATION_SCHEMA.JOBS`',
        'SELECT * FROM `p.region-us.INFORMATION_SCHEMA.JOBS_BY_PROJECT`',
        'SELECT * FROM p.`region-us`.INFORMATION_SCHEMA.JOBS_BY_USER',
        'SELECT * FROM ds.information_schema.tables',
        'SELECT * FROM `ds.INFORMATION_SCHEMA.*`',
        'SELECT * FROM `p.INFORMATION_SCHEMA*.t`',
        'SELECT * FROM `p.*.t`',
        'SELECT * FROM ds.__TABLES__',
        'SELECT * FROM `p.ds.__TABLES_SUMMARY__`',
        'SELECT * FROM `ds.t@-3600000`',
        'SELECT * FROM ds.t TABLESAMPLE SYSTEM (1 PERCENT)',
        'SELECT AS STRUCT 1',
        'SELECT AS VALUE x FROM ds.t',
        'SELECT * FROM ds.t MATCH_RECOGNIZE (PATTERN (a) DEFINE a AS TRUE)',
        'WITH RECURSIVE a AS (SELECT 1 UNION ALL SELECT 1 FROM a) SELECT * FROM a',
        'WITH levered_users AS (SELECT 1) SELECT * FROM levered_users',
        'CREATE TEMP FUNCTION f() AS (1); SELECT f()',
        "CREATE TEMP FUNCTION f() RETURNS INT64 LANGUAGE js AS 'return 1'; SELECT f()",
        'DECLARE x INT64; SELECT 1',
        'BEGIN SELECT 1; END',
        "EXECUTE IMMEDIATE 'SELECT 1'",
        'CALL ds.p()',
        "EXPORT DATA OPTIONS (uri = 'gs://x/*', format = 'CSV') AS SELECT 1",
        "LOAD DATA INTO ds.t FROM FILES (format = 'CSV', uris = ['gs://x'])",
        'CREATE TABLE ds.x AS SELECT 1',
        'DROP TABLE ds.t',
        'DELETE FROM ds.t WHERE TRUE',
        'TRUNCATE TABLE ds.t',
        'MERGE ds.t USING ds.u ON FALSE WHEN NOT MATCHED THEN INSERT ROW',
        'ASSERT TRUE',
        'SET x = 1',
        'IF TRUE THEN SELECT 1; END IF',
        'LOOP SELECT 1; END LOOP',
        "GRANT `roles/x` ON TABLE ds.t TO 'user:x'",
        'ALTER TABLE ds.t SET OPTIONS ()',
        'SELECT 1; SELECT 2',
        'SELECT * FROM ds.t WHERE a = (SELECT COUNT(*) FROM ds.INFORMATION_SCHEMA.TABLES)',
        'SELECT * FROM t.a.b.c.d',
        'SELECT * FROM [p:ds.t]',
        'SELECT * FROM `p:ds.t`',
        'SELECT CAST(x AS GEOGRAPHY) FROM ds.t',
        "SELECT st_regionstats(a, b)",
        'SELECT NEW x.y(1)',
        "SELECT 'a' COLLATE 'x' FROM ds.t FOR UPDATE",
        'SELECT * FROM ds.t, UNNEST(ds.f(1))',
        "SELECT FORMAT('%*d', 1000000000, 1)",
        "SELECT NET.MY_FUNCTION('x')",
        "SELECT * FROM READ_CSV('gs://x')",
    ],
}  # fmt: skip


def pair_with_dialect(queries: dict[str, list[str]]) -> list[tuple[str, str]]:
    """Return each query with its dialect."""
    return [(dialect, sql) for dialect, texts in queries.items() for sql in texts]


@pytest.mark.parametrize(("dialect", "sql"), pair_with_dialect(GOOD))
def test_harmless_queries_pass(dialect: str, sql: str) -> None:
    checked = check.check_query(sql, dialect, schema="app")

    parsed = sqlglot.parse_one(checked.text, dialect=dialect)
    assert parsed.sql(dialect, identify=True) == checked.text
    assert checked.takes_start_date == ("@start_date" in sql)


@pytest.mark.parametrize(("dialect", "sql"), pair_with_dialect(BAD))
def test_everything_else_is_refused_with_a_reason(dialect: str, sql: str) -> None:
    with pytest.raises(RefusedError) as refusal:
        check.check_query(sql, dialect, schema="app")

    assert re.fullmatch(r"[A-Z].*\.", refusal.value.reason)


@pytest.mark.parametrize("dialect", GOOD)
def test_start_date_is_a_parameter_only_outside_quotes_and_comments(
    dialect: str,
) -> None:
    sql = "SELECT '@start_date ?' AS a FROM s.t -- @start_date\nWHERE b >= @start_date"

    checked = check.check_query(sql, dialect)

    parameters = {"snowflake": "CAST(? AS TIMESTAMPTZ)", "bigquery": "@start_date"}
    assert checked.text.endswith(f">= {parameters[dialect]}")
    assert "'@start_date ?'" in checked.text
    assert "--" not in checked.text


@pytest.mark.parametrize("dialect", GOOD)
def test_table_without_a_schema_is_refused_if_the_connection_has_none(
    dialect: str,
) -> None:
    with pytest.raises(RefusedError, match="schema"):
        check.check_query("SELECT * FROM levered_users", dialect)


def test_more_than_a_hundred_distinct_attacks_are_tried() -> None:
    assert len(pair_with_dialect(BAD)) > 100
    assert len(set(pair_with_dialect(BAD))) == len(pair_with_dialect(BAD))

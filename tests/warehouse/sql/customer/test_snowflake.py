"""Snowflake's dialect: what is accepted and kept as it is, and what is refused."""

import re

import pytest

from warehouse.sql import RefusedError
from warehouse.sql.customer import check

ATTACKS = [
    # rows without a bound
    "SELECT SEQ4() FROM TABLE(GENERATOR(ROWCOUNT => 1000000001))",
    "SELECT 1 FROM TABLE(GENERATOR(TIMELIMIT => 60))",
    "SELECT 1 FROM TABLE(GENERATOR(ROWCOUNT => 10, TIMELIMIT => 60))",
    "SELECT 1 FROM TABLE(GENERATOR())",
    "SELECT 1 FROM TABLE(GENERATOR(ROWCOUNT => (SELECT MAX(n) FROM t)))",
    "SELECT ARRAY_GENERATE_RANGE(0, n) FROM t",
    "SELECT ARRAY_GENERATE_RANGE(0, 1000000000)",
    "SELECT ARRAY_GENERATE_RANGE(0, DATEDIFF(second, a, b)) FROM t",
    "SELECT REPEAT(b, n) FROM t",
    "SELECT REPEAT(b, 1000000) FROM t",
    "SELECT REPEAT(b, LEAST(n, 1000000)) FROM t",
    "SELECT SPACE(1000000)",
    "SELECT RPAD(b, 1000000) FROM t",
    "WITH RECURSIVE a AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM a) SELECT * FROM a",
    "WITH a AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM a) SELECT * FROM a",
    "WITH RECURSIVE a AS (SELECT 1 AS n UNION ALL SELECT n - 1 FROM a WHERE n < 9) SELECT * FROM a",
    "WITH RECURSIVE a AS (SELECT 1 AS n UNION ALL SELECT n + 0 FROM a WHERE n < 9) SELECT * FROM a",
    "WITH RECURSIVE a AS (SELECT 1 AS n UNION ALL SELECT n + -1 FROM a WHERE n < 9) SELECT * FROM a",
    "WITH RECURSIVE a AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM a WHERE n < 9 OR n > 0) SELECT * FROM a",
    "WITH RECURSIVE a AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM a WHERE n <> 9) SELECT * FROM a",
    "WITH RECURSIVE a AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM a WHERE n > 9) SELECT * FROM a",
    "WITH RECURSIVE a AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM a WHERE n < 1000000000) SELECT * FROM a",
    "WITH RECURSIVE a AS (SELECT 1 AS n, 1 AS m UNION ALL SELECT m + 1, n FROM a WHERE n < 9) SELECT * FROM a",
    "WITH RECURSIVE a AS (SELECT id AS n FROM t UNION ALL SELECT n + 1 FROM a WHERE n < 9) SELECT * FROM a",
    "WITH RECURSIVE a AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM a WHERE n < (SELECT MAX(id) FROM t)) SELECT * FROM a",
    "WITH RECURSIVE a AS (SELECT 1 AS n UNION ALL SELECT a.n + 1 FROM a JOIN a AS b ON TRUE WHERE a.n < 9) SELECT * FROM a",
    "WITH RECURSIVE a AS (SELECT 1 AS n UNION ALL SELECT a.n + 1 FROM a JOIN t ON TRUE WHERE a.n < 5000) SELECT * FROM a",
    "WITH RECURSIVE a AS (SELECT 1 AS n UNION ALL SELECT a.n + 1 FROM a LEFT JOIN t ON a.n < 9) SELECT * FROM a",
    "WITH RECURSIVE a AS (SELECT t.id FROM t UNION ALL SELECT t.id FROM t JOIN a ON t.parent = a.id) SELECT * FROM a",
    "WITH RECURSIVE a AS (SELECT '0001-01-01'::DATE AS d UNION ALL SELECT DATEADD(day, 1, d) FROM a WHERE d < '9999-01-01') SELECT * FROM a",
    "WITH RECURSIVE a AS (SELECT '2026-01-01'::DATE AS d UNION ALL SELECT DATEADD(second, 1, d) FROM a WHERE d < '2027-01-01') SELECT * FROM a",
    "WITH RECURSIVE a AS (SELECT '2026-01-01'::DATE AS d UNION ALL SELECT DATEADD(day, -1, d) FROM a WHERE d < '2027-01-01') SELECT * FROM a",
    "WITH RECURSIVE a AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM a WHERE n < 9), b AS (SELECT 1 AS n UNION ALL SELECT n FROM b) SELECT * FROM b",
    "WITH RECURSIVE a AS (SELECT 1 AS n UNION ALL SELECT t.n + 1 FROM a JOIN t ON TRUE WHERE t.n < 9) SELECT * FROM a",
    "WITH RECURSIVE a AS (SELECT *, 1 AS n FROM t UNION ALL SELECT x, n + 1, y FROM a WHERE n < 9) SELECT * FROM a",
    # recursion in another place, which would read the table of that name
    "WITH RECURSIVE rewards AS (SELECT 1 AS a UNION ALL (SELECT a + 1 FROM rewards WHERE a < 3)) SELECT a FROM rewards",
    "WITH RECURSIVE rewards AS (SELECT 1 AS a UNION SELECT a + 1 FROM REWARDS WHERE a < 3) SELECT a FROM rewards",
    "WITH RECURSIVE r AS (SELECT 1 AS a UNION ALL SELECT a + 1 FROM (SELECT * FROM r) WHERE a < 3) SELECT a FROM r",
    "WITH RECURSIVE r AS (SELECT 1 AS a UNION ALL SELECT 2 WHERE 1 IN (SELECT a FROM r)) SELECT a FROM r",
    # functions in FROM and in TABLE
    "SELECT * FROM TABLE(my_function(1))",
    "SELECT * FROM TABLE(db.s.my_function(1))",
    "SELECT * FROM TABLE(FLATTEN(INPUT => my_udf(1)))",
    "SELECT * FROM TABLE(FLATTEN(INPUT => SYSTEM$WAIT(9)))",
    "SELECT * FROM TABLE(flatten.f(1))",
    "SELECT * FROM TABLE(GENERATOR(ROWCOUNT => 5)), TABLE(RESULT_SCAN(LAST_QUERY_ID()))",
    "SELECT * FROM TABLE(INFORMATION_SCHEMA.FLATTEN(INPUT => x))",
    "SELECT TABLE(FLATTEN(INPUT => x)) FROM t",
    "SELECT FLATTEN(INPUT => x) FROM t",
    "SELECT SPLIT_TO_TABLE(b, ',') FROM t",
    "SELECT GENERATOR(ROWCOUNT => 5)",
    "SELECT * FROM FLATTEN(INPUT => x)",
    "SELECT * FROM t, LATERAL my_function(t.a)",
    "SELECT * FROM t, LATERAL GENERATOR(ROWCOUNT => 1000000001)",
    "SELECT * FROM SEMANTIC_VIEW(v METRICS a.b)",
    "SELECT * FROM TABLE(CORTEX_SEARCH_BATCH(x))",
    # functions of other dialects: here one of that name is the customer's
    "SELECT IS_NAN(a) FROM t",
    "SELECT IF(a, 1, 2) FROM t",
    "SELECT INSTR(a, 'b') FROM t",
    "SELECT STRPOS(a, 'b') FROM t",
    "SELECT DATE_ADD(a, 1) FROM t",
    "SELECT DATE_SUB(a, 1, 'day') FROM t",
    "SELECT HEX(a) FROM t",
    "SELECT GROUP_CONCAT(a, ',') FROM t",
    "SELECT BOOL_AND(a) FROM t",
    "SELECT SORT_ARRAY(a) FROM t",
    "SELECT JSON_EXTRACT(a, 'b') FROM t",
    "SELECT REGEXP_EXTRACT(a, 'b') FROM t",
    "SELECT STARTS_WITH(a, 'b') FROM t",
    "SELECT m_d5_number_lower64(a) FROM t",
    "SELECT TO_BASE64(a) FROM t",
    "SELECT JSONB_EXTRACT(a, 'b') FROM t",
    "SELECT TIME_DIFF(a, b) FROM t",
    "SELECT ARRAY_SUM(a) FROM t",
    "SELECT SYSTIMESTAMP2() FROM t",
    'SELECT "nvl"(a, 0) FROM t',
    # what is new each time, or belongs to the session or account
    "SELECT SEQ4() FROM t",
    "SELECT SEQ4() FROM TABLE(GENERATOR(ROWCOUNT => 3)), t",
    "SELECT SEQ8() FROM (SELECT 1 FROM TABLE(GENERATOR(ROWCOUNT => 3)))",
    "SELECT RANDOM() FROM TABLE(GENERATOR(ROWCOUNT => 3))",
    "SELECT UUID_STRING()",
    "SELECT NORMAL(0, 1, RANDOM())",
    "SELECT ZIPF(1, 10, RANDOM())",
    "SELECT ENCRYPT('a', 'b')",
    "SELECT DECRYPT(a, 'b') FROM t",
    "SELECT CURRENT_TIMEZONE()",
    "SELECT CURRENT_DATABASE()",
    "SELECT CURRENT_SCHEMAS()",
    "SELECT CURRENT_TRANSACTION()",
    "SELECT INVOKER_ROLE()",
    "SELECT IS_ROLE_IN_SESSION('x')",
    "SELECT ICEBERG_ACCESS()",
    "SELECT TO_FILE('@s/x')",
    "SELECT GET_STAGE_LOCATION(@s)",
    "SELECT SNOWFLAKE.ML.FORECAST(1)",
    "SELECT EMBED_TEXT_768('m', 'x')",
    "SELECT my_udf(a) OVER (ORDER BY b) FROM t",
    "SELECT TRANSFORM(a, x -> my_udf(x)) FROM t",
    "SELECT REDUCE(a, 0, (x, y) -> SYSTEM$WAIT(9)) FROM t",
    "SELECT OBJECT_CONSTRUCT('a', db.s.f(1))",
    "SELECT v[0].f(1) FROM t",
    "SELECT 'x'::FILE",
    "SELECT (SELECT $1 FROM @stage)",
    "SELECT $1 FROM t",
    "SELECT $x FROM VALUES (1)",
    "SELECT $1 FROM (VALUES (1)) AS v, @stage",
    "SELECT * FROM VALUES (SYSTEM$WAIT(9))",
    "SELECT * FROM a ASOF JOIN b MATCH_CONDITION (a.t >= my_udf(b.t))",
    "SELECT * FROM t UNPIVOT (v FOR k IN (a, b)) JOIN snowflake.account_usage.users",
    "SELECT * FROM information_schema.tables PIVOT (COUNT(a) FOR b IN (ANY))",
    "SELECT * FROM t PIVOT (SUM(a) FOR b IN (ANY ORDER BY my_udf(b)))",
    "WITH a AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM a WHERE n < 3) SELECT * FROM a, snowflake.account_usage.users",
    "SELECT * FROM snowflake..users",
    "SELECT * EXCLUDE (a) REPLACE (my_udf(b) AS b) FROM t",
]  # fmt: skip

REFUSALS = [
    ("SELECT *\nFROM TABLE(my_function(1))", "TABLE(my_function(…)) is not allowed (line 2), except around FLATTEN, SPLIT_TO_TABLE, STRTOK_SPLIT_TO_TABLE, GENERATOR: name a table, or a view that calls the function."),
    ("SELECT 1 AS n\nFROM TABLE(GENERATOR(ROWCOUNT => 9000000)) AS g", "GENERATOR needs a bound (line 2): write GENERATOR(ROWCOUNT => n) with a number of at most 1,000,000."),
    ("SELECT a,\n  SEQ4() FROM t", "The function SEQ4 is not allowed (line 2): write ROW_NUMBER() OVER (ORDER BY …) instead."),
    ("SELECT a\nFROM t SAMPLE (10)", "The clause SAMPLE of a table is not allowed (line 2): write a WHERE over a hash, such as MOD(ABS(HASH(id)), 10) = 0, instead."),
    ("WITH RECURSIVE a AS (SELECT x FROM b),\n b AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM b WHERE x < 9) SELECT x FROM a", "The WITH query a reads b (line 1), which is no WITH query before it: name the schema of a table."),
    ("SELECT a FROM t\nSTART WITH a = 1 CONNECT BY PRIOR a = b", "The clause CONNECT BY is not allowed (line 2): write WITH RECURSIVE with a bound, or one join per level, instead."),
    ("SELECT * FROM t MATCH_RECOGNIZE (PATTERN (a) DEFINE a AS TRUE)", "The clause MATCH_RECOGNIZE is not allowed (line 1): write LAG, LEAD or CONDITIONAL_TRUE_EVENT with QUALIFY instead."),
    ("WITH RECURSIVE\n a AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM a) SELECT * FROM a", "A recursive WITH needs a bound (line 2): let a column begin at a number or date in the first branch, add to it in the second, and write WHERE column < limit there; with a join at most 100 levels."),
    ("SELECT a\nFROM t AT(OFFSET => -60)", "The clause AT or BEFORE of a table is not allowed (line 2): write a WHERE over a time of the row instead."),
    ("SELECT a FROM t\nFOR UPDATE", "The clause FOR UPDATE is not allowed (line 1): leave it out."),
    ("SELECT a\nFROM 's3://bucket/x'", "The file or stage 's3://bucket/x' cannot be read (line 2): name a table."),
    ("SELECT a FROM IDENTIFIER('t')", "The table IDENTIFIER(…) is not allowed (line 1): write the name of the table instead."),
    ("SELECT s.NEXTVAL", "The name NEXTVAL is not allowed (line 1): write ROW_NUMBER() OVER (ORDER BY …) instead."),
    ("SELECT a FROM t\nWHERE ts >= &since", "The parameter &since is unknown (line 2): write @start_date for the start date, the only parameter that a query may have, and other values as they are."),
    ("SELECT a FROM t\nWHERE a = <% ctx.env.x %>", "The template <% ctx.env.x %> is not filled in here (line 2): write names and values as they are, and @start_date for the start date."),
    ("SELECT $1\nFROM t", "The parameter $1 is not allowed (line 1): write the name of the column instead."),
    ("SELECT REPEAT(b, n)\nFROM t", "The length of a repeated text must have a bound (line 1): write a number, or LEAST(…, 100), of at most 1,000."),
    ("SELECT UNIFORM(1, 2, RANDOM()) FROM t", "The function UNIFORM is not allowed (line 1): write a hash of a column, such as md5 instead."),
    ("SELECT a,\n db.app.f(a) FROM t", "The function db.app.f is not allowed (line 2): write what it computes, or a view that calls it, instead."),
    ("SELECT a FROM t,\nLATERAL f(t.a) AS x", "The function f in FROM is not allowed (line 2), only FLATTEN, SPLIT_TO_TABLE, STRTOK_SPLIT_TO_TABLE and GENERATOR in TABLE(…) or after LATERAL: name a table, or a view that calls the function."),
    ("SELECT a\nFROM t RESAMPLE (USING ts INCREMENT BY 1)", "The clause RESAMPLE is not allowed (line 2): write a calendar of TABLE(GENERATOR(ROWCOUNT => n)) joined to the table instead."),
    ("SELECT * FROM SEMANTIC_VIEW(v METRICS a.b)", "The clause SEMANTIC_VIEW is not allowed (line 1): write the tables below the view instead."),
    ("SELECT m!PREDICT(a) FROM t", "The construct MODEL ATTRIBUTE is not allowed (line 1): write a table that holds the model's results instead."),
]  # fmt: skip

# What sqlglot, or folding of names, would change; and the text that means the same.
KEPT = [
    ("SELECT a IS TRUE, b IS NOT FALSE FROM t", 'SELECT "A" IS NOT DISTINCT FROM TRUE, NOT "B" IS NOT DISTINCT FROM FALSE FROM "APP"."T"'),
    ("SELECT v[0].userId, f.value[1].A.b FROM t", 'SELECT "V"[0]."userId", "F"."VALUE"[1]."A"."b" FROM "APP"."T"'),
    ("SELECT a FROM shop..orders", 'SELECT "A" FROM "SHOP"."PUBLIC"."ORDERS"'),
    ("SELECT a FROM t ORDER BY ALL", 'SELECT "A" FROM "APP"."T" ORDER BY ALL'),
    ('SELECT a FROM t ORDER BY "ALL"', 'SELECT "A" FROM "APP"."T" ORDER BY "ALL"'),
    ("SELECT $2, $1 FROM VALUES (1, 2)", 'SELECT "COLUMN2", "COLUMN1" FROM (VALUES (1, 2))'),
    ("SELECT v.$1 FROM (VALUES (1)) AS v(x)", 'SELECT "V"."X" FROM (VALUES (1)) AS "V"("X")'),
    ("SELECT TO_TIMESTAMP_NTZ(a, 3), TO_DATE(b, 'DD-MON-YYYY'), TO_CHAR(c, 'MM/DD HH12 AM') FROM t", """SELECT TO_TIMESTAMP_NTZ("A", 3), TO_DATE("B", 'DD-MON-YYYY'), TO_CHAR("C", 'MM/DD HH12 AM') FROM "APP"."T\""""),
    ("SELECT TIMESTAMP_NTZ_FROM_PARTS(2026, 1, 2, 3, 4, 5), DATE(a), NVL(a, 0), SQUARE(a) FROM t", 'SELECT TIMESTAMP_NTZ_FROM_PARTS(2026, 1, 2, 3, 4, 5), TO_DATE("A"), NVL("A", 0), SQUARE("A") FROM "APP"."T"'),
    ("WITH a AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM a WHERE n < 3) SELECT n FROM a", 'WITH RECURSIVE "A" AS (SELECT 1 AS "N" UNION ALL SELECT "N" + 1 FROM "A" WHERE "N" < 3) SELECT "N" FROM "A"'),
    ("WITH orders AS (SELECT * FROM orders) SELECT * FROM orders", 'WITH "ORDERS" AS (SELECT * FROM "APP"."ORDERS") SELECT * FROM "ORDERS"'),
    ("SELECT 1 FROM t, LATERAL FLATTEN(a), LATERAL FLATTEN(b)", """SELECT 1 FROM "APP"."T", LATERAL FLATTEN("A") AS "_flattened_1"("SEQ", "KEY", "PATH", "INDEX", "VALUE", "THIS"), LATERAL FLATTEN("B") AS "_flattened_2"("SEQ", "KEY", "PATH", "INDEX", "VALUE", "THIS")"""),
    ("SELECT a FROM t ORDER BY a NULLS LAST, b DESC NULLS FIRST, c, d DESC", 'SELECT "A" FROM "APP"."T" ORDER BY "A" NULLS LAST, "B" DESC NULLS FIRST, "C", "D" DESC'),
    ("SELECT 1 FROM a JOIN b LEFT JOIN c ON a.x = c.x", 'SELECT 1 FROM "APP"."A" CROSS JOIN "APP"."B" LEFT JOIN "APP"."C" ON "A"."X" = "C"."X"'),
    ("SELECT 1 FROM a, b JOIN c USING (x) INNER JOIN d, LATERAL FLATTEN(a.y) AS e", 'SELECT 1 FROM "APP"."A", "APP"."B" JOIN "APP"."C" USING ("X") INNER JOIN "APP"."D", LATERAL FLATTEN("A"."Y") AS "E"("SEQ", "KEY", "PATH", "INDEX", "VALUE", "THIS")'),
    ("SELECT FIRST_VALUE(a) OVER (ORDER BY b NULLS FIRST) FROM t", 'SELECT FIRST_VALUE("A") OVER (ORDER BY "B" NULLS FIRST) FROM "APP"."T"'),
    ("SELECT {'aB': NULL, 'c': {'d': x}}, {} FROM t", """SELECT {'aB': NULL, 'c': {'d': "X"}}, {} FROM "APP"."T\""""),
    ("SELECT TRANSFORM(a, x -> x:b), REDUCE(a, 0, (s, x) -> s + x) FROM t", """SELECT TRANSFORM("A", X -> GET_PATH(X, 'b')), REDUCE("A", 0, (S, X) -> "S" + "X") FROM "APP"."T\""""),
    ('SELECT "a" FROM "shop"."orders"', 'SELECT "a" FROM "shop"."orders"'),
    ("WITH a AS (SELECT x, y FROM t) SELECT * FROM a UNPIVOT (v FOR k IN (x, y))", 'WITH "A" AS (SELECT "X", "Y" FROM "APP"."T") SELECT * FROM "A" UNPIVOT("V" FOR "K" IN ("X", "Y"))'),
]  # fmt: skip

# Accepted though fakesnow cannot run it, so that no test compares the rows.
ACCEPTED = [
    "SELECT * ILIKE '%id%' EXCLUDE (a) FROM t",
    "SELECT OBJECT_CONSTRUCT(*), HASH(*), HASH_AGG(*), {*} FROM t",
    "SELECT * FROM t PIVOT (SUM(n) FOR b IN (ANY ORDER BY b) DEFAULT ON NULL (0)) AS p",
    "SELECT * FROM t PIVOT (SUM(n) FOR b IN (SELECT DISTINCT b FROM u)) AS p",
    "SELECT APPROX_TOP_K(a, 3), HLL(a), APPROX_PERCENTILE(a, 0.9), MINHASH(100, a) FROM t",
    "SELECT CONDITIONAL_CHANGE_EVENT(a) OVER (ORDER BY b), RATIO_TO_REPORT(a) OVER () FROM t",
    "SELECT NTH_VALUE(a, 2) FROM FIRST IGNORE NULLS OVER (ORDER BY b) FROM t",
    "SELECT TO_TIMESTAMP_TZ(a), TO_TIMESTAMP_LTZ(a), TIMESTAMP_TZ_FROM_PARTS(2026, 1, 2, 3, 4, 5, 0, 'UTC') FROM t",
    "SELECT XMLGET(PARSE_XML(a), 'b'):\"$\"::STRING FROM t",
    "SELECT ST_DISTANCE(ST_MAKEPOINT(a, b), TO_GEOGRAPHY(c)), H3_LATLNG_TO_CELL(a, b, 8), c::GEOGRAPHY FROM t",
    "SELECT UUID_STRING('fe971b24-9572-4005-b22f-351e9c09274d', a) FROM t",
    "SELECT LAST_VALUE(a) IGNORE NULLS OVER (PARTITION BY b ORDER BY c) FROM t",
    "SELECT ARRAY_GENERATE_RANGE(0, DATEDIFF(day, a, b) + 1), ARRAY_GENERATE_RANGE(0, ARRAY_SIZE(c)) FROM t",
    "SELECT DATEADD(day, f.value, a) FROM t, LATERAL FLATTEN(ARRAY_GENERATE_RANGE(0, DATEDIFF(day, a, b))) AS f",
    "SELECT a FROM t, u WHERE t.a = u.a (+)",
    "SELECT x.value:at FROM t, LATERAL FLATTEN(INPUT => t.v, RECURSIVE => TRUE, MODE => 'OBJECT') AS x",
    "WITH RECURSIVE d AS (SELECT @start_date AS t UNION ALL SELECT DATEADD('hour', 1, t) FROM d WHERE t < CURRENT_TIMESTAMP()) SELECT t FROM d",
    "WITH d AS (SELECT DATEADD('day', -30, CURRENT_DATE) AS t UNION ALL SELECT t + 1 FROM d WHERE t < CURRENT_DATE()) SELECT t FROM d",
    "SELECT a FROM t AS x WHERE a IN (SELECT $1 FROM VALUES (1), (2))",
    "SELECT TRUNC(a, b), ROUND(a, b), TRUNC(c, 'month') FROM t",
    "SELECT SEARCH((a, b), 'x'), PARSE_IP(a, 'inet'):ip_type FROM t",
    "SELECT PARSE_JSON(a, 'd'):b, TRY_PARSE_JSON(a, 'd'), LOG(10, a), CURRENT_DATE FROM t",
    "SELECT REGEXP_SUBSTR_ALL(a, 'b+'), STRTOK(a), INITCAP(a, '-'), TRY_PARSE_JSON(a):b FROM t",
    "SELECT SUM(a) OVER (ORDER BY b RANGE BETWEEN INTERVAL '7 days' PRECEDING AND CURRENT ROW) FROM t",
]  # fmt: skip


def check_text(sql: str) -> str:
    """Return the checked text of a query whose schema is APP."""
    return check.check_query(sql, "snowflake", schema="APP").text


@pytest.mark.parametrize("sql", ATTACKS)
def test_attacks_are_refused_with_a_reason(sql: str) -> None:
    with pytest.raises(RefusedError) as refusal:
        check_text(sql)

    assert re.fullmatch(r"[A-Z].*\.", refusal.value.reason)


@pytest.mark.parametrize(("sql", "message"), REFUSALS)
def test_a_refusal_names_construct_line_and_remedy(sql: str, message: str) -> None:
    with pytest.raises(RefusedError) as refusal:
        check_text(sql)

    assert refusal.value.reason == message


@pytest.mark.parametrize(("sql", "text"), KEPT)
def test_the_meaning_of_a_text_is_kept(sql: str, text: str) -> None:
    assert check_text(sql) == text


@pytest.mark.parametrize("sql", ACCEPTED)
def test_pure_constructs_are_accepted(sql: str) -> None:
    text = check_text(sql)

    assert check_text(text.replace("CAST(? AS TIMESTAMPTZ)", "@start_date")) == text

# ruff: noqa: S608 - the texts of the tests are their own
"""A refusal says in which line what stands, and what to write instead."""

import pytest

from warehouse.sql import RefusedError
from warehouse.sql.customer import check

ONE_PARAMETER = (
    "write @start_date for the start date, the only parameter that a query may have, and"
    " other values as they are."
)
TEMPLATE = "write names and values as they are, and @start_date for the start date."
DIALECTS = ("postgres", "snowflake", "bigquery")


def _refuse(sql: str, dialect: str) -> str:
    with pytest.raises(RefusedError) as refusal:
        check.check_query(sql, dialect, managed=False, schema="app")
    return refusal.value.reason


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("${start}", f"The template ${{start}} is not filled in here (line 2): {TEMPLATE}"),
        ("{{ start }}", f"The template {{{{ start }}}} is not filled in here (line 2): {TEMPLATE}"),
        ("{start}", f"The template {{start}} is not filled in here (line 2): {TEMPLATE}"),
        (":start", f"The parameter :start is unknown (line 2): {ONE_PARAMETER}"),
        ("%(start)s", f"The parameter %(start)s is unknown (line 2): {ONE_PARAMETER}"),
        ("@end_date", f"The parameter @end_date is unknown (line 2): {ONE_PARAMETER}"),
    ],
)  # fmt: skip
def test_a_parameter_of_another_program_is_named_with_start_date(
    dialect: str, written: str, message: str
) -> None:
    sql = f"SELECT a FROM t\nWHERE ts >= {written}"

    assert _refuse(sql, dialect) == message


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "text", ["@start_date", "{{ ds }}", "${start}", ":start", "%(start)s", "{start}"]
)
@pytest.mark.parametrize("before", [">=", "BETWEEN 1 AND 2 OR ts <", "> DATE"])
def test_a_parameter_in_quotes_is_no_time(dialect: str, text: str, before: str) -> None:
    reason = _refuse(f"SELECT a FROM t WHERE\n ts {before} '{text}'", dialect)

    assert reason == (
        f"The text '{text}' is no time (line 2): write @start_date without quotes for the"
        " start date, and other values as they are."
    )


@pytest.mark.parametrize(
    ("dialect", "literal", "remedy"),
    [
        ("postgres", "B'101'", "the number 5, or the text '101'"),
        ("postgres", "X'1F'", "the number 31, or decode('1F', 'hex') for bytes"),
        ("postgres", r"U&'d\0061t\+000061'", "the characters themselves, 'data',"),
        ("postgres", "N'data'", "the characters themselves, 'data',"),
        ("snowflake", "X'1F'", "the number 31, or TRY_HEX_DECODE_BINARY('1F') for bytes"),
    ],
)  # fmt: skip
def test_a_literal_of_another_form_is_refused_with_its_value(
    dialect: str, literal: str, remedy: str
) -> None:
    assert _refuse(f"SELECT 1,\n {literal} FROM t", dialect) == (
        f"The literal {literal} is not allowed (line 2): write {remedy} instead."
    )


@pytest.mark.parametrize(
    ("dialect", "value"),
    [
        ("postgres", "5, '101', decode('1F', 'hex'), 'data'"),
        ("snowflake", "31, TRY_HEX_DECODE_BINARY('1F')"),
        ("bigquery", "0x1F, b'101', FROM_HEX('1F')"),
    ],
)
def test_what_a_refusal_of_a_literal_advises_is_accepted(
    dialect: str, value: str
) -> None:
    sql = f"SELECT {value} FROM t"

    assert check.check_query(sql, dialect, managed=False, schema="app").text


@pytest.mark.parametrize("dialect", ["snowflake", "bigquery"])
@pytest.mark.parametrize("name", ["CORR", "Covar_Pop", "covar_samp"])
def test_distinct_pairs_are_refused_by_name(dialect: str, name: str) -> None:
    assert _refuse(f"SELECT 1,\n {name}(DISTINCT a, b) FROM t", dialect) == (
        f"DISTINCT in {name} is not allowed (line 2): keep each pair once in a WITH query,"
        f" SELECT DISTINCT a, b, and write {name}(a, b) over it."
    )


@pytest.mark.parametrize(
    ("dialect", "call", "amount"),
    [
        ("postgres", "NullIf(a)", "few"),
        ("snowflake", "Date_Trunc()", "few"),
        ("snowflake", "Contains(a)", "few"),
        ("bigquery", "Starts_With(a)", "few"),
        ("bigquery", "Sign(a, b)", "many"),
    ],
)
def test_a_call_with_a_wrong_number_of_arguments_is_named(
    dialect: str, call: str, amount: str
) -> None:
    name = call.partition("(")[0]
    reason = _refuse(f"SELECT 1,\n {call} FROM t", dialect)

    assert reason.startswith(
        f"The function {name} has too {amount} arguments (line 2): "
    )


@pytest.mark.parametrize(
    ("dialect", "sql", "message"),
    [
        # quotes and brackets of other programs
        ("postgres", "SELECT a FROM t\nWHERE a = \u201cx\u201d", "The quote \u201c is none of SQL's (line 2): write ' around a text, and \" around a name."),
        ("bigquery", "SELECT a FROM t\nWHERE a = \u2018x\u2019", "The quote \u2018 is none of SQL's (line 2): write ' around a text, and ` around a name."),
        ("postgres", "SELECT 1,\n [a] FROM t", 'The brackets around [a] are not read (line 2): write "a".'),
        ("bigquery", "SELECT a\nFROM [p:ds.t]", "The brackets around [p:ds.t] are not read (line 2): write `p.ds.t`."),
        ("snowflake", "SELECT `a` FROM t", "The backticks around `a` are not read (line 1): write a."),
        ("postgres", "SELECT\n TOP 10 a FROM t", "TOP is not allowed (line 2): write LIMIT 10 at the end of the query."),
        # what has no end
        ("snowflake", "SELECT 'a',\n 'it's' FROM t", "The query cannot be parsed: what ' begins (line 2) has no end. Write ' behind it; inside of a text, write it twice."),
        ("bigquery", "SELECT a /* b\nFROM t", "The query cannot be parsed: what /* begins (line 1) has no end. Write */ behind it."),
        ("postgres", "SELECT count(* FROM t", "The query cannot be parsed at line 1, column 19, near 'FROM': close the bracket before it, or add the comma or operator that is missing."),
        ("postgres", "SELECT CASE WHEN a THEN 1 FROM t", "The query cannot be parsed at line 1, column 25, near '1': write END behind the CASE."),
        ("snowflake", "WITH x AS (SELECT 1), SELECT * FROM x", "The query cannot be parsed at line 1, column 28, near 'SELECT': write WITH name AS (SELECT …), and no comma behind the last one."),
        ("bigquery", "-- nothing", "The query is empty: write a SELECT."),
        # words of the language
        ("postgres", "SELECT a,\n order FROM t", 'The word order is no name (line 2): write it in quotes, "order".'),
        ("bigquery", "SELECT a FROM t UNION SELECT b FROM u", "The query cannot be parsed at line 1, column 28, near 'SELECT': write UNION ALL, or UNION DISTINCT."),
        # what the warehouse itself would not read
        ("postgres", "SELECT 1 FROM t\nGROUP BY ALL", "The clause GROUP BY ALL is not allowed (line 1): write the names of the columns instead."),
        ("postgres", "SELECT a FROM t\nWHERE a LIKE ANY ('x', 'y')", "The list of ANY is not allowed (line 2): write ANY (ARRAY[a, b]) instead."),
        ("postgres", "SELECT Percentile_Cont(a, 0.5) FROM t", "The second argument of Percentile_Cont is not allowed (line 1): write percentile_cont(0.5) WITHIN GROUP (ORDER BY a) instead."),
        ("postgres", "SELECT p:amount FROM t", "The query cannot be parsed at line 1, column 9, near ':': write value ->> 'key' for a part of JSON."),
        ("bigquery", "SELECT COUNT(DISTINCT a, b) FROM t", "The count of several values is not allowed (line 1): write COUNT(DISTINCT TO_JSON_STRING(STRUCT(a, b))) instead."),
        ("bigquery", "SELECT 1,\n DATE_ADD(d, 7) FROM t", "The call of DATE_ADD cannot be read (line 2): check the number and kinds of its arguments."),
        ("bigquery", "SELECT\n DISTINCT ON (a) a FROM t", "The clause DISTINCT ON is not allowed (line 2): write QUALIFY ROW_NUMBER() OVER (PARTITION BY a ORDER BY b) = 1 instead."),
        ("snowflake", "SELECT\n DISTINCT ON (a) a FROM t", "The clause DISTINCT ON is not allowed (line 2): write QUALIFY ROW_NUMBER() OVER (PARTITION BY a ORDER BY b) = 1 instead."),
        ("bigquery", "SELECT a FROM t\nWHERE a = ANY(b)", "The operator = ANY is not allowed (line 2): write a IN UNNEST(array) instead."),
        ("bigquery", "SELECT 1,\n PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY a) FROM t", "The clause WITHIN GROUP is not allowed (line 2): write APPROX_QUANTILES(a, 100)[OFFSET(50)], which is approximate, instead."),
        # remedies that fit what was written
        ("bigquery", "SELECT ML.DISTANCE(a, b) FROM t", "The function ML.DISTANCE is not allowed (line 1): write a table that holds its results instead."),
        ("bigquery", "SELECT HLL_COUNT.MERGE(a) FROM t", "The function HLL_COUNT.MERGE is not allowed (line 1): write APPROX_COUNT_DISTINCT instead."),
        ("snowflake", "SELECT Format_Date('%Y', a) FROM t", "The function Format_Date is not allowed (line 1): write TO_CHAR(a, 'YYYY') instead."),
        ("snowflake", "SELECT a\nFROM TABLE(App.MyRows(1))", "TABLE(App.MyRows(…)) is not allowed (line 2), except around FLATTEN, SPLIT_TO_TABLE, STRTOK_SPLIT_TO_TABLE, GENERATOR: name a table, or a view that calls the function."),
        # joins of other databases
        ("postgres", "SELECT a FROM t\nASOF JOIN u ON t.a > u.a", "The clause ASOF JOIN is not allowed (line 2): write JOIN LATERAL (SELECT … WHERE a.time >= b.time ORDER BY b.time DESC LIMIT 1) AS b ON TRUE instead."),
        ("bigquery", "SELECT a FROM t\nASOF JOIN u ON t.a > u.a", "The clause ASOF JOIN is not allowed (line 2): write JOIN … ON a.time >= b.time, with QUALIFY ROW_NUMBER() OVER (PARTITION BY a.id ORDER BY b.time DESC) = 1, instead."),
        ("postgres", "SELECT a FROM t\nCROSS APPLY (SELECT 1) AS b", "The clause CROSS APPLY is not allowed (line 2): write CROSS JOIN LATERAL (SELECT …) AS b instead."),
        ("snowflake", "SELECT a FROM t\nOUTER APPLY f(a) AS b", "The clause OUTER APPLY is not allowed (line 2): write LEFT JOIN LATERAL (SELECT …) AS b ON TRUE instead."),
        ("bigquery", "SELECT a FROM t\nCROSS APPLY u", "The clause CROSS APPLY is not allowed (line 2): write JOIN … ON …, or CROSS JOIN UNNEST(array) instead."),
        # what sqlglot would leave out, or guess
        ("snowflake", "SELECT SUM(a) OVER (ORDER BY b ROWS BETWEEN 1 PRECEDING AND CURRENT ROW EXCLUDE TIES) FROM t", "The clause EXCLUDE TIES of a window is not allowed (line 1): write a frame that ends before the row, as in ROWS BETWEEN 1 PRECEDING AND 1 PRECEDING, instead."),
        ("bigquery", "SELECT SUM(a) OVER (ORDER BY b ROWS BETWEEN 1 PRECEDING AND CURRENT ROW EXCLUDE CURRENT ROW) FROM t", "The clause EXCLUDE CURRENT ROW of a window is not allowed (line 1): write a frame that ends before the row, as in ROWS BETWEEN 1 PRECEDING AND 1 PRECEDING, instead."),
        ("bigquery", "SELECT 1,\n ARRAY_AGG(a ORDER BY b NULLS LAST) FROM t", "The clause NULLS LAST of an aggregate is not allowed (line 2): write ORDER BY b IS NULL, b instead."),
        ("bigquery", "SELECT 1,\n ARRAY_AGG(a ORDER BY b DESC NULLS FIRST LIMIT 1) FROM t", "The clause NULLS FIRST of an aggregate is not allowed (line 2): write ORDER BY b IS NOT NULL, b DESC instead."),
        ("bigquery", "SELECT a FROM t ORDER BY a\nFETCH FIRST 5 ROWS WITH TIES", "The clause WITH TIES is not allowed (line 2): write QUALIFY RANK() OVER (ORDER BY a) <= 5 instead."),
        ("snowflake", "SELECT 1,\n a[1:2] FROM t", "The slice of an array by a colon is not allowed (line 2): write ARRAY_SLICE(a, 0, 2), which counts from 0 and leaves out the end, instead."),
        ("bigquery", "SELECT 1,\n a ILIKE ANY ('x%', 'Y%') FROM t", "The operator ILIKE ANY is not allowed (line 2): write LOWER(a) LIKE ANY (…), with patterns in small letters, instead."),
        ("snowflake", "SELECT 1,\n (ts AT TIME ZONE 'UTC') AT TIME ZONE b FROM t", "The operator AT TIME ZONE is not allowed (line 2): write CONVERT_TIMEZONE('UTC', TS), or CONVERT_TIMEZONE('UTC', 'UTC', TS) where it is a time of that zone, instead."),
        # what has nothing in it that tells the line
        ("postgres", "SELECT current_user", "The function current_user is not allowed (line 1): write the name itself, in quotes instead."),
        ("postgres", "SELECT a,\n Random()\nFROM t", "The function Random is not allowed (line 2): write a hash of a column, such as md5 instead."),
        ("bigquery", "SELECT a FROM t WHERE\n a NOT IN ()", "IN has no values (line 2): write at least one, or leave the comparison out."),
        # escapes of Postgres
        ("bigquery", "SELECT 1,\n E'a\\n' FROM t", "The query cannot be parsed at line 2, column 7, near \"'a\\\\n'\": write the text without the E before it."),
        # templates in quotes
        ("bigquery", "SELECT a\nFROM `${project}.ds.t`", "The template ${project} is not filled in here (line 2): write names and values as they are, and @start_date for the start date."),
        ("bigquery", "SELECT a FROM t WHERE ts >\n TIMESTAMP('{{ ds }}')", "The text '{{ ds }}' is no time (line 2): write @start_date without quotes for the start date, and other values as they are."),
        ("bigquery", "SELECT 1,\n X'1F' FROM t", "The literal X'1F' is not allowed (line 2): write the number 31, or FROM_HEX('1F') for bytes instead."),
    ],
)  # fmt: skip
def test_a_refusal_helps_its_author(dialect: str, sql: str, message: str) -> None:
    assert _refuse(sql, dialect) == message


@pytest.mark.parametrize(
    ("dialect", "value"),
    [
        ("postgres", "ARRAY[[a], [b]], tags[2:], a = ANY ('{1,2}'), a = ALL (SELECT 1)"),
        ("postgres", "'\u201cx\u201d', \"\u201cx\u201d\", top, a > '{1}'::int[]"),
        ("snowflake", "[a], ARRAY_AGG(a)[0], REGEXP_LIKE(a, 'b'), DATE_PART(epoch_second, a)"),
        ("snowflake", "APPROX_PERCENTILE(a, 0.5), TIMESTAMPADD(hour, -1, a), BASE64_ENCODE(a)"),
        ("bigquery", "[a], '{{ x }}', COUNT(DISTINCT TO_JSON_STRING(STRUCT(a, b))), a IN UNNEST(b)"),
        ("bigquery", "ARRAY_AGG(a ORDER BY b DESC NULLS LAST), FIRST_VALUE(a) OVER (ORDER BY b NULLS LAST)"),
        ("bigquery", "APPROX_QUANTILES(a, 100)[OFFSET(50)], a LIKE ANY ('x', 'y'), STRING_AGG(DISTINCT a)"),
    ],
)  # fmt: skip
def test_what_looks_like_it_is_accepted(dialect: str, value: str) -> None:
    sql = f"SELECT {value} FROM t"

    assert check.check_query(sql, dialect, managed=False, schema="app").text

# ruff: noqa: S608, ISC004 - the texts of the tests are their own
"""Functions that make text longer are limited together, however they are arranged."""

import pytest

from warehouse.sql.customer import check
from warehouse.sql.customer.refusal import RefusedError

LETTERS = "a" * 300
COLUMN = "anonymous_id"
TABLE = "managed_dw.rewards"


@pytest.mark.parametrize(
    "sql",
    [
        f"SELECT replace(replace({COLUMN}, 'a', '{LETTERS}'), 'a', '{LETTERS}') FROM {TABLE}",
        f"SELECT 1 FROM {TABLE} WHERE"
        f" replace(replace({COLUMN}, 'a', '{LETTERS}'), 'a', '{LETTERS}') = 'a'",
        f"SELECT replace(b, 'a', '{LETTERS}') FROM"
        f" (SELECT replace({COLUMN}, 'a', '{LETTERS}') AS b FROM {TABLE}) AS q",
        f"WITH q AS (SELECT replace({COLUMN}, 'a', '{LETTERS}') AS b FROM {TABLE})"
        f" SELECT replace(b, 'a', '{LETTERS}') FROM q",
        f"WITH q AS (SELECT replace({COLUMN}, 'a', '{LETTERS}') AS b FROM {TABLE})"
        f" SELECT b FROM q UNION SELECT replace(b, 'a', '{LETTERS}') FROM q",
        f"SELECT regexp_replace(regexp_replace({COLUMN}, '', '{LETTERS}', 'g'), '',"
        f" '{LETTERS}', 'g') FROM {TABLE}",
        f"SELECT replace(replace({COLUMN}, 'a', name), 'b', name || name) FROM {TABLE}",
        "WITH q1 AS (SELECT a || a || a || a || a || a || a || a || a || a AS a FROM"
        f" (SELECT {' || '.join([COLUMN] * 100)} AS a FROM {TABLE}) AS q)"
        f" SELECT {' || '.join(['a'] * 11)} FROM q1",
        f"SELECT replace('a', 'a', '{LETTERS}') || replace({COLUMN}, 'a', '{'a' * 10_001}')"
        f" FROM {TABLE}",
        f"SELECT repeat(repeat({COLUMN}, 200), 200) FROM {TABLE}",
        f"SELECT array_to_string(string_to_array(repeat({COLUMN}, 50), NULL), '{LETTERS}') FROM {TABLE}",
        "SELECT " + "to_json(" * 16 + COLUMN + ")::text" * 16 + f" FROM {TABLE}",
        f"SELECT jsonb_path_query_array(properties, '$[*{', *' * 150}][*{', *' * 150}]') FROM {TABLE}",
        f"SELECT (SELECT replace(x, 'a', '{LETTERS}') FROM (SELECT replace(r.{COLUMN}, 'a', '{LETTERS}') AS x) AS q) FROM {TABLE} AS r",
        f"SELECT l.x FROM {TABLE} AS r, LATERAL (SELECT replace(v.x, 'a', '{LETTERS}') AS x FROM"
        f" (VALUES (replace(r.{COLUMN}, 'a', '{LETTERS}'))) AS v(x)) AS l",
        f"SELECT 1 FROM {TABLE} AS r JOIN (SELECT replace({COLUMN}, 'a', '{LETTERS}') AS x FROM {TABLE}) AS q"
        f" ON replace(q.x, 'a', '{LETTERS}') = 'a'",
        f"WITH RECURSIVE t AS (SELECT {COLUMN} AS x FROM {TABLE} UNION ALL SELECT replace(x, 'a', '{LETTERS}') FROM t WHERE x <> '') SELECT replace(x, 'a', '{LETTERS}') FROM t",
        *(
            f"WITH q0 AS (SELECT {COLUMN} AS a FROM {TABLE}), "
            + ", ".join(
                f"q{n + 1} AS (SELECT {grow} AS a FROM q{n})" for n in range(20)
            )
            + " SELECT a FROM q20"
            for grow in (
                "a || a",
                "format('%s%s', a, a)",
                "(ARRAY[a, a])::text",
                "upper(a) || lower(a)",
                "jsonb_build_array(a, a)::text",
                "JSON_OBJECT('a': a, 'b': a)::text",
                "JSON_ARRAY(a, a)::text",
                "concat(a, a)",
                "a || '-' || a",
            )
        ),
    ],
)
def test_growth_is_refused_in_any_arrangement(sql: str) -> None:
    with pytest.raises(RefusedError, match=r"times longer|double a text"):
        check.check_query(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT " + "replace(" * 20 + COLUMN + ", '-', '')" * 20 + f" FROM {TABLE}",
        f"SELECT {COLUMN} || '-' || name AS a, concat(name, '{LETTERS}') FROM {TABLE}",
        " UNION ALL ".join([f"SELECT {COLUMN} || name AS a FROM {TABLE}"] * 30),
        f"SELECT 1 AS a FROM {TABLE} WHERE " + " OR ".join(["value = 1"] * 1200),
        f"SELECT regexp_replace({COLUMN}, '[^a-z]', '_', 'g') AS a FROM {TABLE}",
        "WITH "
        + ", ".join(
            f"q{n} AS (SELECT {COLUMN} || '-' || name AS a FROM {TABLE})"
            for n in range(30)
        )
        + " SELECT q0.a || q1.a || q2.a AS a FROM q0, q1, q2",
        f"WITH RECURSIVE t AS (SELECT {COLUMN} AS x, 1 AS n FROM {TABLE} UNION ALL"
        f" SELECT t.x || '-' || r.name, t.n + 1 FROM t JOIN {TABLE} AS r ON t.n < 3) SELECT x FROM t",
        f"SELECT jsonb_build_object('a', jsonb_build_object('b', jsonb_build_array(name, value))) AS a FROM {TABLE}",
        f"SELECT to_jsonb(r) ->> 'name' AS a, row_to_json(r)::text AS b FROM {TABLE} AS r",
    ],
)
def test_texts_that_people_write_are_allowed(sql: str) -> None:
    assert check.check_query(sql).text


GAPS = ", ".join(["''"] * 98)


@pytest.mark.parametrize(
    "grow",
    [
        f"concat_ws(x, {GAPS})",
        f"concat_ws(upper(x), {GAPS})",
        "concat_ws(x, VARIADIC string_to_array(x, NULL))",
        "array_to_string(string_to_array(x, NULL), x)",
        "regexp_replace(x, '(.)', '" + r"\1" * 98 + "', 'g')",
        "format('" + "%1$s" * 98 + "', x)",
        "to_char(now(), to_char(now(), to_char(now(), x)))",
    ],
)
def test_a_text_that_is_inserted_many_times_counts_each_time(grow: str) -> None:
    sql = (
        f"WITH a0 AS (SELECT 'x' || name AS x FROM {TABLE} LIMIT 1), a1 AS (SELECT {grow}"
        f" AS x FROM a0), a2 AS (SELECT {grow} AS x FROM a1), a3 AS (SELECT {grow} AS x"
        " FROM a2) SELECT length(x) FROM a3"
    )
    with pytest.raises(RefusedError, match="times longer"):
        check.check_query(sql)


def test_a_long_separator_counts_in_every_gap() -> None:
    fields = ", ".join([COLUMN] * 200)
    with pytest.raises(RefusedError, match="times longer"):
        check.check_query(f"SELECT concat_ws('{'a' * 100}', {fields}) FROM {TABLE}")


def test_separators_of_every_day_are_accepted() -> None:
    check.check_query(
        f"SELECT concat_ws('-', {COLUMN}, name, name) AS a, string_agg(name, ', ') AS b,"
        f" concat_ws(name, {COLUMN}, {COLUMN}) AS c, to_char(timestamp, 'YYYY-MM') AS d"
        f" FROM {TABLE} GROUP BY 1, 3, 4"
    )


def test_a_grown_separator_of_an_aggregate_counts() -> None:
    grow = "string_agg('', x || x)"
    steps = ", ".join(f"a{n + 1} AS (SELECT {grow} AS x FROM a{n})" for n in range(15))
    with pytest.raises(RefusedError, match="times longer"):
        check.check_query(
            f"WITH a0 AS (SELECT name AS x FROM {TABLE}), {steps} SELECT x FROM a15"
        )

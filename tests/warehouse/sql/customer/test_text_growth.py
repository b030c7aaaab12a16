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
        f"WITH RECURSIVE t AS (SELECT {COLUMN} AS x FROM {TABLE} UNION ALL SELECT replace(x, 'a', '{LETTERS}') FROM t) SELECT replace(x, 'a', '{LETTERS}') FROM t",
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

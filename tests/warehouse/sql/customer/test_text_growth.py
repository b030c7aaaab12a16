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
    ],
)
def test_growth_is_refused_in_any_arrangement(sql: str) -> None:
    with pytest.raises(RefusedError, match="times longer"):
        check.check_query(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT " + "replace(" * 20 + COLUMN + ", '-', '')" * 20 + f" FROM {TABLE}",
        f"SELECT {COLUMN} || '-' || name AS a, concat(name, '{LETTERS}') FROM {TABLE}",
        " UNION ALL ".join([f"SELECT {COLUMN} || name AS a FROM {TABLE}"] * 30),
        f"SELECT 1 AS a FROM {TABLE} WHERE " + " OR ".join(["value = 1"] * 1200),
        f"SELECT regexp_replace({COLUMN}, '[^a-z]', '_', 'g') AS a FROM {TABLE}",
    ],
)
def test_texts_that_people_write_are_allowed(sql: str) -> None:
    assert check.check_query(sql).text

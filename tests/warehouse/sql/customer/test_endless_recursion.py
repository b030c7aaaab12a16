# ruff: noqa: ISC004, S608 - the texts of the tests are their own
"""A recursion that nothing can end is refused on Postgres; one that data end is not."""

import pytest

from tests.support.recursive_rounds import (
    ENDING_RECURSIONS,
    ENDING_ROUNDS,
    ENDLESS_ROUNDS,
    OPEN_ROUNDS,
    USUAL_RECURSIONS,
    write_recursion,
)
from warehouse.sql import RefusedError
from warehouse.sql.customer import check

COUNT = "WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r{end}) {read}"
ALL = "SELECT * FROM r"


@pytest.mark.parametrize("is_managed", [True, False])
@pytest.mark.parametrize(
    "sql",
    [
        *map(write_recursion, ENDLESS_ROUNDS),
        COUNT.format(end="", read=ALL),
        COUNT.format(end="", read="SELECT count(*) FROM r"),
        COUNT.format(end="", read="SELECT * FROM r ORDER BY n LIMIT 10"),
        COUNT.format(end="", read="SELECT max(n) FROM r LIMIT 10"),
        COUNT.format(end="", read="SELECT jsonb_agg(n) FROM r LIMIT 10"),
        COUNT.format(end="", read="SELECT * FROM r LIMIT 1000000000"),
        COUNT.format(end="", read="SELECT * FROM (SELECT n FROM r LIMIT 5) AS s, r"),
        COUNT.format(end=" WHERE true", read=ALL),
        COUNT.format(end=" WHERE 1 = 1 AND n > 0", read=ALL),
        COUNT.format(end=" WHERE r.n <> 0", read=ALL),
        COUNT.format(end=" AS a, managed_dw.rewards AS b", read=ALL),
        "WITH RECURSIVE r AS (SELECT 1 AS n UNION SELECT n + 1 FROM r) SELECT * FROM r",
        "WITH RECURSIVE r AS (SELECT 'a' AS t UNION ALL SELECT t FROM r) SELECT * FROM r",
        "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n FROM r WHERE n < 10)"
        " SELECT * FROM r",
        COUNT.format(end=" WHERE n < 10 OR true", read=ALL),
        COUNT.format(end=" WHERE (n < 10 OR n > 0) AND n > -1", read=ALL),
        COUNT.format(end=" WHERE n < 10 OR n IS NOT NULL", read=ALL),
        COUNT.format(end=" WHERE n IS NOT NULL", read=ALL),
        COUNT.format(end=" WHERE NOT n <= 0", read=ALL),
        COUNT.format(end=" LEFT JOIN managed_dw.rewards AS b ON true", read=ALL),
        COUNT.format(end=" WHERE n < 10 OR 1 = 1", read=ALL),
        "WITH RECURSIVE r AS (SELECT date '2026-01-01' AS d UNION ALL"
        " SELECT (d - interval '1 day')::date FROM r WHERE d < '2026-02-01')"
        " SELECT * FROM r",
        "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL (SELECT n FROM r WHERE n < 10))"
        " SELECT * FROM r",
        "WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n > 0)"
        " CYCLE n SET seen USING way SELECT n FROM r",
        "WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n FROM r WHERE n < 10)"
        " SEARCH DEPTH FIRST BY n SET way SELECT n FROM r",
        "WITH RECURSIVE a AS (SELECT 1), r AS (\nSELECT now() AS d UNION ALL"
        " SELECT d + interval '1 day' FROM r) SELECT * FROM r, a",
    ],
)
def test_a_recursion_that_nothing_ends_is_refused(
    sql: str,
    is_managed: bool,
) -> None:
    with pytest.raises(
        RefusedError, match=r"query r never ends \(line .* WHERE n < 1000"
    ):
        check.check_query(sql, managed=is_managed)


@pytest.mark.parametrize(
    "sql",
    [
        *map(write_recursion, ENDING_ROUNDS),
        COUNT.format(end=" WHERE n < 10", read=ALL),
        COUNT.format(end=" WHERE n > 0 AND n < 10", read=ALL),
        COUNT.format(end=" WHERE n + 1 <= (SELECT 9)", read=ALL),
        COUNT.format(end="", read="SELECT * FROM r LIMIT 10"),
        COUNT.format(end="", read="SELECT * FROM (SELECT n FROM r LIMIT 5) AS s"),
        COUNT.format(end="", read="SELECT 1 AS unread"),
        COUNT.format(end=" JOIN managed_dw.rewards AS b ON b.value = r.n", read=ALL),
        COUNT.format(end=" JOIN managed_dw.rewards AS b USING (n)", read=ALL),
        "WITH RECURSIVE r AS (SELECT 1 AS n UNION SELECT n % 3 FROM r) SELECT * FROM r",
        "WITH RECURSIVE r AS (SELECT '[[1]]'::jsonb AS j UNION ALL"
        " SELECT jsonb_array_elements(j) FROM r) SELECT * FROM r",
        "WITH RECURSIVE r AS (SELECT '[[1]]'::jsonb AS j UNION ALL"
        " SELECT e.v FROM r, jsonb_array_elements(r.j) AS e (v)) SELECT * FROM r",
        "WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n % 3 FROM r)"
        " CYCLE n SET seen USING way SELECT n FROM r",
        "WITH RECURSIVE a AS (SELECT 1 AS n) SELECT n FROM a",
        "WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n FROM r WHERE n < 10)"
        " CYCLE n SET seen USING way SELECT n FROM r",
    ],
)
def test_a_recursion_that_may_end_is_accepted(sql: str) -> None:
    assert check.check_query(sql, managed=True).text
    assert check.check_query(sql, managed=False, schema="app").text


@pytest.mark.parametrize("sql", [*ENDING_RECURSIONS, *USUAL_RECURSIONS])
def test_usual_calendars_and_hierarchies_are_accepted(sql: str) -> None:
    assert check.check_query(sql, managed=True).text
    assert check.check_query(sql, managed=False, schema="app").text


@pytest.mark.parametrize("sql", ENDING_RECURSIONS)
def test_a_recursion_that_ends_soon_is_no_reason_for_a_warning(sql: str) -> None:
    assert check.check_query(sql, managed=True).recursions == ()


@pytest.mark.parametrize("round_", OPEN_ROUNDS)
def test_a_recursion_of_which_the_text_tells_no_end_is_one(round_: str) -> None:
    sql = f"WITH RECURSIVE r (d) AS ({round_}) SELECT d FROM r"

    (recursion,) = check.check_query(sql, managed=True).recursions

    assert recursion.name == "r"


def test_each_recursion_of_a_query_can_be_read_alone() -> None:
    sql = (
        "WITH RECURSIVE a AS (SELECT 5 AS most),\nr AS (SELECT 1 AS n UNION ALL"
        " SELECT n * 2 FROM r WHERE n < 9) SELECT * FROM r, (WITH RECURSIVE\ns AS"
        " (SELECT most FROM a UNION ALL SELECT most + 1 FROM s WHERE most < 9)"
        " SELECT * FROM s) AS q"
    )

    recursions = check.check_query(sql, managed=True).recursions

    assert [(each.name, each.line) for each in recursions] == [("r", 2), ("s", 3)]
    assert all(each.text.endswith(f'FROM "{each.name}"') for each in recursions)
    assert all('"a" AS (SELECT 5' in each.text for each in recursions)

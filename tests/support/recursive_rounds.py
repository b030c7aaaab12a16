# ruff: noqa: ISC004 - the texts of the tests are their own
"""Recursive WITH queries: some that never end, some that do, and usual ones.

The rounds are second branches of a query r (n, m) that begins at 1 and 5. They may read the
WITH query one (n), which holds a 1.
"""

ENDLESS_ROUNDS = [
    "n, m FROM r WHERE n < 10",
    "* FROM r WHERE n < 10",
    "n + 1, m FROM r WHERE m < 10",
    "n + 1, m + 1 FROM r WHERE n < 10 OR m >= 5",
    "n - 1, m FROM r WHERE n < 10",
    "n - 1, m FROM r WHERE n < m",
    "n + 0, m FROM r WHERE n + 1 < 10",
    "1, 5 FROM r WHERE n < 10",
    "n, m FROM r WHERE n IN (SELECT 1) OR m > 9",
    "n + -1, m FROM r WHERE n BETWEEN -1000000000 AND 10 OR n < 5",
    "n, m FROM r JOIN one USING (n)",
    "r.n, r.m + 1 FROM r JOIN one ON one.n = r.n",
    "r.n + 1, r.m FROM r, one WHERE r.n >= one.n",
    "r.n + 1, r.m FROM r LEFT JOIN one ON true",
    "r.n, r.m FROM one JOIN r ON NOT (one.n <> r.n)",
]
ENDING_ROUNDS = [
    "n + 1, m FROM r WHERE n < 10 OR n < m",
    "n + 1, m FROM r WHERE n < 10 OR false",
    "n + 1, m FROM r WHERE n <> 10",
    "n + 1, m FROM r WHERE NOT (n >= 10 OR m > 9)",
    "n, m - 1 FROM r WHERE n < m",
    "n + 1, m + 1 FROM r WHERE n + m < 10",
    "m, n + m FROM r WHERE m < 1000",
    "n * 2, m FROM r WHERE n < 1000",
    "least(n + 1, 9), m FROM r WHERE n < 9",
    "n + 1, m FROM r WHERE n BETWEEN 1 AND 10",
    "n - 1, m FROM r WHERE n > -10",
    "r.n + 1, r.m FROM r JOIN one ON one.n = r.n",
    "r.n + 1, r.m FROM r LEFT JOIN one ON one.n = r.n WHERE one.n IS NOT NULL",
    "one.n + 1, r.m - 1 FROM r JOIN one ON one.n < r.m",
]

# Whole queries of the managed store whose text tells that they end soon: calendars and
# counts up to a number, a date or today.
ENDING_RECURSIONS = [
    "WITH RECURSIVE r AS (SELECT date '2026-01-01' AS d UNION ALL"
    " SELECT (d + interval '1 day')::date FROM r WHERE d < '2026-02-01') SELECT * FROM r",
    "WITH RECURSIVE r AS (SELECT @start_date::date AS d UNION ALL"
    " SELECT d + 1 FROM r WHERE d < current_date) SELECT * FROM r",
    "WITH RECURSIVE r (d) AS (SELECT min(timestamp_utc) FROM managed_dw.rewards UNION ALL"
    " SELECT r.d + interval '1 hour' FROM r WHERE r.d + '1 hour'::interval <= now())"
    " SELECT * FROM r",
    "WITH RECURSIVE r AS (SELECT @start_date AS d UNION ALL SELECT d + interval '1 week'"
    " FROM r WHERE (now() AT TIME ZONE 'UTC')::date > d) SELECT d FROM r",
    "WITH RECURSIVE r AS (SELECT current_date - 30 AS d UNION SELECT 1 + d FROM r"
    " WHERE d BETWEEN '2020-01-01' AND current_date - interval '1 day') SELECT d FROM r",
    "WITH RECURSIVE r AS (SELECT date_trunc('month', now()) AS d UNION ALL"
    " SELECT d - interval '1 month' FROM r WHERE d > @start_date) SELECT d FROM r",
    "WITH RECURSIVE r AS (SELECT 10 AS n UNION ALL SELECT n - 1 FROM r WHERE n > 0)"
    " SELECT n FROM r",
]
# Some that look alike, and of which the text tells no end, or a late one.
OPEN_ROUNDS = [
    "(SELECT @start_date::date) UNION ALL SELECT (d + interval '1 hour')::date FROM r"
    " WHERE d < now()",
    "(SELECT @start_date) UNION ALL SELECT d + interval '1 second' FROM r WHERE d < now()",
    "(SELECT @start_date) UNION ALL SELECT r.d + interval '1 day' FROM r, (VALUES (1), (2))"
    " AS two (n) WHERE r.d < now()",
    "(SELECT now()) UNION ALL SELECT d + interval '1 day' FROM r WHERE d < now() OR"
    " d < '2100-01-01'",
    "(SELECT current_date) UNION ALL SELECT d + make_interval(days => 1) FROM r"
    " WHERE d < now()",
]

# Other whole queries of the managed store.
USUAL_RECURSIONS = [
    # calendars
    "WITH RECURSIVE r AS (SELECT min(timestamp_utc) AS d, max(timestamp_utc) AS last"
    " FROM managed_dw.rewards UNION ALL SELECT d + interval '1 day', last FROM r"
    " WHERE d < last) SELECT d FROM r",
    "WITH RECURSIVE s AS (SELECT now() AS last), r AS (SELECT @start_date AS d UNION ALL"
    " SELECT d + interval '1 month' FROM r CROSS JOIN s WHERE r.d < s.last) SELECT d FROM r",
    # hierarchies, by parents and by children, with and without a depth
    "WITH RECURSIVE t AS (SELECT anonymous_id AS id, name AS parent_id FROM"
    " managed_dw.rewards), r AS (SELECT id, parent_id FROM t WHERE parent_id IS NULL"
    " UNION ALL SELECT t.id, t.parent_id FROM t JOIN r ON t.parent_id = r.id)"
    " SELECT id FROM r",
    "WITH RECURSIVE t AS (SELECT anonymous_id AS id, name AS parent_id FROM"
    " managed_dw.rewards), r AS (SELECT id AS leaf, id, parent_id, 0 AS depth FROM t"
    " UNION ALL SELECT r.leaf, p.id, p.parent_id, r.depth + 1 FROM r, t AS p"
    " WHERE p.id = r.parent_id AND p.id IS NOT NULL) SELECT leaf FROM r",
    "WITH RECURSIVE t AS (SELECT anonymous_id AS id, name AS parent_id FROM"
    " managed_dw.rewards), r AS (SELECT id, ARRAY[id] AS path FROM t"
    " UNION ALL SELECT t.id, r.path || t.id FROM r LEFT JOIN t ON t.parent_id = r.id"
    " WHERE t.id IS NOT NULL AND NOT t.id = ANY (r.path)) SELECT id FROM r",
    # texts taken apart
    "WITH RECURSIVE r AS (SELECT name || ',' AS rest, '' AS part FROM managed_dw.rewards"
    " UNION ALL SELECT substr(rest, strpos(rest, ',') + 1), split_part(rest, ',', 1)"
    " FROM r WHERE rest <> '') SELECT part FROM r",
]


def write_recursion(round_: str) -> str:
    """Return a query that reads all rows of the recursion."""
    return (
        f"WITH RECURSIVE one (n) AS (SELECT 1),\nr (n, m) AS (SELECT 1, 5 UNION ALL"  # noqa: S608 - a text of the tests
        f" SELECT {round_})"
        " SELECT * FROM r"
    )

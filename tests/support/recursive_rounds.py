"""Second branches of a recursive WITH query r (n, m) that begins at 1 and 5.

They may read the WITH query one (n), which holds a 1.
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


def write_recursion(round_: str) -> str:
    """Return a query that reads all rows of the recursion."""
    return (
        f"WITH RECURSIVE one (n) AS (SELECT 1),\nr (n, m) AS (SELECT 1, 5 UNION ALL"  # noqa: S608 - a text of the tests
        f" SELECT {round_})"
        " SELECT * FROM r"
    )

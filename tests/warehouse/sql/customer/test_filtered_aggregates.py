# ruff: noqa: S608 - the texts of the tests are their own
"""FILTER on BigQuery and Snowflake: where writing the condition inside means the same."""

import pytest

from warehouse.sql import RefusedError
from warehouse.sql.customer import check

OVER_A_QUERY = (
    "a WITH query that has the condition as its WHERE, and the aggregate over it,"
)


@pytest.mark.parametrize(
    ("dialect", "aggregate", "text"),
    [
        ("bigquery", "COUNT(*)", "COUNTIF(`x` > 2)"),
        ("bigquery", "COUNT(DISTINCT a)", "COUNT(DISTINCT IF(`x` > 2, `a`, NULL))"),
        ("bigquery", "ARRAY_AGG(a ORDER BY b)", "ARRAY_AGG(IF(`x` > 2, `a`, NULL) IGNORE NULLS ORDER BY `b`)"),
        ("snowflake", "COUNT(*)", 'COUNT_IF("X" > 2)'),
        ("snowflake", "LISTAGG(a, ',') WITHIN GROUP (ORDER BY b)", 'LISTAGG(IFF("X" > 2, "A", NULL), \',\') WITHIN GROUP (ORDER BY "B")'),
        ("snowflake", "PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY a)", 'PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY IFF("X" > 2, "A", NULL))'),
    ],
)  # fmt: skip
def test_a_condition_is_written_into_an_aggregate_that_leaves_nulls_out(
    dialect: str, aggregate: str, text: str
) -> None:
    sql = f"SELECT {aggregate} FILTER (WHERE x > 2) FROM s.t"

    assert check.check_query(sql, dialect, managed=False).text.startswith(
        f"SELECT {text} FROM"
    )


@pytest.mark.parametrize(
    ("dialect", "aggregate", "advice"),
    [
        # the greatest of all rows may be one that the condition leaves out
        ("bigquery", "Max_By(a, b)", "MAX_BY(a, IF(condition, b, NULL))"),
        ("snowflake", "Min_By(a, b)", "MIN_BY(a, IFF(condition, b, NULL))"),
        ("bigquery", "Any_Value(a)", "MAX(IF(condition, a, NULL))"),
        # NULL counts
        ("bigquery", "Approx_Top_Count(a, 3)", OVER_A_QUERY),
        ("bigquery", "Approx_Quantiles(a, 4 RESPECT NULLS)", OVER_A_QUERY),
        ("snowflake", "Hash_Agg(a)", OVER_A_QUERY),
        ("snowflake", "Count(t.*)", OVER_A_QUERY),
        # the condition was lost, or written behind the limit
        ("bigquery", "String_Agg(a, ',' ORDER BY b LIMIT 3)", OVER_A_QUERY),
        ("bigquery", "Array_Agg(a ORDER BY b LIMIT 1)", OVER_A_QUERY),
        ("bigquery", "Sum(a HAVING MAX b)", OVER_A_QUERY),
        ("snowflake", "First_Value(a)", OVER_A_QUERY),
    ],
)
def test_a_filter_that_would_mean_something_else_is_refused(
    dialect: str, aggregate: str, advice: str
) -> None:
    sql = f"SELECT 1,\n{aggregate} FILTER (WHERE x > 2) FROM s.t"

    with pytest.raises(RefusedError) as refusal:
        check.check_query(sql, dialect, managed=False)

    name = aggregate.partition("(")[0]
    assert refusal.value.reason == (
        f"The clause FILTER of {name} is not allowed (line 2): write {advice} instead."
    )

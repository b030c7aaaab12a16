"""Which metrics an earlier start date would change, and which limit their rows."""

import pytest

from warehouse.sql.customer import check
from warehouse.sql.preview import counted_rows
from warehouse.sql.shapes import CheckedMetric

REWARDS = "SELECT anonymous_id, timestamp_utc AS at FROM managed_dw.rewards"
OWN = {
    "postgres": "SELECT who AS anonymous_id, seen AS at FROM orders",
    "snowflake": "SELECT who AS anonymous_id, seen AS at FROM app.orders",
    "bigquery": "SELECT who AS anonymous_id, seen AS at FROM app.orders",
}


def check_metric(sql: str, dialect: str | None = None) -> CheckedMetric:
    """Check a metric of the managed store, or of a connected warehouse."""
    mapping = {"anonymous_id": "anonymous_id", "timestamp": "at"}
    if dialect is None:
        return check.check_metric_query(sql, mapping)
    return check.check_metric_query(
        sql, mapping, dialect, managed=False, schema="public"
    )


@pytest.mark.parametrize(
    "condition",
    [
        "timestamp_utc >= @start_date",
        "(timestamp_utc > @start_date) AND name = 'purchase'",
        "name = 'purchase'",
    ],
)
def test_rows_since_their_start_are_the_same_from_any_earlier_one(
    condition: str,
) -> None:
    metric = check_metric(f"{REWARDS} WHERE {condition}")

    assert not metric.depends_on_start


@pytest.mark.parametrize("dialect", OWN)
def test_it_is_so_in_every_dialect(dialect: str) -> None:
    plain = check_metric(f"{OWN[dialect]} WHERE seen >= @start_date", dialect)
    other = check_metric(f"{OWN[dialect]} WHERE joined >= @start_date", dialect)

    assert not plain.depends_on_start
    assert other.depends_on_start


OTHERS = (
    "{rewards} WHERE created_at >= @start_date",
    "{rewards} WHERE timestamp_utc < @start_date",
    "{rewards} WHERE NOT timestamp_utc >= @start_date",
    "{rewards} WHERE timestamp_utc >= @start_date OR value > 1",
    "{rewards} WHERE timestamp_utc >= @start_date + interval '1 day'",
    (
        "{rewards} WHERE timestamp_utc >= @start_date"
        " AND value > (SELECT min(value) FROM managed_dw.rewards)"
    ),
    (
        "SELECT anonymous_id, max(timestamp_utc) AS at FROM managed_dw.rewards"
        " WHERE timestamp_utc >= @start_date GROUP BY 1"
    ),
    "SELECT * FROM ({rewards} WHERE timestamp_utc >= @start_date) AS r",
)


@pytest.mark.parametrize("sql", OTHERS)
def test_other_metrics_may_change_with_their_start(sql: str) -> None:
    assert check_metric(sql.format(rewards=REWARDS)).depends_on_start


@pytest.mark.parametrize(
    ("sql", "clause"),
    [
        ("{rewards} LIMIT 10", "LIMIT"),
        ("{rewards} FETCH FIRST 10 ROWS ONLY", "FETCH"),
        ("{rewards} OFFSET 10", "OFFSET"),
        ("({rewards} LIMIT 10)", "LIMIT"),
        ("{rewards} UNION ALL {rewards} LIMIT 10", "LIMIT"),
        ("SELECT * FROM ({rewards} LIMIT 10) AS r", None),
    ],
)
def test_a_limit_of_all_rows_is_found(sql: str, clause: str | None) -> None:
    query = check.check_query(sql.format(rewards=REWARDS), managed=True)

    assert query.traits.row_limit == clause
    warnings = counted_rows.list_count_warnings(query, 0)
    assert (counted_rows.INNER_LIMIT in warnings) == (clause != "OFFSET")

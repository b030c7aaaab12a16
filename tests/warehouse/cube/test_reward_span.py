"""Rewards from before the counted days stay unread, though @start_date is earlier."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from tests.support import factories, warehouse_events
from tests.support.cube_comparison import SPEC
from tests.support.reference_cube import Reward
from warehouse.backends import managed_connections
from warehouse.sql.cube.statement import CheckedMetric, build_statement
from warehouse.sql.customer import check

OPTIMIZATION = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
PLAIN = (
    "SELECT anonymous_id, timestamp_utc FROM managed_dw.rewards"
    " WHERE timestamp_utc >= @start_date"
)
OTHER_COLUMNS = {
    "computed": (
        "SELECT anonymous_id, timestamp_utc + interval '1 hour' AS timestamp_utc"
        " FROM managed_dw.rewards"
    ),
    "of a subquery": (
        "SELECT anonymous_id, timestamp_utc FROM (SELECT anonymous_id,"
        " CAST(properties ->> 'at' AS timestamp) AS timestamp_utc"
        " FROM managed_dw.rewards) AS r"
    ),
    "of renamed columns": (
        "SELECT anonymous_id, timestamp_utc FROM (SELECT anonymous_id, name"
        " FROM managed_dw.rewards) AS r (anonymous_id, timestamp_utc)"
    ),
}


def check_metric(sql: str, timestamp: str = "timestamp_utc") -> CheckedMetric:
    """Check a metric of plain rewards."""
    mapping = {"anonymous_id": "anonymous_id", "timestamp": timestamp}
    return check.check_metric_query(sql, mapping)


def list_read_partitions(metric: CheckedMetric) -> set[str]:
    """Return the partitions of rewards in the plan that counts one day of two."""
    organization = factories.make_organization()
    now = timezone.now()
    old, new = now - timedelta(days=6), now - timedelta(days=1)
    rewards = [Reward("u", old), Reward("u", new)]
    warehouse_events.store_events(organization.pk, OPTIMIZATION, [], rewards)
    spec = replace(
        SPEC,
        organization_id=organization.pk,
        optimization_id=OPTIMIZATION,
        days=(new.date(),),
        as_of=now,
        metric_start=now - timedelta(days=8),
    )
    statement = build_statement(spec, metric)
    with managed_connections.open_cursor(organization.pk, 10, {}) as cursor:
        cursor.execute(f"EXPLAIN {statement.text}", statement.parameters)
        plan = "\n".join(line for (line,) in cursor.fetchall())
    names = {at: f"managed_rewards_{at:%Y%m%d}" for at in (old, new)}
    return {key for key, at in (("old", old), ("new", new)) if names[at] in plan}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("columns", ["anonymous_id, timestamp_utc", "*"])
def test_a_metric_of_single_rows_reads_the_counted_days_only(columns: str) -> None:
    metric = check_metric(PLAIN.replace("anonymous_id, timestamp_utc", columns))

    assert list_read_partitions(metric) == {"new"}


@pytest.mark.django_db(transaction=True)
def test_a_metric_that_groups_rows_reads_all_since_its_start() -> None:
    grouped = PLAIN.replace("timestamp_utc FROM", "max(timestamp_utc) AS at FROM")
    metric = check_metric(f"{grouped} GROUP BY 1", "at")

    assert list_read_partitions(metric) == {"old", "new"}


@pytest.mark.parametrize("name", OTHER_COLUMNS)
def test_another_column_of_that_name_gets_no_condition(name: str) -> None:
    assert check_metric(OTHER_COLUMNS[name]).query.traits.own_times == ()

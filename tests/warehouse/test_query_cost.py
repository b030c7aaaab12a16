"""A query is planned before it is saved: one that would run for hours is refused."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from metrics.models import Metric
from tests.support import factories
from tests.support.factories import read_body, read_error
from tests.support.second_postgres import SecondServer
from tests.support.shop import METRIC, SOURCE, connect_warehouse
from warehouse import partitions

pytestmark = pytest.mark.django_db(transaction=True)

ENDLESS_SHOP_SQL = (
    'SELECT a."user", a.at FROM shop.orders a, shop.orders b, shop.orders c,'
    " shop.orders d, shop.orders e"
)
MANAGED_METRIC: dict[str, Any] = {
    "name": "signups",
    "sql": "SELECT anonymous_id, timestamp_utc FROM managed_dw.rewards"
    " WHERE timestamp_utc >= @start_date",
    "column_mapping": {
        "anonymous_id": "anonymous_id",
        "timestamp": "timestamp_utc",
        "reward_type": "bool",
    },
}


def test_a_query_that_would_run_for_hours_is_refused_in_a_connected_warehouse(
    second: SecondServer,
) -> None:
    alice = factories.make_admin_api(factories.make_organization())
    connect_warehouse(alice, second)
    with second.owner() as owner:
        owner.execute(
            "INSERT INTO public.bought SELECT i, now() FROM generate_series(1, 2000) i"
        )
        owner.execute("ANALYZE public.bought")

    refused = alice.post("/warehouse/metrics", METRIC | {"sql": ENDLESS_SHOP_SQL})
    template = "SELECT * FROM ({} LIMIT {}) AS s"
    limited = [
        alice.post(
            "/warehouse/metrics",
            METRIC | {"sql": template.format(ENDLESS_SHOP_SQL, rows)},
        ).status_code
        for rows in (1_000_000_000, 1000)
    ]
    saved = alice.post("/warehouse/metrics", METRIC)
    source = alice.post("/warehouse/assignment-sources", SOURCE)

    problem = read_error(refused)["details"][0]
    assert (refused.status_code, problem["field"]) == (400, "sql")
    assert "1,000,000,000 are allowed" in problem["message"]
    assert [saved.status_code, source.status_code] == [201, 201]
    assert limited == [400, 201]


def test_the_bound_is_a_setting_and_holds_for_changes_in_the_managed_store(
    settings: Any,
) -> None:
    partitions.ensure_partitions("managed_rewards", [timezone.now().date()])
    alice = factories.make_admin_api(factories.make_organization())
    saved = read_body(alice.post("/warehouse/metrics", MANAGED_METRIC))
    sql = MANAGED_METRIC["sql"].replace("anonymous_id,", "anonymous_id, name,")
    settings.QUERY_PLAN_COST = 0.001

    refused = alice.patch(f"/warehouse/metrics/{saved['id']}", {"sql": sql})
    settings.QUERY_PLAN_COST = 1e9
    changed = alice.patch(f"/warehouse/metrics/{saved['id']}", {"sql": sql})

    assert refused.status_code == 400
    assert "units of its planner" in read_error(refused)["message"]
    assert changed.status_code == 200
    assert Metric.objects.get().sql == sql


def test_a_plan_of_thousands_of_day_partitions_is_read_by_its_first_line() -> None:
    today = timezone.now().date()
    days = [today - timedelta(days=ago) for ago in range(150)]
    for table in partitions.PARTITIONED_TABLES:
        partitions.ensure_partitions(table, days)
    alice = factories.make_admin_api(factories.make_organization())
    exposures = ", ".join(f"managed_dw.exposures AS e{number}" for number in range(8))
    conditions = " AND ".join(
        f"e{number}.anonymous_id = e0.anonymous_id" for number in range(1, 8)
    )
    sql = (
        f"SELECT e0.anonymous_id, e0.timestamp_utc FROM {exposures} WHERE {conditions}"  # noqa: S608 - the test's own text
    )

    answer = alice.post("/warehouse/metrics", MANAGED_METRIC | {"sql": sql})

    assert answer.status_code == 201

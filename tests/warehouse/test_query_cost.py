"""A query is planned before it is saved: one that would run for hours is refused."""

import time
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.db import connection
from django.test import override_settings
from django.utils import timezone

from metrics.models import Metric
from optimizations.models import CountFailure, Optimization
from tests.support import factories, optimization_factories, warehouse_events
from tests.support.factories import Api, read_body, read_error
from tests.support.reference_cube import Reward, Touch
from tests.support.running_service import PATIENCE
from tests.support.second_postgres import SecondServer
from tests.support.shop import (
    METRIC,
    SOURCE,
    connect_warehouse,
    launch_optimization,
)
from warehouse import partitions
from warehouse.backends import managed_connections, managed_statistics
from warehouse.models import ManagedReward

pytestmark = pytest.mark.django_db(transaction=True)

ENDLESS_SHOP_SQL = (
    'SELECT a."user", a.at FROM shop.orders a, shop.orders b, shop.orders c,'
    " shop.orders d, shop.orders e"
)
ENDLESS_SQL = (
    "SELECT a.anonymous_id, a.timestamp_utc FROM managed_dw.rewards a,"
    " managed_dw.rewards b, managed_dw.rewards c, managed_dw.rewards d,"
    " managed_dw.rewards e"
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


def test_a_query_that_was_cheap_on_a_new_day_is_refused_when_it_is_counted() -> None:
    alice, optimization = _launch_managed(ENDLESS_SQL)
    _store_visitors(optimization, 1500)

    path = f"/optimizations/{optimization.pk}/results"
    results = read_body(alice.get(f"{path}?refresh=true"))

    failure = CountFailure.objects.get()
    assert "units of its planner" in failure.message
    assert failure.message in results["notes"][0]
    assert [reason["code"] for reason in results["health"]["reasons"]] == [
        "not_counted"
    ]
    saved = alice.post("/warehouse/metrics", MANAGED_METRIC | {"sql": ENDLESS_SQL})
    assert saved.status_code == 400


def test_a_query_that_grew_dear_is_refused_when_a_connected_warehouse_counts_it(
    second: SecondServer,
) -> None:
    alice, body = launch_optimization(second)
    Metric.objects.update(sql=ENDLESS_SHOP_SQL)  # saved while its tables were small
    with second.owner() as owner:
        owner.execute(
            "INSERT INTO public.bought SELECT i, now() FROM generate_series(1, 2000) i"
        )
        owner.execute("ANALYZE public.bought")

    results = read_body(alice.get(f"/optimizations/{body['id']}/results?refresh=true"))

    assert "units of its planner" in CountFailure.objects.get().message
    assert CountFailure.objects.get().message in results["notes"][0]


def test_a_person_is_erased_although_a_metric_became_too_dear_to_count() -> None:
    alice, optimization = _launch_managed(ENDLESS_SQL)
    _store_visitors(optimization, 1500, days_back=60)

    erased = alice.delete("/warehouse/users/u1")

    assert erased.status_code == 200
    assert not ManagedReward.objects.filter(anonymous_id="u1").exists()


def test_days_are_analyzed_once_and_again_after_they_have_grown() -> None:
    _, optimization = _launch_managed(MANAGED_METRIC["sql"])
    managed_statistics.analyze_stale_days()
    _store_visitors(optimization, 100, days_back=37)  # a day that no other test has
    analyzed = managed_statistics.analyze_stale_days()
    again = managed_statistics.analyze_stale_days()

    day = (timezone.now() - timedelta(days=37, minutes=1)).date()
    assert set(analyzed) == {
        partitions.format_partition_name(table, day)
        for table in ("managed_exposures", "managed_rewards")
    }
    assert again == []
    assert managed_statistics.TABLES == partitions.PARTITIONED_TABLES
    _store_visitors(optimization, 100, name="later", days_back=37)
    assert set(managed_statistics.analyze_stale_days()) == set(analyzed)


def test_a_day_that_cannot_be_analyzed_leaves_a_guess_and_no_failure() -> None:
    alice, optimization = _launch_managed(MANAGED_METRIC["sql"])
    _store_visitors(optimization, 100)
    with psycopg.connect(**managed_connections.build_arguments()) as other:
        other.execute(
            "LOCK TABLE managed_rewards IN SHARE UPDATE EXCLUSIVE MODE NOWAIT"
        )
        started = time.monotonic()
        answer = alice.post("/warehouse/metrics", MANAGED_METRIC)

    assert answer.status_code == 201
    assert time.monotonic() - started < 3 * PATIENCE


def _launch_managed(sql: str) -> tuple[Api, Optimization]:
    organization = factories.make_organization()
    alice = factories.make_admin_api(organization)
    # What it costs when it is saved depends on the statistics that other tests left.
    with override_settings(QUERY_PLAN_COST=1e15):
        saved = alice.post("/warehouse/metrics", MANAGED_METRIC | {"sql": sql})
    optimization = optimization_factories.make_optimization(
        organization,
        reward_metric_id=UUID(read_body(saved)["id"]),
        training_data_config=optimization_factories.make_config(
            reward={"name": "x", "type": "bool"}
        ),
    )
    return alice, optimization


def _store_visitors(
    optimization: Optimization, count: int, *, days_back: int = 0, name: str = "u"
) -> None:
    at = timezone.now() - timedelta(days=days_back, minutes=1)
    users = [f"{name}{number}" for number in range(count)]
    warehouse_events.store_events(
        optimization.organization_id,
        str(optimization.pk),
        [Touch(user, at, '{"cta":false,"headline":"A"}', "{}", 0) for user in users],
        [Reward(user, at) for user in users],
    )
    with connection.cursor() as cursor:  # else the server counts changes a second later
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT 1")

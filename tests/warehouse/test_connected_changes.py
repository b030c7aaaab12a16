"""Changes in a connected Postgres: late rows, another server or source."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from metrics.models import AssignmentSource, Metric
from optimizations.cube import refresh
from optimizations.models import Optimization, Regime
from tests.support.factories import read_body, read_error
from tests.support.reference_cube import Reward, Touch
from tests.support.second_postgres import SecondServer
from tests.support.shop import METRIC, SOURCE, connect_warehouse, launch_optimization
from warehouse.models import Connection

pytestmark = pytest.mark.django_db(transaction=True)

KEY = '{"cta":false,"headline":"A"}'


def test_late_rows_reopen_sealed_days(second: SecondServer) -> None:
    _, optimization_body = launch_optimization(second)
    now = timezone.now()
    old = now - timedelta(days=6)
    second.store(optimization_body["id"], [Touch("a", old, KEY, "{}", 0)])
    optimization = Optimization.objects.get(pk=optimization_body["id"])
    metric = Metric.objects.get()

    def refresh_after(minutes: int) -> dict[str, Any]:
        cube = refresh.refresh_cube(
            optimization, metric, now + timedelta(minutes=minutes)
        )
        return {
            "users": sum(cell.users for cell in cube.cells),
            "converted": sum(cell.converted for cell in cube.cells),
            "read": cube.rows_read,
        }

    first, unchanged = refresh_after(0), refresh_after(1)
    second.store(optimization_body["id"], [], [Reward("a", old + timedelta(hours=1))])
    rewarded, again = refresh_after(2), refresh_after(3)
    earlier = old - timedelta(days=2)
    second.store(optimization_body["id"], [Touch("a", earlier, KEY, "{}", 0)])
    moved = refresh_after(4)

    assert first == {"users": 1, "converted": 0, "read": 1}
    assert (unchanged["read"], again["read"]) == (0, 0)
    assert rewarded == {"users": 1, "converted": 1, "read": 1}
    assert moved == {"users": 1, "converted": 0, "read": 2}


def test_another_warehouse_begins_a_regime_and_a_new_password_does_not(
    second: SecondServer,
) -> None:
    alice, optimization_body = launch_optimization(second)

    connect_warehouse(alice, second)
    regimes_before = Regime.objects.filter(optimization=optimization_body["id"]).count()
    alice.delete("/warehouse/connections")
    regimes = Regime.objects.filter(optimization=optimization_body["id"]).order_by(
        "number"
    )

    assert regimes_before == 1
    assert [regime.reason for regime in regimes] == ["went live", "warehouse changed"]
    assert regimes[1].warehouse == "managed"
    assert not Connection.objects.exists()


def test_other_sql_in_its_source_begins_a_regime_and_another_name_does_not(
    second: SecondServer,
) -> None:
    alice, optimization_body = launch_optimization(second)
    path = f"/warehouse/assignment-sources/{AssignmentSource.objects.get().pk}"

    renamed = alice.patch(path, {"name": "shown"})
    regimes_before = Regime.objects.filter(optimization=optimization_body["id"]).count()
    changed = alice.patch(path, {"sql": f"{SOURCE['sql']} AND version <> 'x'"})
    other = alice.post(
        "/warehouse/assignment-sources", SOURCE | {"name": "other", "default": True}
    )
    regimes = Regime.objects.filter(optimization=optimization_body["id"]).order_by(
        "number"
    )

    statuses = [renamed.status_code, changed.status_code, other.status_code]
    assert (statuses, regimes_before) == ([200, 200, 201], 1)
    reasons = [regime.reason for regime in regimes]
    assert reasons == ["went live", "assignment source changed"]


def test_mapped_columns_of_a_wrong_type_are_refused_when_saved(
    second: SecondServer,
) -> None:
    alice, _ = launch_optimization(second)
    path = f"/warehouse/assignment-sources/{AssignmentSource.objects.get().pk}"
    sql_with_number = 'SELECT "user", 7 AS at FROM shop.orders'

    answers = [
        alice.patch(
            path,
            {
                "sql": "SELECT shown.*, 7 AS at FROM shown",
                "column_mapping": SOURCE["column_mapping"] | {"timestamp": "at"},
            },
        ),
        alice.post(
            "/warehouse/metrics", METRIC | {"name": "other", "sql": sql_with_number}
        ),
    ]

    for answer in answers:
        problem = read_error(answer)["details"][0]
        assert answer.status_code == 400
        assert problem["field"] == "column_mapping"
        assert "timestamp must be a moment" in problem["message"]
    assert Metric.objects.count() == Regime.objects.count() == 1


def test_a_refused_change_of_its_source_begins_no_regime(second: SecondServer) -> None:
    alice, _ = launch_optimization(second)
    path = f"/warehouse/assignment-sources/{AssignmentSource.objects.get().pk}"

    refused = alice.patch(path, {"sql": "SELECT 1 AS x"})

    assert refused.status_code == 400
    assert Regime.objects.count() == 1


def test_an_unsaved_metric_is_compared_with_the_sources_ids(
    second: SecondServer,
) -> None:
    alice, optimization_body = launch_optimization(second)
    at = timezone.now() - timedelta(days=1)
    bought = [Reward(user, at + timedelta(hours=1)) for user in ("a", "b", "c")]
    second.store(optimization_body["id"], [Touch("a", at, KEY, "{}", 0)], bought)
    unsaved = {"sql": METRIC["sql"], "column_mapping": METRIC["column_mapping"]}

    preview = read_body(alice.post("/warehouse/preview", unsaved))

    assert (preview["row_count"], round(preview["match_rate"], 2)) == (3, 0.33)
    assert preview["warnings"] == ["Only 33% of 3 ids match an exposure."]
    assert Metric.objects.count() == 1


def test_raw_observations_of_a_connected_warehouse_are_refused_with_a_reason(
    second: SecondServer,
) -> None:
    alice, optimization_body = launch_optimization(second)

    refused = alice.get(
        f"/optimizations/{optimization_body['id']}/observations?raw=true"
    )

    assert refused.status_code == 409
    assert "managed warehouse only" in read_error(refused)["message"]

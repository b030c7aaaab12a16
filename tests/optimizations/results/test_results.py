"""Results over HTTP: one set of counts behind every figure, and a reason for every null."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from levered_site import database
from levered_site.organizations.actors import SYSTEM_ACTOR
from optimizations.configuration import lifecycle
from optimizations.models import CubeDay
from tests.support import factories, traffic
from tests.support.factories import read_body
from tests.support.learning import headline_b_rate
from tests.support.optimization_factories import (
    make_config,
    make_metric,
    make_optimization,
    make_organization,
)
from tests.support.result_visitors import (
    make_member_api,
    make_visited_optimization,
    train_and_return,
)
from tests.support.unavailable_reasons import list_nulls_without_reason

pytestmark = pytest.mark.django_db(transaction=True)


def test_before_the_first_training_all_fields_are_there() -> None:
    optimization = make_optimization(make_organization())

    response = make_member_api(optimization).get(
        f"/optimizations/{optimization.pk}/results"
    )

    assert response.status_code == 200, response.content
    body = read_body(response)
    assert body["as_of"] is None
    assert set(body["stats"].values()) == {None}
    assert body["time_series"] == []
    assert [row["weight"] for row in body["variants"]] == pytest.approx([0.225] * 4)
    assert {row["exposures"] for row in body["variants"]} == {0}
    assert body["factor_importance"] == body["contexts"] == []
    assert list_nulls_without_reason(body) == []


def test_after_training_there_are_modeled_and_measured_figures() -> None:
    optimization = train_and_return(make_visited_optimization())

    body = read_body(
        make_member_api(optimization).get(f"/optimizations/{optimization.pk}/results")
    )

    measured = body["primary_metric_vs_holdout"]
    assert measured["holdout_exposures"] + measured["optimization_exposures"] == 1000
    low, high = measured["lift_ci"]
    assert low < measured["lift_percent"] < high
    assert measured["lift_ci_anytime"][0] < low
    assert 0 <= measured["p_value"] <= 1
    (regime,) = measured["regimes"]
    assert regime["holdout_percentage"] == 50
    low, high = body["stats"]["best_vs_baseline_interval"]
    assert 0 < low < body["stats"]["best_vs_baseline_percent"] < high
    assert sum(row["exposures"] for row in body["variants"]) == 1000
    assert sum(row["weight"] for row in body["variants"]) == pytest.approx(0.5)
    daily = [
        counts["exposures"]
        for day in body["time_series"]
        for counts in day["variants"].values()
    ]
    assert sum(daily) == 1000
    assert body["checks"]["sample_ratio"]["ok"] is True
    assert body["checks"]["baseline_sanity"]["ok"] is True
    assert list_nulls_without_reason(body) == []
    assert body["model"] == {"reward_model": "chance", "notes": []}
    important = {row["factor"]: row["mean"] for row in body["factor_importance"]}
    assert important["headline"] > important["cta"]
    assert {row["level"] for row in body["contexts"]} == {"mobile", "desktop"}


def test_a_get_reads_the_stored_cube_and_refresh_asks_the_warehouse() -> None:
    optimization = make_visited_optimization()
    path = f"/optimizations/{optimization.pk}/results"
    api = make_member_api(optimization)

    stored = read_body(api.get(path))
    assert not CubeDay.objects.exists()
    fresh = read_body(api.get(f"{path}?refresh=true"))

    assert stored["primary_metric_vs_holdout"]["holdout_exposures"] == 0
    assert fresh["primary_metric_vs_holdout"]["holdout_exposures"] > 400
    assert fresh["as_of"] is not None
    assert read_body(api.get(path))["as_of"] == fresh["as_of"]


def test_of_few_users_the_figures_of_one_look_are_withheld_with_the_reason() -> None:
    optimization = make_optimization(make_organization(), holdout_percentage=50)
    traffic.simulate_visitors(
        optimization, timezone.now() - timedelta(days=3), 50, headline_b_rate
    )

    path = f"/optimizations/{optimization.pk}/results?refresh=true"
    body = read_body(make_member_api(optimization).get(path))

    measured = body["primary_metric_vs_holdout"]
    assert (measured["lift_ci"], measured["p_value"]) == (None, None)
    for name in ("lift_ci", "p_value"):
        assert (
            "100 are needed" in body["unavailable"][f"primary_metric_vs_holdout.{name}"]
        )
    low, high = measured["difference_ci_anytime"]
    assert -1 < low < measured["difference"] < high < 1
    assert 0 < measured["p_value_anytime"] <= 1


def test_the_statement_behind_the_figures_is_printed() -> None:
    optimization = make_visited_optimization()
    path = f"/optimizations/{optimization.pk}/results?refresh=true&sql=true"

    (statement,) = read_body(make_member_api(optimization).get(path))["sql"]

    assert "managed_dw.exposures" in statement["statement"]
    assert f"'{optimization.organization_id}'" in statement["statement"]
    assert statement["dialect"] == "postgres"


def test_the_printed_statement_returns_the_users_and_conversions_of_results() -> None:
    optimization = make_visited_optimization()
    path = f"/optimizations/{optimization.pk}/results?refresh=true&sql=true"
    body = read_body(make_member_api(optimization).get(path))
    (statement,) = body["sql"]

    with transaction.atomic(), connection.cursor() as cursor:
        organization = [optimization.organization_id]
        cursor.execute(
            "SELECT set_config('levered.organization_id', %s, true)", organization
        )
        cursor.execute(statement["statement"])
        rows = database.fetch_rows(cursor)

    cells = [row for row in rows if row.kind == "cell"]
    assert sum(row.users for row in cells) == 1000
    for variant in body["variants"]:
        own = [row for row in cells if row.variant == variant["number"]]
        assert sum(row.users for row in own) == variant["users"]
        assert sum(row.converted for row in own) == variant["conversions"]


def test_an_endpoint_refreshes_first_if_requested() -> None:
    organization = make_organization()
    guard = make_metric(organization)
    optimization = make_visited_optimization(
        organization, guardrail_metric_ids=[guard.pk]
    )
    path, api = f"/optimizations/{optimization.pk}", make_member_api(optimization)

    stored = read_body(api.get(f"{path}/progress"))
    assert not CubeDay.objects.exists()
    fresh = read_body(api.get(f"{path}/progress?refresh=true"))
    (guarded,) = set(CubeDay.objects.filter(metric=guard).values_list("computed_at"))
    (rewarded,) = set(CubeDay.objects.exclude(metric=guard).values_list("computed_at"))
    (guardrail,) = read_body(api.get(f"{path}/guardrails?refresh=true"))["guardrails"]
    report = read_body(api.get(f"{path}/report-data?refresh=true"))

    assert stored["users"] == {"optimized": 0, "holdout": 0}
    assert sum(fresh["users"].values()) == 1000
    assert guarded == rewarded  # one cut of the data, whichever answer asked for it
    assert guardrail["holdout_rate"] is not None
    assert report["results"]["as_of"] is not None


def test_results_of_a_shipped_optimization_freeze_when_it_is_shipped() -> None:
    optimization = make_visited_optimization()
    path, api = (
        f"/optimizations/{optimization.pk}/results",
        make_member_api(optimization),
    )
    before = read_body(api.get(f"{path}?refresh=true"))
    an_hour_ago = timezone.now() - timedelta(hours=1)
    in_time = [
        traffic.build_exposure(
            optimization, "in time", timestamp=an_hour_ago.isoformat()
        )
    ]
    traffic.send_exposures(optimization, in_time)
    optimization = lifecycle.ship_optimization(optimization, SYSTEM_ACTOR, confirm=True)
    frozen = read_body(api.get(f"{path}?refresh=true"))
    late = [traffic.build_exposure(optimization, "late", timestamp=before["as_of"])]
    traffic.send_exposures(optimization, late)

    after = read_body(api.get(f"{path}?refresh=true"))

    assert optimization.shipped_at is not None
    shipped_at = optimization.shipped_at.strftime("%Y-%m-%dT%H:%M:%S")
    assert frozen["as_of"].startswith(shipped_at)
    assert _sum_exposures(frozen) == _sum_exposures(before) + 1
    assert after["as_of"] == frozen["as_of"]
    assert after["variants"] == frozen["variants"]


def _sum_exposures(results: dict[str, Any]) -> int:
    return sum(row["exposures"] for row in results["variants"])


def test_a_numeric_metric_is_measured_before_it_is_learned() -> None:
    organization = make_organization()
    metric = make_metric(
        organization,
        sql="SELECT anonymous_id, timestamp_utc, value FROM managed_dw.rewards",
        column_mapping={
            "anonymous_id": "anonymous_id",
            "timestamp": "timestamp_utc",
            "value": "value",
            "reward_type": "numeric",
        },
    )
    optimization = make_optimization(
        organization,
        holdout_percentage=50,
        reward_metric_id=metric.pk,
        training_data_config=make_config(reward={"name": "spent", "type": "numeric"}),
    )
    traffic.simulate_visitors(
        optimization, timezone.now() - timedelta(days=3), 1000, headline_b_rate
    )
    api = factories.make_member_api(organization)

    body = read_body(api.get(f"/optimizations/{optimization.pk}/results?refresh=true"))

    assert body["primary_metric_vs_holdout"]["lift_percent"] is not None
    assert (
        body["unavailable"]["stats.estimated_progress"]
        == "no training has succeeded yet"
    )

"""Companions of the measured lift over HTTP, from what the store has counted."""

import random
from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpRequest
from django.utils import timezone

from levered_site.number_texts import format_percent
from optimizations.admin import list_cells
from optimizations.admin.result_page import companions
from optimizations.admin.result_page.verdict import Verdict
from optimizations.admin.tabs import results as results_tab
from optimizations.cube import storage
from optimizations.models import AmountCap, CubeDay, Optimization
from optimizations.results.readings import report
from tests.support import factories, traffic
from tests.support.factories import read_body, read_error
from tests.support.optimization_factories import (
    make_config,
    make_optimization,
    make_organization,
)
from tests.support.result_visitors import (
    make_member_api,
    make_visited_optimization,
    train_and_return,
)
from tests.support.unavailable_reasons import list_nulls_without_reason
from tests.support.unhealthy_worlds import make_admin_api
from tests.support.value_metrics import make_metric

# Each refresh reads through its own connection, so events must be committed.
pytestmark = pytest.mark.django_db(transaction=True)

NAMES = ("capped_revenue", "payer_rate", "typical_payment")


def read_verdict(optimization: Optimization) -> Verdict:
    """Return the verdict that the admin shows."""
    judged: Verdict = results_tab.build_context(HttpRequest(), optimization)["verdict"]
    return judged


def draw_amount(rng: random.Random, variant: traffic.Json) -> traffic.Json:
    """Draw an amount that is twice as high with headline B."""
    center = 3.7 if variant["headline"] == "B" else 3.0
    return {"value": rng.lognormvariate(center, 0.5)}


def make_shop(
    days: int = 9, purchase: Any = draw_amount, truth: Any = lambda *_: 0.3
) -> Optimization:
    organization = make_organization()
    optimization = make_optimization(
        organization,
        holdout_percentage=50,
        reward_metric_id=make_metric(organization, "numeric").pk,
        training_data_config=make_config(reward={"name": "spent", "type": "numeric"}),
    )
    for day in range(days + 2, 2, -1):
        start = timezone.now() - timedelta(days=day)
        traffic.simulate_visitors(
            optimization, start, 100, truth, seed=day, purchase=purchase
        )
    return optimization


def read_results(optimization: Optimization, *, refresh: bool = True) -> Any:
    path = f"/optimizations/{optimization.pk}/results"
    query = "?refresh=true" if refresh else ""
    return read_body(make_member_api(optimization).get(path + query))


def forget_buckets(days: Any) -> None:
    """Store the days as the version before the buckets did."""
    for row in days:
        day = storage.decode_day(row.day, row.cells)
        assert day is not None
        data = storage.encode_day(
            storage.StoredDay(day.day, day.cells, day.lags, 0, 0, "0" * 16)
        )
        CubeDay.objects.filter(pk=row.pk).update(cells=data)


def test_companions_stand_beside_the_mean_with_their_level_cap_and_claim() -> None:
    optimization = make_shop()

    body = read_results(optimization)

    measured = body["primary_metric_vs_holdout"]
    assert set(measured["companions"]) == set(NAMES)
    for name in NAMES:
        companion = measured["companions"][name]
        assert set(companion) == {"lift_percent", "lift_ci", "lift_ci_anytime", "level"}
        assert companion["level"] == pytest.approx(1 - 0.05 / 3)
        low, high = companion["lift_ci_anytime"]
        assert low < companion["lift_ci"][0] < companion["lift_percent"] < high
    assert measured["companions"]["typical_payment"]["lift_percent"] > 10
    assert measured["changed"]["p_value"] < 0.05
    assert measured["cap"] == AmountCap.objects.get().cap
    assert list_nulls_without_reason(body) == []


def test_payers_whom_the_optimized_arm_loses_need_a_confirm_though_the_mean_is_silent() -> (
    None
):
    optimization = make_shop(
        truth=lambda variant, _: 0.02 if variant["headline"] == "B" else 0.4,
        purchase=lambda rng, _variant: {"value": rng.lognormvariate(3, 2)},
    )

    body = read_results(optimization)

    measured, reasons = body["primary_metric_vs_holdout"], body["health"]["reasons"]
    assert measured["p_value_anytime"] > 0.05
    assert measured["companions"]["payer_rate"]["lift_ci_anytime"][1] < 0
    (reason,) = (told for told in reasons if told["code"] == "lift_negative")
    assert "the share of users with an amount" in reason["message"]
    api, path = make_admin_api(optimization), f"/optimizations/{optimization.pk}"
    assert reason in read_error(api.post(f"{path}/ship"))["details"]


def test_a_guardrail_whose_mean_hides_harm_says_so_also_when_it_is_detached() -> None:
    optimization = make_shop(
        truth=lambda variant, _: 0.02 if variant["headline"] == "B" else 0.4,
        purchase=lambda rng, _variant: {"value": rng.lognormvariate(3, 2)},
    )
    api, path = make_admin_api(optimization), f"/optimizations/{optimization.pk}"
    guardrail = make_metric(optimization.organization, "numeric")
    api.patch(path, {"guardrail_metric_ids": [str(guardrail.pk)]})

    reasons = read_results(optimization)["health"]["reasons"]
    judged = read_body(api.get(f"{path}/guardrails"))
    api.patch(path, {"guardrail_metric_ids": []})
    detached = read_body(api.get(f"{path}/progress"))["health"]["reasons"]

    (hidden,) = (told for told in reasons if told["code"] == "guardrail_hidden_harm")
    assert "the share of users with an amount" in hidden["message"]
    assert judged["guardrails"][0]["status"] == "ok"
    assert hidden["message"] in judged["guardrails"][0]["notes"][0]
    assert hidden in judged["health"]["reasons"]
    (past,) = (told for told in detached if told["code"] == "guardrail_violated")
    assert "until it was detached" in past["message"]
    assert hidden["message"] in past["message"]


def test_the_cap_stays_when_payments_grow() -> None:
    optimization = make_shop()
    cap = read_results(optimization)["primary_metric_vs_holdout"]["cap"]
    traffic.simulate_visitors(
        optimization,
        timezone.now() - timedelta(days=2),
        200,
        lambda *_: 0.5,
        seed=99,
        purchase=lambda *_: {"value": 1e5},
    )

    later = read_results(optimization)["primary_metric_vs_holdout"]

    assert later["cap"] == cap


def test_a_metric_that_counts_other_amounts_gets_a_cap_of_its_own() -> None:
    optimization = make_shop()
    in_euros = read_results(optimization)["primary_metric_vs_holdout"]
    api = factories.make_admin_api(optimization.organization)
    metric = optimization.reward_metric
    assert metric is not None

    sql = metric.sql.replace(" value", " value * 100 AS value", 1)
    answer = api.patch(f"/warehouse/metrics/{metric.pk}", {"sql": sql})
    in_cents = read_results(optimization)["primary_metric_vs_holdout"]

    assert "* 100" in sql
    assert answer.status_code == 200
    assert in_euros["cap"] is not None
    assert in_cents["cap"] is None


def test_before_the_first_week_the_cap_has_a_reason_and_the_others_figures() -> None:
    body = read_results(make_shop(days=4))

    measured, unavailable = body["primary_metric_vs_holdout"], body["unavailable"]
    prefix = "primary_metric_vs_holdout"
    assert measured["cap"] is None
    assert "7 days" in unavailable[f"{prefix}.cap"]
    assert measured["companions"]["capped_revenue"]["lift_percent"] is None
    reason = unavailable[f"{prefix}.companions.capped_revenue.lift_percent"]
    assert reason == unavailable[f"{prefix}.cap"]
    assert measured["companions"]["payer_rate"]["lift_percent"] is not None
    assert measured["changed"]["p_value_anytime"] is not None


def test_rates_have_no_companions_and_the_reason() -> None:
    body = read_results(make_visited_optimization())

    assert body["primary_metric_vs_holdout"]["companions"] is None
    for name in ("companions", "cap", "changed"):
        reason = body["unavailable"][f"primary_metric_vs_holdout.{name}"]
        assert "numeric" in reason


def test_days_sealed_before_there_were_buckets_are_counted_once_more() -> None:
    optimization = make_shop()
    read_results(optimization)
    fresh = CubeDay.objects.filter(sealed=True).values_list("day", "computed_at")
    forget_buckets(CubeDay.objects.filter(sealed=True))
    AmountCap.objects.all().delete()

    stale = read_results(optimization, refresh=False)
    body = read_results(optimization)
    counted = dict(fresh)
    read_results(optimization)

    reason = stale["unavailable"][
        "primary_metric_vs_holdout.companions.capped_revenue.lift_percent"
    ]
    assert "were counted before this figure existed" in reason
    measured = body["primary_metric_vs_holdout"]
    assert measured["companions"]["capped_revenue"]["lift_percent"] is not None
    assert dict(fresh) == counted  # once


def test_a_day_whose_events_are_gone_leaves_the_companion_out(settings: Any) -> None:
    optimization = make_shop()
    read_results(optimization)
    forget_buckets(CubeDay.objects.order_by("day")[:2])
    settings.RETENTION_DAYS = 8

    body = read_results(optimization)

    reason = body["unavailable"][
        "primary_metric_vs_holdout.companions.capped_revenue.lift_percent"
    ]
    assert "days were counted before this figure existed" in reason
    measured = body["primary_metric_vs_holdout"]
    assert measured["companions"]["payer_rate"]["lift_percent"] is not None


def test_a_holdout_that_loses_money_is_told_by_its_difference() -> None:
    optimization = make_shop(
        purchase=lambda rng, variant: {
            "value": rng.uniform(1, 2) if variant["headline"] == "B" else -3.0
        }
    )

    body = read_results(optimization)

    measured = body["primary_metric_vs_holdout"]
    assert measured["lift_percent"] is None
    assert measured["difference"] > 0
    assert measured["p_value_anytime"] < 0.05
    low, _high = measured["difference_ci_anytime"]
    assert low > 0
    reason = body["unavailable"]["primary_metric_vs_holdout.lift_percent"]
    assert reason.startswith("the holdout mean is below zero")


def test_every_answer_with_a_lift_has_the_difference_where_no_percentage_can_be() -> (
    None
):
    optimization = train_and_return(
        make_shop(days=12, purchase=lambda *_: {"value": -3.0})
    )
    api, path = make_member_api(optimization), f"/optimizations/{optimization.pk}"

    results = read_results(optimization)
    (row,) = read_body(api.get("/optimizations"))["optimizations"]
    (day,) = read_body(api.get(f"{path}/lift-history"))["daily"]

    measured = results["primary_metric_vs_holdout"]
    assert measured["lift_percent"] is row["summary"]["lift"] is None
    assert day["measured_lift_percent"] is None
    for name in ("difference", "difference_ci", "difference_ci_anytime"):
        assert measured[name] is not None
        assert row["summary"][name] == measured[name]
        assert day[f"measured_{name}"] == measured[name]
    with_users = [row for row in results["contexts"] if row["difference"] is not None]
    assert all(row["lift_percent"] is None for row in with_users)
    assert any(row["difference_ci_anytime"] is not None for row in with_users)
    for place, context in enumerate(results["contexts"]):
        for name in ("difference", "difference_ci", "difference_ci_anytime"):
            is_given = f"contexts[{place}].{name}" in results["unavailable"]
            assert (context[name] is None) == is_given


def test_a_few_whales_in_the_holdout_make_a_difference_and_nowhere_a_percentage() -> (
    None
):
    whales = iter(range(9))

    def draw_whale(_rng: random.Random, variant: traffic.Json) -> traffic.Json:
        is_whale = variant["headline"] == "A" and next(whales, None) is not None
        return {"value": 100.0 if is_whale else 0.01}

    optimization = train_and_return(make_shop(purchase=draw_whale))
    api, path = make_member_api(optimization), f"/optimizations/{optimization.pk}"

    results = read_results(optimization)
    (row,) = read_body(api.get("/optimizations"))["optimizations"]
    (day,) = read_body(api.get(f"{path}/lift-history"))["daily"]
    judged = read_verdict(optimization)

    measured, summary = results["primary_metric_vs_holdout"], row["summary"]
    reason = results["unavailable"]["primary_metric_vs_holdout.lift_percent"]
    assert reason.startswith("the holdout mean is not clearly above zero")
    for name in ("lift_percent", "lift_ci", "lift_ci_anytime"):
        assert measured[name] is day[f"measured_{name}"] is None
    for name in ("lift", "lift_ci_anytime"):
        assert summary[name] is None
        assert summary["unavailable"][name] == reason
    assert summary["difference"] == measured["difference"] is not None
    assert summary["difference_ci_anytime"] == measured["difference_ci_anytime"]
    assert reason in judged.sentences[0]


def test_lists_have_the_lift_with_its_interval() -> None:
    optimization = make_shop()
    measured = read_results(optimization)["primary_metric_vs_holdout"]

    (row,) = read_body(make_member_api(optimization).get("/optimizations"))[
        "optimizations"
    ]

    low, high = row["summary"]["lift_ci_anytime"]
    assert [low, high] == measured["lift_ci_anytime"]
    assert low < row["summary"]["lift"] < high
    assert row["summary"]["unavailable"] == {}
    stored = Optimization.objects.select_related("results_summary", "reward_metric")
    listed = list_cells.load_listed([stored.get(pk=optimization.pk)])[optimization.pk]
    cell = list_cells.render_lift(listed, is_less_better=False)
    ends = (format_percent(end, signed=True) for end in (low, high))
    assert " to ".join(ends) in cell


def test_the_admin_shows_the_companions_in_one_table() -> None:
    optimization = make_shop()
    read_results(optimization)

    shown = companions.build_companions(report.build_results(optimization))

    assert shown is not None
    assert "Share of users who paid" in shown.chart
    assert "98.3% at every look" in shown.chart
    assert "Has revenue changed" in shown.sentence


def test_the_admin_shows_a_difference_where_the_holdout_loses_money() -> None:
    optimization = make_shop(days=4, purchase=lambda *_: {"value": -3.0})
    read_results(optimization)

    judged = read_verdict(optimization)

    (first, *_) = judged.sentences
    assert "per visitor" in first
    assert "95% sure, at every look" in first

"""Health beside every lift: what is wrong with the figures stands wherever they do."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from levered_site.organizations.actors import SYSTEM_ACTOR
from metrics.models import Metric
from models_app import runs
from models_app.models import TrainingRun
from optimizations.configuration import create_update, lifecycle
from optimizations.models import Optimization, PublishedDay, ResultsSummary
from optimizations.results.health import health_storage, missing_counts
from optimizations.training.run import run_training
from tests.support import staff_world, traffic
from tests.support.admin_actions import OPTIMIZATION_LIST
from tests.support.factories import read_body
from tests.support.optimization_factories import (
    make_metric,
    make_optimization,
    make_organization,
)
from tests.support.result_visitors import (
    make_member_api,
    make_visited_optimization,
    train_and_return,
)
from tests.support.unhealthy_worlds import (
    break_metric,
    call_tool,
    make_broken_split,
    make_lost_holdout_rewards,
    make_violated_guardrail,
)

pytestmark = pytest.mark.django_db(transaction=True)
ENDPOINTS = (
    *("results", "progress", "guardrails", "lift-history", "lift-curve"),
    *("holdout-daily", "outcome-mix"),
)
MCP_VIEWS = (
    *("summary", "variants", "contexts", "regimes", "progress", "guardrails"),
    *("lift_curve", "lift_history", "holdout_daily", "outcome_mix"),
)


def read_healths(optimization: Optimization) -> dict[str, Any]:
    """Return the health by every place of the API and of MCP that shows a lift."""
    api, path = make_member_api(optimization), f"/optimizations/{optimization.pk}"
    bodies = {name: read_body(api.get(f"{path}/{name}")) for name in ENDPOINTS}
    report = read_body(api.get(f"{path}/report-data"))
    (row,) = read_body(api.get("/optimizations"))["optimizations"]
    (item,) = call_tool(api, "overview")["items"]
    healths = {name: body["health"] for name, body in bodies.items()}
    healths |= {"list": row["summary"]["health"], "mcp": item["summary"]["health"]}
    healths |= {"published": bodies["lift-history"]["daily"][-1]["health"]}
    healths |= {"report-data": report["health"]}
    healths |= {"results in report-data": report["results"]["health"]}
    healths |= {"mix in report-data": report["outcome_mix"]["health"]}
    state = read_body(api.get(f"/models/{optimization.model_id}/state"))
    healths |= {"state": state["health"]}
    for view in MCP_VIEWS:
        answer = call_tool(
            api, "get_results", optimization_id=str(optimization.pk), view=view
        )
        healths[f"mcp {view}"] = answer["figures"]["health"]
    return healths


def read_admin_pages(client: Client, optimization: Optimization) -> tuple[str, str]:
    """Return the admin's list and the optimization's page."""
    client.force_login(staff_world.make_superuser())
    page = reverse("admin:optimizations_optimization_change", args=[optimization.pk])
    answers = client.get(reverse(OPTIMIZATION_LIST)), client.get(page)
    return answers[0].content.decode(), answers[1].content.decode()


def test_a_lost_half_of_the_holdout_is_broken_wherever_a_lift_stands(
    client: Client,
) -> None:
    optimization = make_broken_split()

    healths = read_healths(optimization)
    in_list, on_page = read_admin_pages(client, optimization)

    first = healths["results"]
    assert first["status"] == "broken"
    (reason,) = [r for r in first["reasons"] if r["code"] == "sample_ratio"]
    assert "where 50% are expected" in reason["message"]
    assert reason["next"]
    assert first["as_of"] is not None
    assert {name: health for name, health in healths.items() if health != first} == {}
    assert "broken" in in_list
    assert on_page.index("the split is broken") < on_page.index("Lift over time")
    assert "users of one arm are lost" in on_page


def test_a_violated_guardrail_is_named_wherever_a_lift_stands(client: Client) -> None:
    optimization, _ = make_violated_guardrail()

    healths = read_healths(optimization)
    in_list, on_page = read_admin_pages(client, optimization)

    (reason,) = healths["results"]["reasons"]
    assert healths["results"]["status"] == "warning"
    assert reason["code"] == "guardrail_violated"
    assert "“Refunds” is violated: 50" in reason["message"]
    assert {str(health) for health in healths.values()} == {str(healths["results"])}
    assert "warning" in in_list
    assert "“Refunds” is violated" in on_page


def test_a_holdout_whose_rewards_get_lost_is_a_warning_and_withholds_the_model() -> (
    None
):
    optimization = make_lost_holdout_rewards()
    path = f"/optimizations/{optimization.pk}/results"

    body = read_body(make_member_api(optimization).get(path))

    assert body["primary_metric_vs_holdout"]["holdout_rate"] == 0
    assert body["checks"]["baseline_sanity"]["ok"] is False
    assert body["stats"]["estimated_improvement_percent"] is None
    (reason,) = body["health"]["reasons"]
    assert reason["code"] == "baseline_sanity"
    assert "the recent holdout has 0" in reason["message"]


def test_sound_figures_are_healthy_wherever_a_lift_stands(client: Client) -> None:
    optimization = train_and_return(make_visited_optimization())

    healths = read_healths(optimization)
    in_list, on_page = read_admin_pages(client, optimization)

    assert {health["status"] for health in healths.values()} == {"ok"}
    assert {str(health["reasons"]) for health in healths.values()} == {"[]"}
    assert "opt-state-bad" not in on_page
    assert "opt-state-watch" not in on_page
    assert ">ok<" in "".join(in_list.split())


def test_a_refresh_brings_the_health_to_the_list_at_once() -> None:
    optimization = train_and_return(make_visited_optimization())
    api = make_member_api(optimization)
    exposures = [
        traffic.build_exposure(
            optimization,
            f"late-{number}",
            timestamp=(timezone.now() - timedelta(days=2)).isoformat(),
            variant={"headline": "B", "cta": True},
        )
        for number in range(400)
    ]
    traffic.send_exposures(optimization, exposures)  # held-out users, too, see B

    before = read_body(api.get("/optimizations"))["optimizations"][0]["summary"]
    path = f"/optimizations/{optimization.pk}/results?refresh=true"
    results = read_body(api.get(path))
    after = read_body(api.get("/optimizations"))["optimizations"][0]["summary"]

    assert before["health"]["status"] == "ok"
    assert results["health"]["status"] == "broken"
    assert [r["code"] for r in results["health"]["reasons"]] == ["arm_mismatch"]
    assert after["health"] == results["health"]
    assert after["as_of"] == results["as_of"] >= before["as_of"]
    assert after["lift"] == results["primary_metric_vs_holdout"]["lift_percent"]


def test_a_violation_of_a_detached_guardrail_stands_wherever_a_lift_does() -> None:
    optimization, _ = make_violated_guardrail()
    create_update.update_configuration(
        optimization, {"guardrail_metric_ids": []}, SYSTEM_ACTOR
    )

    healths = read_healths_of_now(optimization)

    assert {str(health) for health in healths} == {str(healths[0])}
    (reason,) = healths[0]["reasons"]
    assert "was violated until it was detached on" in reason["message"]


def read_healths_of_now(optimization: Optimization) -> list[Any]:
    """Return the health by every place but the days published before."""
    healths = read_healths(optimization)
    return [health for name, health in healths.items() if name != "published"]


def test_a_guardrail_that_cannot_be_counted_says_so_and_keeps_its_figures() -> None:
    organization = make_organization()
    refunds = make_metric(organization, name="Refunds", direction="decrease")
    optimization = train_and_return(
        make_visited_optimization(organization, guardrail_metric_ids=[refunds.pk])
    )
    hour_ago = timezone.now() - timedelta(hours=1)
    optimization.cube_days.filter(metric=refunds).update(computed_at=hour_ago)
    api, path = make_member_api(optimization), f"/optimizations/{optimization.pk}"
    (old,) = read_body(api.get(f"{path}/guardrails"))["guardrails"]
    break_metric(optimization, refunds)

    run = runs.request_training(optimization.model, requested_by="test")
    run_training(run.pk)
    run.refresh_from_db()
    (row,) = read_body(api.get(f"{path}/guardrails?refresh=true"))["guardrails"]
    report = read_body(api.get(f"{path}/report-data?refresh=true"))

    assert run.status == TrainingRun.Status.SUCCEEDED
    assert row["status"] == "unknown"
    assert "numeric" in row["message"]
    assert row["as_of"] == old["as_of"] < report["results"]["as_of"]
    assert row["holdout_rate"] == old["holdout_rate"]
    assert "error" not in report["results"]
    for health in read_healths_of_now(optimization):
        assert health["status"] == "warning"
        (reason,) = health["reasons"]
        assert reason["code"] == "not_counted"
        assert "“Refunds” could not be counted" in reason["message"]
        assert row["message"] in reason["message"]


def test_a_reward_that_cannot_be_counted_is_in_the_list_before_any_training() -> None:
    optimization = make_visited_optimization()
    assert optimization.reward_metric is not None
    break_metric(optimization, optimization.reward_metric)
    api = make_member_api(optimization)

    failed = api.get(f"/optimizations/{optimization.pk}/results?refresh=true")
    summary = read_body(api.get("/optimizations"))["optimizations"][0]["summary"]

    assert failed.status_code == 200
    assert [r["code"] for r in summary["health"]["reasons"]] == ["not_counted"]
    assert summary["lift"] is None


def test_a_metric_that_counts_again_is_healthy_again() -> None:
    optimization = train_and_return(make_visited_optimization())
    metric = optimization.reward_metric
    assert metric is not None
    sound = {"sql": metric.sql}
    break_metric(optimization, metric)
    api, path = make_member_api(optimization), f"/optimizations/{optimization.pk}"
    failed = api.get(f"{path}/results?refresh=true")
    broken = read_body(api.get(f"{path}/results"))["health"]

    Metric.objects.filter(pk=metric.pk).update(**sound)
    healed = read_body(api.get(f"{path}/results?refresh=true"))["health"]

    assert failed.status_code == 200
    assert [r["code"] for r in broken["reasons"]] == ["not_counted"]
    assert healed["status"] == "ok"


def test_old_counts_are_a_fault_of_a_live_optimization_only() -> None:
    optimization = train_and_return(make_visited_optimization())
    long_ago = timezone.now() - timedelta(hours=30)
    optimization.cube_days.update(computed_at=long_ago)
    ResultsSummary.objects.update(as_of=long_ago)

    old = read_healths_of_now(optimization)
    lifecycle.pause_optimization(optimization, SYSTEM_ACTOR)
    paused = read_healths_of_now(optimization)

    assert {h["status"] for h in old} == {"warning"}
    assert {h["reasons"][0]["code"] for h in old} == {"age"}
    assert (
        "the last count was 30 hours ago; at most 24 are normal"
        in old[0]["reasons"][0]["message"]
    )
    assert {h["status"] for h in paused} == {"ok"}


def test_a_new_optimization_has_nothing_counted_and_no_summary() -> None:
    optimization = make_visited_optimization()
    api, path = make_member_api(optimization), f"/optimizations/{optimization.pk}"

    body = read_body(api.get(f"{path}/results"))
    (row,) = read_body(api.get("/optimizations"))["optimizations"]

    assert body["health"]["status"] == "warning"
    assert [r["code"] for r in body["health"]["reasons"]] == ["not_counted"]
    assert row["summary"] is None


def test_summaries_of_an_earlier_version_are_judged_by_the_clock() -> None:
    optimization = make_broken_split()
    ResultsSummary.objects.update(judged_at=None, check_reasons=[], lift=1.0)

    judged = health_storage.judge_copied_summaries()

    assert judged == 1
    assert health_storage.judge_copied_summaries() == 0
    assert read_healths(optimization)["list"]["status"] == "broken"


def test_a_published_day_keeps_the_health_it_had() -> None:
    optimization, _ = make_violated_guardrail()
    today = PublishedDay.objects.get(optimization=optimization)
    today.day -= timedelta(days=1)
    today.pk = None
    today.save()
    PublishedDay.objects.filter(pk=today.pk).update(figures={"winner": 1})
    api, path = make_member_api(optimization), f"/optimizations/{optimization.pk}"

    old, new = read_body(api.get(f"{path}/lift-history"))["daily"]

    assert old["health"] is None
    assert old["unavailable"]["health"]
    assert new["health"]["reasons"][0]["code"] == "guardrail_violated"


def test_many_mature_users_without_any_reward_are_warned_of() -> None:
    optimization = make_optimization(make_organization())
    start = timezone.now() - timedelta(days=4)
    traffic.simulate_visitors(optimization, start, 400, lambda *_: 0.0)

    path = f"/optimizations/{optimization.pk}/results?refresh=true"
    body = read_body(make_member_api(optimization).get(path))

    assert body["health"]["status"] == "warning"
    (reason,) = body["health"]["reasons"]
    assert reason["code"] == "no_rewards"
    assert reason["message"] == (
        "None of 400 mature users has a reward: is the event's name right?"
    )


@pytest.mark.parametrize(("mature", "rewarded"), [(199, 0), (5000, 1)])
def test_few_users_or_one_reward_are_no_missing_rewards(
    mature: int, rewarded: int
) -> None:
    assert missing_counts.describe_missing_rewards(mature, rewarded) == []

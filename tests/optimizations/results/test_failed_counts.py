"""A metric that cannot be counted keeps its old figures, and spoils no other."""

from datetime import datetime, timedelta
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from prometheus_client import REGISTRY

from metrics.models import Metric
from models_app import runs
from models_app.models import TrainingRun
from optimizations import tasks
from optimizations.models import CountFailure, Optimization
from optimizations.training.run import run_training
from tests.support import staff_world
from tests.support.factories import read_body
from tests.support.optimization_factories import make_metric, make_organization
from tests.support.result_visitors import (
    make_member_api,
    make_visited_optimization,
    train_and_return,
)
from tests.support.unhealthy_worlds import break_metric

pytestmark = pytest.mark.django_db(transaction=True)

REFRESHED = ("results", "progress", "guardrails", "holdout-daily", "outcome-mix")


def make_guarded_optimization() -> tuple[Optimization, Metric, Metric]:
    """Return an optimization with visitors, its reward and its guardrail."""
    organization = make_organization()
    guardrail = make_metric(organization, name="Refunds", direction="decrease")
    optimization = make_visited_optimization(
        organization, guardrail_metric_ids=[guardrail.pk]
    )
    assert optimization.reward_metric is not None
    return optimization, optimization.reward_metric, guardrail


def read(optimization: Optimization, name: str) -> dict[str, Any]:
    """Return an answer about the optimization."""
    path = f"/optimizations/{optimization.pk}/{name}"
    body: dict[str, Any] = read_body(make_member_api(optimization).get(path))
    return body


def age_counts(optimization: Optimization) -> datetime:
    """Date all counts an hour back; return when that is."""
    hour_ago = timezone.now() - timedelta(hours=1)
    optimization.cube_days.update(computed_at=hour_ago)
    return hour_ago.replace(microsecond=0)


@pytest.mark.parametrize("asked", [*REFRESHED, "report-data"])
def test_a_reward_that_fails_leaves_the_guardrails_counted_and_its_figures_old(
    asked: str,
) -> None:
    optimization, reward, _ = make_guarded_optimization()
    fresh = read(optimization, "results?refresh=true")
    hour_ago = age_counts(optimization)
    break_metric(optimization, reward)

    read(optimization, f"{asked}?refresh=true")  # a 200

    results, (row,) = read(optimization, "results"), read_guardrails(optimization)
    assert datetime.fromisoformat(results["as_of"]) == hour_ago
    assert datetime.fromisoformat(row["as_of"]) > hour_ago
    assert row["status"] != "unknown"
    assert row.get("message") is None
    assert results["variants"] == fresh["variants"]
    lift = "primary_metric_vs_holdout"
    assert results[lift]["holdout_rate"] == fresh[lift]["holdout_rate"]
    failure = CountFailure.objects.get()
    (note,) = results["notes"]
    assert note.startswith("These figures are old: the metric was last counted at ")
    assert f"Counting failed at {failure.failed_at:%Y-%m-%d %H:%M} UTC: " in note
    assert failure.message in note
    assert "numeric" in failure.message
    (reason,) = results["health"]["reasons"]
    assert reason["code"] == "not_counted"
    assert "so its figures are older" in reason["message"]
    assert reason["message"].endswith(f"{failure.message}.")
    for name in ("progress", "outcome-mix", "lift-history", "observations"):
        assert read(optimization, name)["notes"] == [note]


def read_guardrails(optimization: Optimization) -> list[dict[str, Any]]:
    """Return the guardrails as they were counted last."""
    rows: list[dict[str, Any]] = read(optimization, "guardrails")["guardrails"]
    return rows


def test_a_reward_that_was_never_counted_is_withheld_with_the_reason() -> None:
    optimization, reward, guardrail = make_guarded_optimization()
    break_metric(optimization, reward)

    results = read(optimization, "results?refresh=true")

    message = CountFailure.objects.get().message
    reason = f"the metric was never counted: {message}"
    assert results["as_of"] is None
    (of_health,) = results["health"]["reasons"]
    assert "so it has no figures" in of_health["message"]
    assert "figures are older" not in of_health["message"]
    unavailable = results["unavailable"]
    for name in (
        "as_of",
        "variants.rate",
        "primary_metric_vs_holdout.lift_percent",
        "primary_metric_vs_holdout.p_value_anytime",
        "primary_metric_vs_holdout.regimes[0].holdout_rate",
    ):
        assert unavailable[name] == reason
    assert results["notes"][0].startswith("There are no figures: ")
    assert [row["as_of"] is None for row in read_guardrails(optimization)] == [False]
    daily = {row["key"]: row for row in read(optimization, "holdout-daily")["metrics"]}
    assert daily["reward"]["stratified"]["unavailable"]["lift_ci"] == reason
    assert daily[str(guardrail.pk)]["as_of"] is not None


def test_a_guardrail_that_was_never_counted_says_so_and_why() -> None:
    optimization, _, guardrail = make_guarded_optimization()
    (unasked,) = read_guardrails(optimization)
    break_metric(optimization, guardrail)

    read(optimization, "results?refresh=true")

    (row,) = read_guardrails(optimization)
    not_asked = (
        "the warehouse has not been asked yet; “Count now” asks it, ?refresh=true in the "
        "API"
    )
    assert (unasked["status"], row["status"]) == ("pending", "unknown")
    for found, why in ((unasked, not_asked), (row, row["message"])):
        assert set(found["unavailable"].values()) == {
            f"the metric was never counted: {why}"
        }
    assert row["message"]


def test_failures_in_a_row_keep_the_time_of_the_first() -> None:
    optimization, reward, _ = make_guarded_optimization()
    break_metric(optimization, reward)
    read(optimization, "results?refresh=true")
    since = timezone.now() - timedelta(hours=3)
    CountFailure.objects.update(failing_since=since)

    again = read(optimization, "results?refresh=true")

    failure = CountFailure.objects.get()
    assert failure.failing_since == since < failure.failed_at
    text = f", as at every attempt since {since:%Y-%m-%d %H:%M} UTC: "
    assert text in again["notes"][0]


def test_failures_of_an_earlier_version_began_with_their_last_attempt() -> None:
    optimization, reward, _ = make_guarded_optimization()
    break_metric(optimization, reward)
    read(optimization, "results?refresh=true")
    CountFailure.objects.update(failing_since=None)
    unfilled = read(optimization, "results")["notes"]
    migration = import_module("optimizations.migrations.0019_failing_since")

    migration.fill(apps, None)

    failure = CountFailure.objects.get()
    assert failure.failing_since == failure.failed_at
    assert read(optimization, "results")["notes"] == unfilled


def train(optimization: Optimization) -> TrainingRun:
    """Run a training, which may fail, and return its run."""
    run = runs.request_training(optimization.model, requested_by="test")
    run_training(run.pk)
    run.refresh_from_db()
    return run


def test_a_training_whose_guardrail_fails_notes_it_for_all_to_see(
    client: Client,
) -> None:
    optimization, _, guardrail = make_guarded_optimization()
    sound = train(optimization)
    break_metric(optimization, guardrail)

    run = train(optimization)

    path = f"/models/{optimization.model_id}/training-runs"
    api = make_member_api(optimization)
    shown, first = read_body(api.get(path))["training_runs"]
    (note,) = run.notes
    assert (run.status, sound.notes) == (TrainingRun.Status.SUCCEEDED, [])
    assert note.startswith("“Refunds” could not be counted: ")
    assert "numeric" in note
    assert (shown["notes"], shown["error"], first["notes"]) == ([note], None, [])
    client.force_login(staff_world.make_superuser())
    page = reverse("admin:models_app_trainingrun_change", args=[run.pk])
    assert "“Refunds” could not be counted: " in client.get(page).content.decode()
    in_list = client.get(reverse("admin:models_app_trainingrun_changelist"))
    assert "“Refunds” could not be counted" in in_list.content.decode()


def test_a_training_whose_reward_fails_counts_the_guardrails_all_the_same() -> None:
    optimization, reward, _ = make_guarded_optimization()
    train_and_return(optimization)
    hour_ago = age_counts(optimization)
    break_metric(optimization, reward)

    run = train(optimization)

    (row,) = read_guardrails(optimization)
    assert run.status == TrainingRun.Status.FAILED
    assert run.error.startswith(f"“{reward.name}” could not be counted: ")
    assert "numeric" in run.error
    assert datetime.fromisoformat(row["as_of"]) > hour_ago


def test_a_failed_training_names_every_metric_that_failed() -> None:
    optimization, reward, guardrail = make_guarded_optimization()
    break_metric(optimization, reward)
    guardrail.sql = reward.sql
    guardrail.save()

    run = train(optimization)

    assert f"“{reward.name}” could not be counted: " in run.error
    assert "; “Refunds” could not be counted: " in run.error


def test_metrics_count_failures_and_what_is_not_counted_now() -> None:
    optimization, reward, guardrail = make_guarded_optimization()
    break_metric(optimization, reward)
    before = read_failed_counts()

    read(optimization, "results?refresh=true")
    train(optimization)
    tasks.retrain_due()
    failing = read_uncounted()
    Metric.objects.filter(pk=reward.pk).update(sql=guardrail.sql)
    read(optimization, "results?refresh=true")
    tasks.retrain_due()

    after = read_failed_counts()
    assert {name: after[name] - before[name] for name in after} == {
        "reward": 2,
        "guardrail": 0,
    }
    assert failing == {"reward": 1, "guardrail": 0}
    assert read_uncounted() == {"reward": 0, "guardrail": 0}


def read_failed_counts() -> dict[str, float]:
    """Return how many counts the warehouse refused so far, by metric."""
    return {
        metric: REGISTRY.get_sample_value(
            "levered_failed_counts_total",
            {"metric": metric, "reason": "warehouse_error"},
        )
        or 0
        for metric in ("reward", "guardrail")
    }


def read_uncounted() -> dict[str, float | None]:
    """Return how many metrics are not counted now."""
    return {
        metric: REGISTRY.get_sample_value(
            "levered_uncounted_metrics", {"metric": metric}
        )
        for metric in ("reward", "guardrail")
    }

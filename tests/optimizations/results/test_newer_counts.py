"""What was counted last is what stands, whoever ends last: a training or a refresh."""

from datetime import timedelta

import pytest
from django.utils import timezone

from models_app import runs, training_lease
from models_app.models import TrainingRun
from models_app.training_lease import TrainingLease
from optimizations.models import Optimization, PublishedDay, ResultsSummary
from optimizations.results import stored
from optimizations.results.health import health_evidence, health_storage
from optimizations.training import metric_counts, publish
from optimizations.training.fit import (
    PolicyTrainer,
    TrainingData,
    build_training_settings,
)
from optimizations.training.publish import TrainingResult
from tests.support import traffic
from tests.support.factories import read_body
from tests.support.learning import headline_b_rate
from tests.support.result_visitors import (
    make_member_api,
    make_visited_optimization,
    train_and_return,
)
from tests.support.unhealthy_worlds import (
    lose_half_of_holdout,
    lose_rewards_of_holdout,
)

pytestmark = pytest.mark.django_db(transaction=True)

Begun = tuple[TrainingLease, TrainingResult]
STATED = ("results", "progress", "holdout-daily", "outcome-mix", "report-data")


def begin_training(optimization: Optimization) -> Begun:
    """Do everything of a training but publish its result."""
    run = runs.request_training(optimization.model, requested_by="test")
    lease = training_lease.acquire_lease(run.pk)
    assert lease is not None
    as_of = timezone.now()
    metric = stored.require_reward_metric(optimization)
    cubes = metric_counts.count_metrics(optimization, metric, as_of, lambda: None)
    cube, enabled = cubes.load_cube(metric), optimization.servable()
    data = TrainingData(optimization, metric, cube, as_of, enabled)
    trainer = PolicyTrainer(data, build_training_settings(optimization, lease.bias))
    fitted_reward = trainer.fit()
    compiled_policy = trainer.compile_policy(fitted_reward)
    figures = trainer.build_report(fitted_reward, compiled_policy)
    evidence = health_evidence.collect_evidence(optimization, cubes)
    policy = trainer.widen_policy(compiled_policy)
    return lease, TrainingResult(policy, figures, enabled, evidence, as_of)


def end_training(optimization: Optimization, begun: Begun) -> None:
    """Publish the result of a training."""
    publish.publish_training_result(begun[0], optimization, begun[1], {})
    assert TrainingRun.objects.latest("created_at").status == "succeeded"


def test_a_training_that_ends_after_a_refresh_keeps_the_newer_counts() -> None:
    optimization = make_visited_optimization()
    begun = begin_training(optimization)
    start = timezone.now() - timedelta(days=1)
    traffic.simulate_visitors(optimization, start, 200, headline_b_rate, seed=1)
    lose_half_of_holdout(optimization)
    health_storage.refresh_results(optimization)
    refreshed = ResultsSummary.objects.get()
    assert refreshed.check_reasons[0]["code"] == "sample_ratio"

    end_training(optimization, begun)

    summary = ResultsSummary.objects.get()
    assert (summary.as_of, summary.exposures) == (refreshed.as_of, refreshed.exposures)
    assert summary.check_reasons[0] == refreshed.check_reasons[0]
    published = PublishedDay.objects.get().figures
    assert refreshed.as_of is not None
    assert published["as_of"] == refreshed.as_of.isoformat()
    assert published["health"]["status"] == "broken"
    api, path = make_member_api(optimization), f"/optimizations/{optimization.pk}"
    for name in STATED:
        body = read_body(api.get(f"{path}/{name}"))
        assert body["health"]["as_of"] == body["as_of"], name
        assert body["health"]["status"] == "broken", name


def test_a_refresh_that_ends_after_a_training_judges_the_new_report() -> None:
    optimization = train_and_return(make_visited_optimization(holdout_percentage=25))
    lose_rewards_of_holdout(optimization)
    begun = begin_training(optimization)
    evidence = health_evidence.collect_evidence(optimization)
    end_training(optimization, begun)
    by_training = ResultsSummary.objects.get()

    health_storage.store_summary(optimization, evidence)

    assert ResultsSummary.objects.get().check_reasons == by_training.check_reasons


def test_evidence_that_nobody_superseded_is_stored_as_it_is() -> None:
    optimization = make_visited_optimization()
    _, result = begin_training(optimization)

    kept = health_storage.store_summary(optimization, result.evidence)

    assert kept.cube is result.evidence.cube
    assert ResultsSummary.objects.get().judged_at == kept.current_at


def test_the_counts_of_a_clock_that_is_ahead_are_not_overwritten() -> None:
    optimization = make_visited_optimization()
    health_storage.refresh_results(optimization)
    old = health_evidence.collect_evidence(optimization)
    health_storage.refresh_results(optimization)
    long_ago = timezone.now() - timedelta(hours=1)
    ResultsSummary.objects.update(judged_at=long_ago)
    as_of = ResultsSummary.objects.get().as_of

    health_storage.store_summary(optimization, old)

    assert ResultsSummary.objects.get().as_of == as_of

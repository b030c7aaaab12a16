"""Old policy versions: what nothing reads any more goes, what something reads stays."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from levered_site.errors import NotFoundError
from models_app import versions
from models_app.models import PolicyVersion, TrainingRun
from optimizations import tasks
from optimizations.models import CubeDay, Decision, Optimization
from optimizations.off_policy import evaluate
from optimizations.off_policy.eligible_cells import EvaluationRequest
from optimizations.serving import explanation
from optimizations.training import version_retention
from tests.support import optimization_factories, traffic
from tests.support.learning import headline_b_rate
from tests.support.serve_requests import serve_user
from tests.support.training_workers import request_run, run_here

pytestmark = pytest.mark.django_db(transaction=True)

NOW = timezone.now()


@pytest.fixture
def optimization() -> Optimization:
    """Return a live optimization that was trained three times."""
    optimization = optimization_factories.make_optimization(
        optimization_factories.make_organization(), holdout_percentage=0
    )
    at = timezone.now() - timedelta(days=3)
    traffic.simulate_visitors(optimization, at, 100, headline_b_rate)
    for _ in range(3):
        run_here(request_run(optimization))
    optimization.model.refresh_from_db()
    return optimization


def age_versions(optimization: Optimization, days: float) -> None:
    """Let all versions have been made so many days ago, a second apart."""
    for version in optimization.model.policy_versions.all():
        made_at = NOW - timedelta(days=days) + timedelta(seconds=version.number)
        PolicyVersion.objects.filter(pk=version.pk).update(created_at=made_at)


def list_numbers(optimization: Optimization) -> list[int]:
    """Return the numbers of the versions that there are."""
    numbers = optimization.model.policy_versions.values_list("number", flat=True)
    return sorted(numbers)


def test_nothing_is_dropped_of_versions_that_were_replaced_lately(
    optimization: Optimization,
) -> None:
    age_versions(optimization, settings.POLICY_FIGURE_DAYS - 1)

    pruned = version_retention.prune_versions(NOW)

    assert (pruned.thinned, pruned.deleted) == (0, 0)
    assert list_numbers(optimization) == [0, 1, 2, 3]


def test_replaced_versions_lose_their_figures_and_keep_their_tables(
    optimization: Optimization,
) -> None:
    model = optimization.model
    tables = [version.probabilities for version in model.policy_versions.all()]
    age_versions(optimization, settings.POLICY_FIGURE_DAYS + 1)

    pruned = version_retention.prune_versions(NOW)

    assert (pruned.thinned, pruned.deleted) == (2, 0)
    assert [version.probabilities for version in model.policy_versions.all()] == tables
    old = model.policy_versions.get(number=1)
    serving = versions.get_serving_version(model)
    assert old.prob_best is None
    assert set(old.report or {}) == {"variants"}
    assert serving.prob_best is not None
    assert set(serving.report or {}) > {"variants"}
    assert version_retention.prune_versions(NOW).thinned == 0


def test_versions_past_the_receipts_go_unless_counts_name_them(
    optimization: Optimization,
) -> None:
    traffic.simulate_visitors(
        optimization, NOW - timedelta(days=1), 20, headline_b_rate
    )
    run_here(request_run(optimization))
    optimization.model.refresh_from_db()
    age_versions(optimization, settings.RETENTION_DAYS + 3)

    pruned = version_retention.prune_versions(NOW)

    # 0 is the start, 3 is in the counts, 4 serves.
    assert list_numbers(optimization) == [0, 3, 4]
    assert pruned.deleted == 2
    evaluation = evaluate.build_evaluation(
        optimization, EvaluationRequest("version", value=3)
    )
    assert evaluation.users.used > 0


def test_versions_within_the_retention_of_receipts_stay(
    optimization: Optimization,
) -> None:
    CubeDay.objects.all().delete()
    age_versions(optimization, settings.RETENTION_DAYS + 1)

    assert version_retention.prune_versions(NOW).deleted == 0


def test_the_last_training_stays_whole_when_variants_change_after_it(
    optimization: Optimization,
) -> None:
    model = optimization.model
    with transaction.atomic():
        versions.publish_enabled(model, [1, 2])
    age_versions(optimization, settings.RETENTION_DAYS + 3)
    CubeDay.objects.all().delete()

    version_retention.prune_versions(NOW)

    trained = versions.find_trained_version(model)
    assert trained is not None
    assert (trained.number, model.policy_version) == (3, 4)
    assert trained.prob_best is not None
    assert list_numbers(optimization) == [0, 3, 4]


def test_a_receipt_whose_version_is_gone_is_explained_as_past_its_retention(
    optimization: Optimization,
) -> None:
    serve_user(optimization, "ann")
    receipt = Decision.objects.get(anonymous_id="ann")
    receipt_version = optimization.model.policy_versions.filter(
        number=receipt.policy_version
    )
    receipt_version.delete()

    with pytest.raises(NotFoundError, match="past its retention"):
        explanation.explain_assignment(optimization, "ann")


def test_old_runs_without_a_version_go(optimization: Optimization) -> None:
    old = NOW - timedelta(days=settings.RETENTION_DAYS + 3)
    failed = request_run(optimization)
    TrainingRun.objects.update(finished_at=old, status=TrainingRun.Status.FAILED)

    pruned = version_retention.prune_versions(NOW)

    assert pruned.deleted_runs == 1
    assert not TrainingRun.objects.filter(pk=failed.pk).exists()
    assert TrainingRun.objects.count() == 3


def test_the_clock_prunes(optimization: Optimization) -> None:
    age_versions(optimization, settings.POLICY_FIGURE_DAYS + 1)

    tasks.prune_versions()

    assert optimization.model.policy_versions.filter(prob_best=None).count() == 2

"""The learning loop end to end: from events to a serving policy."""

from datetime import timedelta

import pytest
from django.utils import timezone

from models_app import versions
from models_app.models import BanditModel, TrainingRun
from optimizations.results.readings import report
from tests.support import optimization_factories, traffic
from tests.support.learning import train_model

pytestmark = pytest.mark.django_db(transaction=True)


def truth(variant: traffic.Json, context: traffic.Json) -> float:
    """Return a rate at which headline B is much better on mobile, a bit on desktop."""
    better = 0.15 if context["device"] == "mobile" else 0.03
    return 0.10 + (better if variant["headline"] == "B" else 0.0)


def test_training_finds_the_better_variant_and_publishes_it() -> None:
    optimization = optimization_factories.make_optimization(
        optimization_factories.make_organization(), holdout_percentage=20
    )
    for day in range(6, 2, -1):
        start = timezone.now() - timedelta(days=day)
        traffic.simulate_visitors(optimization, start, 1500, truth, seed=day)

    run = train_model(optimization)

    assert (run.status, run.error) == (TrainingRun.Status.SUCCEEDED, "")
    assert run.rows_read == 6000
    assert set(run.seconds) == {"cube", "fit", "compile", "report", "record"}
    assert optimization.model.status == BanditModel.Status.TRAINED
    assert optimization.model.policy_version == run.policy_version == 1
    version = versions.get_serving_version(optimization.model)
    table = versions.read_table(version)
    mobile_b = table[0, [2, 3]].sum()
    assert mobile_b > 0.9
    results = report.build_results(optimization)
    assert (results.stats.best_vs_baseline_percent or 0) > 0
    measured = results.primary_metric_vs_holdout
    assert measured.holdout_exposures + measured.optimization_exposures == 6000

"""What a training learned, put on record and into service: all of it or nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from models_app import holding, runs, versions
from models_app.bandit import report
from models_app.bandit.policy import Compiled
from models_app.bandit.report import Report
from models_app.holding import Held
from models_app.models import TrainingRun
from optimizations import modeled, readings, results, snapshots
from optimizations.comparison import Comparison
from optimizations.cube import Observed
from optimizations.models import Optimization

# Where the baseline's reward may be nothing, no percentage of it is known.
NO_LIFT = {"mean": None, "lo": None, "hi": None}


@dataclass(frozen=True, slots=True)
class Learned:
    """What a run is about to record; `enabled` are the variants it may serve."""

    compiled: Compiled
    report: Report
    enabled: list[int]
    observed: Observed
    compared: Comparison
    as_of: datetime


@transaction.atomic
def record(
    held: Held,
    optimization: Optimization,
    learned: Learned,
    seconds: Mapping[str, float],
) -> None:
    """Record version, report, run and day, and let serving see them: all or nothing."""
    locked = Optimization.objects.select_for_update(of=("self",)).get(
        pk=optimization.pk
    )
    model = locked.model
    runs.require_trainable(model)
    run = TrainingRun.objects.get(pk=held.run_id)
    document = report.to_json(learned.report) | {
        "counts": results.counts(optimization, learned.observed),
        "summary": results.summary(optimization, learned.observed, learned.compared),
    }
    version = versions.record(model, run, learned.compiled, learned.enabled, document)
    if (now_enabled := locked.servable()) != learned.enabled:
        # Variants changed while this ran: what was learned stands, for those left.
        version = versions.publish_enabled(
            model, now_enabled, exploration_share=locked.exploration_share
        )
    holding.succeed(
        held,
        rows_read=learned.observed.rows_read,
        seconds=seconds,
        in_sample_metrics=_in_sample(learned.report),
        policy_version=version.number,
    )
    metric = results.primary(optimization)
    distrusted = modeled.distrust(document, learned.observed, metric)
    published = _published(document, learned.compared, distrusted)
    readings.publish(locked, published, learned.as_of)
    snapshots.changed(locked.pk)


def _published(
    document: dict[str, Any], compared: Comparison, distrusted: str | None
) -> dict[str, Any]:
    """Return what the lift history keeps of a day; no modeled lift that is distrusted."""
    improvement = document["estimated_improvement_percent"] or NO_LIFT
    best = document["best_vs_baseline_percent"] or NO_LIFT
    if distrusted:
        improvement = best = NO_LIFT
    leader = readings.winner(document)
    return {
        "policy_lift_percent": improvement["mean"],
        "policy_lift_interval": [improvement["lo"], improvement["hi"]],
        "best_lift_percent": best["mean"],
        "best_lift_interval": [best["lo"], best["hi"]],
        "measured_lift_percent": compared.lift.lift_percent,
        "measured_lift_ci": compared.lift.lift_ci,
        "winner": leader and leader["number"],
    }


def _in_sample(figures: Report) -> dict[str, Any]:
    expected = figures.expected_reward
    return {
        "historic_reward": figures.historic_reward,
        "expected_reward": {
            "mean": expected.mean,
            "ci_lower": expected.lo,
            "ci_upper": expected.hi,
        },
    }

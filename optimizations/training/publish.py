"""What a training learned, put on record and into service: all of it or nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from models_app import runs, training_lease, versions
from models_app.bandit.policy.allocation import CompiledPolicy
from models_app.bandit.report import report
from models_app.bandit.report.report import Report
from models_app.models import TrainingRun
from models_app.training_lease import TrainingLease
from optimizations.cube.refresh import ObservationCube
from optimizations.models import Candidate, Optimization
from optimizations.results import (
    history,
    model_effects,
    modeled,
    progress,
    stored,
)
from optimizations.results.measured_lift import Comparison
from optimizations.serving import snapshot_store
from optimizations.training import candidates

# A modeled lift of the history, and what the report calls it.
REPORT_LIFT_KEYS = {
    "policy_lift": "estimated_improvement_percent",
    "best_lift": "best_vs_baseline_percent",
}


@dataclass(frozen=True, slots=True)
class CandidateResult:
    """What a run learned as the candidate would; without a table `error` says why."""

    candidate_id: int
    compiled: CompiledPolicy | None = None
    report: dict[str, Any] | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """What a run is about to record; `enabled` are the variants it may serve."""

    compiled: CompiledPolicy
    report: Report
    enabled: list[int]
    observed: ObservationCube
    compared: Comparison
    as_of: datetime
    candidate: CandidateResult | None = None


def build_report_document(
    optimization: Optimization,
    figures: Report,
    observed: ObservationCube,
    compared: Comparison,
) -> dict[str, Any]:
    """Write a report as a version keeps it: beside the counts it was learned from.

    `distrusted` is why its comparisons are not to be shown, as of now, or null.
    """
    written = report.to_json(figures)
    metric = stored.require_reward_metric(optimization)
    return written | {
        "counts": stored.build_report_counts(optimization, observed),
        "summary": stored.build_summary(optimization, observed, compared),
        "distrusted": modeled.find_distrust_reason(written, observed, metric),
    }


@transaction.atomic
def publish_training_result(
    held: TrainingLease,
    optimization: Optimization,
    learned: TrainingResult,
    seconds: Mapping[str, float],
) -> None:
    """Record version, report, run and day, and let serving see them: all or nothing."""
    locked = Optimization.objects.select_for_update(of=("self",)).get(
        pk=optimization.pk
    )
    runs.require_trainable(locked.model)
    run = TrainingRun.objects.get(pk=held.run_id)
    observed, compared = learned.observed, learned.compared
    written = build_report_document(optimization, learned.report, observed, compared)
    number = _publish_version(locked, run, learned, written)
    training_lease.mark_succeeded(
        held,
        rows_read=observed.rows_read,
        seconds=seconds,
        in_sample_metrics=_build_in_sample_metrics(learned.report),
        policy_version=number,
    )
    history.publish_day(
        locked, _build_published_figures(written, compared), learned.as_of
    )
    snapshot_store.publish_on_commit(locked.pk)


def _publish_version(
    locked: Optimization,
    run: TrainingRun,
    learned: TrainingResult,
    written: dict[str, Any],
) -> int:
    """Make what was learned serve, of both models' tables; return the version's number."""
    model = locked.model
    version = versions.publish_trained(
        model, run, learned.compiled, learned.enabled, written
    )
    _store_candidate_result(learned, run, version.number)
    if (now_enabled := locked.servable()) != learned.enabled:
        # Variants changed while this ran: what was learned stands, for those left.
        share = locked.exploration_share
        version = versions.publish_enabled(model, now_enabled, exploration_share=share)
    return version.number


def _store_candidate_result(
    learned: TrainingResult, run: TrainingRun, number: int
) -> None:
    """Keep the candidate's table beside the version, unless it was replaced meanwhile."""
    rival = learned.candidate
    if rival is None:
        return
    candidate = Candidate.objects.filter(pk=rival.candidate_id).first()
    if candidate is None:
        return
    candidate.error = rival.error
    if rival.compiled is not None and rival.report is not None:
        candidate.report = rival.report
        candidates.store_table(candidate, number, run, rival.compiled, learned.enabled)
    candidate.save(update_fields=["report", "error"])


def _build_published_figures(
    written: dict[str, Any], compared: Comparison
) -> dict[str, Any]:
    """Return what the lift history keeps of a day; no modeled lift that is distrusted."""
    found: dict[str, Any] = {}
    why: dict[str, str] = {}
    for name, reported in REPORT_LIFT_KEYS.items():
        lift = None if written["distrusted"] else written[reported]
        percent, interval = f"{name}_percent", f"{name}_interval"
        found[percent] = lift and lift["mean"]
        found[interval] = lift and [lift["lo"], lift["hi"]]
        if lift is None:
            reason = written["distrusted"] or model_effects.NO_BASELINE
            why |= {percent: reason, interval: reason}
    for name in ("lift_percent", "lift_ci"):
        found[f"measured_{name}"] = getattr(compared.lift, name)
        if name in compared.lift.unavailable:
            why[f"measured_{name}"] = compared.lift.unavailable[name]
    leader = progress.find_winner(written)
    return found | {"winner": leader and leader["number"], "unavailable": why}


def _build_in_sample_metrics(figures: Report) -> dict[str, Any]:
    expected = figures.expected_reward
    return {
        "historic_reward": figures.historic_reward,
        "expected_reward": {
            "mean": expected.mean,
            "ci_lower": expected.lo,
            "ci_upper": expected.hi,
        },
    }

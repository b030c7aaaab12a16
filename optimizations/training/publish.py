"""Record what a training learned and make it serve: all of it or nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
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
from optimizations.results import stored
from optimizations.results.checks import calibration
from optimizations.results.health import health_evidence, health_storage
from optimizations.results.health.health_evidence import Evidence
from optimizations.results.model import model_support
from optimizations.results.readings import history, published_day
from optimizations.serving import snapshot_store
from optimizations.training import candidates, metric_counts


@dataclass(frozen=True, slots=True)
class CandidateResult:
    """What a run trained for the candidate; without a table, `error` says why."""

    candidate_id: int
    compiled_policy: CompiledPolicy | None = None
    report: dict[str, Any] | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """What a run is about to record; `enabled` are the variants that it may serve."""

    compiled_policy: CompiledPolicy
    report: Report
    enabled: list[int]
    evidence: Evidence
    as_of: datetime
    candidate: CandidateResult | None = None


def build_report_document(
    optimization: Optimization,
    figures: Report,
    cube: ObservationCube,
) -> dict[str, Any]:
    """Return a report as a version stores it, with the counts it was trained on.

    `distrusted` is the reason why its comparisons must not be shown as of now, or None;
    `broken` and `immature` are why none of its figures must.
    """
    document = report.to_json(figures)
    metric = stored.require_reward_metric(optimization)
    return document | {
        "counts": stored.build_report_counts(optimization, cube),
        "broken": health_evidence.explain_broken_counts(optimization, cube),
        "distrusted": calibration.find_distrust_reason(document, cube, metric),
        "immature": model_support.explain_immaturity(cube),
    }


@transaction.atomic
def publish_training_result(
    lease: TrainingLease,
    optimization: Optimization,
    result: TrainingResult,
    seconds: Mapping[str, float],
) -> None:
    """Record version, report, run and published day, and make serving read them.

    `seconds` are the durations of the phases. Raises ConflictError where the optimization
    is no longer live, LeaseLostError where the run is lost or must be cancelled.
    """
    locked = Optimization.objects.select_for_update(of=("self",)).get(
        pk=optimization.pk
    )
    runs.require_trainable(locked.model)
    run = TrainingRun.objects.get(pk=lease.run_id)
    document = build_report_document(optimization, result.report, result.evidence.cube)
    number = _publish_version(locked, run, result, document)
    training_lease.mark_succeeded(
        lease,
        rows_read=result.evidence.cube.rows_read,
        seconds=seconds,
        in_sample_metrics=_build_in_sample_metrics(result, document),
        policy_version=number,
    )
    evidence = health_storage.store_summary(
        locked, _judge_new_report(locked, result.evidence, document)
    )
    figures = published_day.build_published_figures(locked, evidence)
    history.publish_day(locked, figures, result.as_of)
    snapshot_store.publish_on_commit(locked.pk)


def _judge_new_report(
    optimization: Optimization, evidence: Evidence, document: dict[str, Any]
) -> Evidence:
    """Return the evidence with the check of the new report instead of the last one's."""
    metric = stored.require_reward_metric(optimization)
    sanity = calibration.check_calibration(document, evidence.cube, metric)
    judged = health_evidence.judge_model(evidence.checks, sanity)
    checks = {**evidence.checks, "baseline_sanity": judged}
    return replace(evidence, checks=checks)


def _publish_version(
    locked: Optimization,
    run: TrainingRun,
    result: TrainingResult,
    document: dict[str, Any],
) -> int:
    """Store the tables of the model and its candidate; return the serving version."""
    model = locked.model
    version = versions.publish_trained(
        model, run, result.compiled_policy, result.enabled, document
    )
    _store_candidate_result(result, run, version.number)
    if (now_enabled := locked.servable()) != result.enabled:
        # Variants changed during the run: restrict the table to those enabled now.
        share = locked.exploration_share
        version = versions.publish_enabled(model, now_enabled, exploration_share=share)
    return version.number


def _store_candidate_result(
    result: TrainingResult, run: TrainingRun, number: int
) -> None:
    """Store the candidate's table beside the version, unless the candidate is gone."""
    trained = result.candidate
    if trained is None:
        return
    candidate = Candidate.objects.filter(pk=trained.candidate_id).first()
    if candidate is None:
        return
    candidate.error = trained.error
    if trained.compiled_policy is not None and trained.report is not None:
        candidate.report = trained.report
        candidates.store_table(
            candidate, number, run, trained.compiled_policy, result.enabled
        )
    candidate.save(update_fields=["report", "error"])


def _build_in_sample_metrics(
    result: TrainingResult, document: dict[str, Any]
) -> dict[str, Any]:
    """Return what a run stores beside its version; `TrainingRun.notes` reads the notes.

    The expected reward is withheld where results of that moment withhold modeled rewards.
    """
    figures = result.report
    expected = figures.expected_reward
    withheld = document["broken"] or document["distrusted"] or document["immature"]
    return {
        "notes": metric_counts.list_uncounted(result.evidence.guardrails),
        "historic_reward": figures.historic_reward,
        "expected_reward": None
        if withheld
        else {
            "mean": expected.mean,
            "ci_lower": expected.lo,
            "ci_upper": expected.hi,
        },
        "unavailable": {"expected_reward": withheld} if withheld else {},
    }

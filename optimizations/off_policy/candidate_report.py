"""The report on a candidate: its settings, and what it would have earned so far."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from levered_site.errors import ConflictError
from models_app.bandit.policy.allocation import AllocationRule
from optimizations.models import Optimization
from optimizations.off_policy import evaluate
from optimizations.off_policy.eligible_cells import EvaluationRequest
from optimizations.off_policy.policy_evaluation import PolicyEvaluation
from optimizations.training import candidates


@dataclass(frozen=True, slots=True)
class TrainingSettings:
    """The settings of training."""

    allocation: AllocationRule
    exploration_share: float
    ignored_context_factors: list[str]


@dataclass(frozen=True, slots=True)
class CandidateReport(TrainingSettings):
    """A candidate beside the live model."""

    optimization_id: UUID
    created_at: datetime
    live: Annotated[TrainingSettings, "The same settings of the model that serves."]
    trained_at: Annotated[datetime | None, "When its newest policy table was made."]
    trainings: Annotated[int, "Policy tables made so far."]
    error: Annotated[str | None, "Why the last training made no table of it."]
    comparison: Annotated[
        PolicyEvaluation | None,
        "What it would have earned from the users who came since its first table, each "
        "judged by the newest table of their time, beside what was served.",
    ]
    unavailable: dict[str, str]


def build_candidate_report(optimization: Optimization) -> CandidateReport:
    """Return the candidate beside the serving policy, from stored counts and tables.

    The comparison is null, with its reason, before the first table and where the
    candidate needs a variant that had no probability. Raises NotFoundError where there is
    no candidate.
    """
    candidate = candidates.load_candidate(optimization)
    newest = candidates.find_newest_table(candidate)
    comparison, unavailable = None, {}
    if newest is None:
        unavailable = dict.fromkeys(
            ("comparison", "trained_at"), candidates.NO_CANDIDATE_TABLE
        )
    else:
        try:
            comparison = evaluate.build_evaluation(
                optimization, EvaluationRequest("candidate")
            )
        except ConflictError as error:
            unavailable["comparison"] = error.message
    return CandidateReport(
        **candidates.read_training_settings(candidate),
        optimization_id=optimization.pk,
        created_at=candidate.created_at,
        live=TrainingSettings(**candidates.read_training_settings(optimization)),
        trained_at=newest.created_at if newest else None,
        trainings=candidate.tables.count(),
        error=candidate.error or None,
        comparison=comparison,
        unavailable=unavailable,
    )

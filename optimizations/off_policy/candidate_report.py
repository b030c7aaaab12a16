"""The report on a candidate: its settings, and what it would have earned so far."""

from typing import Any

from levered_site.errors import ConflictError
from optimizations.models import Optimization
from optimizations.off_policy import evaluate
from optimizations.off_policy.eligible_cells import EvaluationRequest
from optimizations.training import candidates

Json = dict[str, Any]


def build_candidate_report(optimization: Optimization) -> Json:
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
    return {
        **candidates.read_training_settings(candidate),
        "optimization_id": optimization.pk,
        "created_at": candidate.created_at,
        "live": candidates.read_training_settings(optimization),
        "trained_at": newest and newest.created_at,
        "trainings": candidate.tables.count(),
        "error": candidate.error or None,
        "comparison": comparison,
        "unavailable": unavailable,
    }

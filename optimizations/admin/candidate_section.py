"""The candidate on an optimization's admin page: its comparison and its actions."""

from typing import Any

from django.http import HttpRequest
from django.utils.safestring import SafeString
from unfold.enums import ActionVariant

from levered_site.admin import html
from levered_site.admin.actions import AdminAction
from levered_site.organizations.admin import get_staff_actor
from optimizations.models import Candidate, Optimization
from optimizations.off_policy import candidate_report
from optimizations.off_policy.policy_evaluation import (
    Estimate,
    EstimatedDifference,
    Estimators,
    PolicyEvaluation,
)
from optimizations.training import candidates

Status = Optimization.Status


def has_candidate(optimization: Optimization) -> bool:
    """Return whether the optimization has a candidate beside its live model.

    Rows that the admin read know it; others are looked up.
    """
    known: bool | None = getattr(optimization, "has_candidate", None)
    if known is not None:
        return known
    return Candidate.objects.filter(optimization=optimization).exists()


def render_comparison(optimization: Optimization) -> SafeString | str:
    """Return a table of the candidate's settings and estimated value beside the live.

    Empty without a candidate.
    """
    if not has_candidate(optimization):
        return ""
    candidate = candidate_report.build_candidate_report(optimization)
    comparison = candidate.comparison
    rows = [
        (
            name,
            _format_setting(getattr(candidate, name)),
            _format_setting(getattr(candidate.live, name)),
        )
        for name in candidates.TRAINING_SETTINGS
    ]
    rows.append(
        (
            "value per user",
            _format_value(comparison.estimators if comparison else None),
            _format_value(comparison.served if comparison else None),
        )
    )
    difference = comparison.difference if comparison else None
    rows.append(("difference", _format_estimate(difference), ""))
    rows.append(("users compared", _format_users(comparison), ""))
    reasons = candidate.unavailable | (comparison.unavailable if comparison else {})
    reason = candidate.error or next(iter(reasons.values()), "")
    if reason:
        rows.append(("withheld", reason, ""))
    return html.render_table(("", "candidate", "live"), rows)


def _format_setting(value: Any) -> str:
    return ", ".join(value) or html.NO_VALUE if isinstance(value, list) else str(value)


def _format_value(estimators: Estimators | None) -> str:
    return _format_estimate(estimators.doubly_robust if estimators else None)


def _format_estimate(estimate: Estimate | EstimatedDifference | None) -> str:
    if estimate is None or estimate.interval is None:
        return html.NO_VALUE
    low, high = (html.format_number(limit, 4) for limit in estimate.interval)
    return f"{html.format_number(estimate.value, 4)} ({low} to {high})"


def _format_users(evaluation: PolicyEvaluation | None) -> str:
    if evaluation is None:
        return html.NO_VALUE
    users = evaluation.users
    used = html.format_number(users.used)
    return f"{used}; {users.deciding} of them carry the uncertainty"


def promote_candidate(optimization: Optimization, request: HttpRequest) -> None:
    """Make the candidate the live model, as the staff user of the request."""
    candidates.promote_candidate(optimization, get_staff_actor(request))


def discard_candidate(optimization: Optimization, request: HttpRequest) -> None:
    """Delete the candidate, as the staff user of the request."""
    candidates.discard_candidate(optimization, get_staff_actor(request))


ACTIONS = (
    AdminAction(
        name="promote",
        title="Promote candidate",
        question=lambda each: f"Promote the candidate of “{each}”?",
        confirmation_text=(
            "The candidate's newest table serves from now on, and trainings use its "
            "settings. A running training is cancelled. To go back, promote another "
            "candidate."
        ),
        success_message="Promoted: {}",
        run=promote_candidate,
        role="owner",
        icon="upgrade",
        variant=ActionVariant.SUCCESS,
        is_offered=lambda optimization: (
            optimization.status in {Status.LIVE, Status.PAUSED}
            and has_candidate(optimization)
        ),
        confirm_selection=True,
    ),
    AdminAction(
        name="discard",
        title="Discard candidate",
        question=lambda each: f"Discard the candidate of “{each}”?",
        confirmation_text=(
            "The candidate and its tables are deleted. Serving does not change."
        ),
        success_message="Candidate discarded: {}",
        run=discard_candidate,
        icon="delete_sweep",
        variant=ActionVariant.DANGER,
        is_offered=has_candidate,
        confirm_selection=True,
        role="owner",
    ),
)

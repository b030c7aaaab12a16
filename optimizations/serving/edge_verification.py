"""Make a client's decision again, by the policy version that the client names."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from levered_site.errors import InvalidItemError, InvalidParametersError
from models_app import versions
from models_app.models import PolicyVersion
from optimizations.models import Optimization
from optimizations.serving import decision, edge_batch
from optimizations.serving.edge_batch import EdgeDecision
from optimizations.serving.snapshot import (
    Proposal,
    Snapshot,
    compute_holdout_threshold,
)

# A client may hold a policy, and the holdout's percentage with it, for as long as
# views.public_policy lets caches keep it.
MAX_POLICY_AGE = timedelta(days=1)


class HoldoutThresholds:
    """The thresholds of an optimization's holdout, by the time they were in force."""

    def __init__(self, optimization: Optimization) -> None:
        regimes = optimization.regimes.order_by("-number")
        self._steps = [
            (starts_at, compute_holdout_threshold(percentage))
            for starts_at, percentage in regimes.values_list(
                "starts_at", "holdout_percentage"
            )
        ]

    def list_at(self, moment: datetime) -> list[str]:
        """Return the threshold in force, then all others that a client may have had."""
        thresholds: list[str] = []
        later: list[str] = []
        for starts_at, threshold in self._steps:
            if starts_at > moment:
                is_near = starts_at <= moment + edge_batch.MAX_LEAD
                later += [threshold] if is_near else []
                continue
            thresholds.append(threshold)
            if starts_at <= moment - MAX_POLICY_AGE:
                break
        return list(dict.fromkeys([*thresholds, *later]))


def load_version(
    optimization: Optimization, snapshot: Snapshot, number: int
) -> Snapshot | None:
    """Return the snapshot with the table of a version; None if there is none."""
    if number == snapshot.policy_version:
        return snapshot
    version = PolicyVersion.objects.filter(
        model_id=optimization.model_id, number=number
    ).first()
    if version is None:
        return None
    table = versions.read_table(version)
    return replace(snapshot, policy_version=number, probabilities=table)


def require_version_in_force(created_at: datetime | None, read: EdgeDecision) -> None:
    """Raise InvalidItemError if the version was made after the decision.

    `created_at` is that of the version, None without one. A client's clock may be late by
    as much as it may be ahead.
    """
    if created_at is None or read.decided_at >= created_at - edge_batch.MAX_LEAD:
        return
    raise InvalidItemError(
        "timestamp",
        f"must not be before version {read.policy_version}, which was made at "
        f"{created_at.isoformat(timespec='seconds')}",
    )


def verify_decision(
    snapshot: Snapshot | None, thresholds: Sequence[str], read: EdgeDecision
) -> Proposal:
    """Return the proposal for a decision that the snapshot's policy makes again.

    `snapshot` has the table of the version that the client names, None without one.
    `thresholds` are those that the client may have decided the holdout by, the most
    likely one first. Raises InvalidItemError if the policy decides otherwise.
    """
    if snapshot is None:
        message = f"there is no version {read.policy_version}"
        raise InvalidItemError("policy_version", message)
    try:
        context = decision.resolve_context(snapshot, read.context)
    except InvalidParametersError as error:
        problem = error.details[0]
        raise InvalidItemError(problem.field, problem.message) from error
    if _is_held_out(snapshot, thresholds, read):
        proposal = decision.hold_out_user(
            snapshot, read.anonymous_id, context, read.decided_at
        )
    else:
        proposal = decision.draw_variant(
            snapshot, read.anonymous_id, context, read.decided_at, redraw=read.redraw
        )
    if proposal.card.number != read.variant_number:
        raise InvalidItemError(
            "variant_number",
            f"version {read.policy_version} decides for variant {proposal.card.number} "
            "for this user in this context",
        )
    return proposal


def _is_held_out(
    snapshot: Snapshot, thresholds: Sequence[str], read: EdgeDecision
) -> bool:
    """Return whether the user is in the holdout, by a threshold that the client had."""
    possible = [
        decision.is_in_holdout(snapshot.optimization_id, read.anonymous_id, threshold)
        for threshold in thresholds
    ]
    if read.redraw:  # only users of the optimized arm are drawn again
        possible = [False]
    if read.in_holdout is None:
        return possible[0]
    if read.in_holdout not in possible:
        expected = "true" if possible[0] else "false"
        raise InvalidItemError(
            "in_holdout", f"must be {expected} for this user by the holdout's rule"
        )
    return read.in_holdout

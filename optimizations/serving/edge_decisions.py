"""Record decisions that clients made by themselves, after making each of them again."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from levered_site.errors import (
    ConflictError,
    FieldProblem,
    InvalidItemError,
    InvalidParametersError,
    NotFoundError,
)
from models_app.models import PolicyVersion
from optimizations.models import Optimization, RecordingGap
from optimizations.serving import (
    assigning,
    edge_batch,
    edge_verification,
    event_loop,
    snapshot_loader,
)
from optimizations.serving.assigned_variant import AssignedVariant
from optimizations.serving.edge_batch import EdgeDecision
from optimizations.serving.snapshot import NOT_FOUND_MESSAGE, Proposal

# A backend waits longer than a page: a batch takes several commits.
MAX_WAIT_SECONDS = 5.0
MIN_AGE = timedelta(minutes=5)  # whatever LATE_ARRIVAL_HOURS says


@dataclass(frozen=True, slots=True)
class RejectedDecision:
    """Why one decision of a batch was not stored; `index` counts from 0."""

    index: int
    field: str
    message: str


@dataclass(frozen=True, slots=True)
class KeptAssignment:
    """A user who had an assignment before, and keeps it; `index` counts from 0."""

    index: int
    assigned: AssignedVariant


@dataclass(frozen=True, slots=True)
class EdgeBatchResult:
    """Outcome of a batch: the three counts add up to its length."""

    accepted: int
    kept: tuple[KeptAssignment, ...]
    rejected: tuple[RejectedDecision, ...]


def record_decisions(
    organization_id: str, optimization_id: str, batch: object
) -> EdgeBatchResult:
    """Store the valid decisions of a batch; they are on disk when this returns.

    Each becomes an assignment and a receipt, as if the user had been served. A user who
    has an assignment keeps it; a decision with the next `redraw` replaces it if its
    variant can no longer be served.

    Raises InvalidParametersError (no decision is valid, or the batch is not a list of 1
    to 500), NotFoundError, ConflictError (the optimization is not live),
    UnavailableError (the store does not answer; a part may be stored, and sending the
    batch again is safe).
    """
    if not isinstance(batch, list) or not 1 <= len(batch) <= edge_batch.MAX_DECISIONS:
        raise InvalidParametersError.for_field(
            "decisions", f"must be a list of 1 to {edge_batch.MAX_DECISIONS} decisions"
        )
    optimization = _load_live_optimization(organization_id, optimization_id)
    valid, rejected = _read_batch(batch, optimization)
    proposals = _verify_batch(optimization, valid, rejected)
    if not proposals:
        raise _build_batch_error(rejected)
    kept = _claim_in_order(proposals, rejected)
    if len(rejected) == len(batch):
        raise _build_batch_error(rejected)
    return EdgeBatchResult(
        accepted=len(batch) - len(kept) - len(rejected),
        kept=tuple(sorted(kept, key=lambda each: each.index)),
        rejected=tuple(sorted(rejected, key=lambda each: each.index)),
    )


def _load_live_optimization(organization_id: str, optimization_id: str) -> Optimization:
    optimization = (
        Optimization.objects.for_organization(organization_id)
        .select_related("model")
        .filter(pk=optimization_id)
        .first()
    )
    if optimization is None:
        raise NotFoundError(NOT_FOUND_MESSAGE)
    if optimization.status != Optimization.Status.LIVE:
        raise ConflictError(
            "Decisions are recorded while an optimization is live; this one is "
            f"{optimization.status}."
        )
    return optimization


def _read_batch(
    batch: Sequence[object], optimization: Optimization
) -> tuple[dict[int, EdgeDecision], list[RejectedDecision]]:
    """Return the readable decisions by index, and the rejections."""
    now = timezone.now()
    # Days that are counted for good get no receipts.
    earliest = now - max(MIN_AGE, timedelta(hours=settings.LATE_ARRIVAL_HOURS))
    earliest = max(earliest, optimization.went_live_at or earliest)
    gaps = list(optimization.recording_gaps.filter(ends_at__gt=earliest))
    valid: dict[int, EdgeDecision] = {}
    rejected: list[RejectedDecision] = []
    for index, item in enumerate(batch):
        try:
            valid[index] = edge_batch.read_decision(item, now, earliest)
            _refuse_gaps(gaps, valid[index].decided_at)
        except InvalidItemError as error:
            valid.pop(index, None)
            rejected.append(RejectedDecision(index, error.field, error.message))
    return valid, rejected


def _refuse_gaps(gaps: Iterable[RecordingGap], decided_at: datetime) -> None:
    """Raise InvalidItemError for a time when the optimization was not live."""
    for gap in gaps:
        if gap.ends_at and gap.starts_at <= decided_at < gap.ends_at:
            raise InvalidItemError(
                "timestamp",
                f"the optimization was {gap.status} from {gap.starts_at.isoformat()} to "
                f"{gap.ends_at.isoformat()}: decisions of that time do not count",
            )


def _verify_batch(
    optimization: Optimization,
    valid: dict[int, EdgeDecision],
    rejected: list[RejectedDecision],
) -> dict[int, Proposal]:
    """Return a proposal for each decision that the policy makes again, by index.

    The others are added to `rejected`. One version's table is in memory at a time.
    """
    by_version: defaultdict[int, list[int]] = defaultdict(list)
    for index, read in valid.items():
        by_version[read.policy_version].append(index)
    snapshot = snapshot_loader.build_snapshot(optimization)
    thresholds = edge_verification.HoldoutThresholds(optimization)
    proposals: dict[int, Proposal] = {}
    created_at = _load_creation_times(optimization, by_version)
    for number, indexes in by_version.items():
        versioned = edge_verification.load_version(optimization, snapshot, number)
        for index in indexes:
            read = valid[index]
            try:
                edge_verification.require_version_in_force(created_at.get(number), read)
                proposal = edge_verification.verify_decision(
                    versioned, thresholds.list_at(read.decided_at), read
                )
            except InvalidItemError as error:
                rejected.append(RejectedDecision(index, error.field, error.message))
            else:
                # Without the old table, which would stay in memory until the commit.
                stored = replace(snapshot, policy_version=number)
                proposals[index] = proposal._replace(snapshot=stored)
    return proposals


def _load_creation_times(
    optimization: Optimization, numbers: Iterable[int]
) -> dict[int, datetime]:
    versions = PolicyVersion.objects.filter(
        model_id=optimization.model_id, number__in=list(numbers)
    )
    return dict(versions.values_list("number", "created_at"))


def _claim_in_order(
    proposals: dict[int, Proposal], rejected: list[RejectedDecision]
) -> list[KeptAssignment]:
    """Claim first draws, then redraws in order; return who had an assignment before.

    A redraw of a user who has no assignment is added to `rejected`: with a `redraw` of
    its choice, a client could pick any variant.
    """
    kept: list[KeptAssignment] = []
    for redraw in sorted({proposal.redraw for proposal in proposals.values()}):
        claims = {
            index: proposal
            for index, proposal in proposals.items()
            if proposal.redraw == redraw
        }
        for index, assigned in _claim(claims).items():
            if assigned is None:
                message = f"must be 0 for a user without an assignment, not {redraw}"
                rejected.append(RejectedDecision(index, "redraw", message))
            elif assigned.sticky:
                kept.append(KeptAssignment(index, assigned))
    return kept


def _claim(claims: dict[int, Proposal]) -> dict[int, AssignedVariant | None]:
    assigned_variants = event_loop.run_in_loop(
        assigning.store_proposals(list(claims.values()), MAX_WAIT_SECONDS),
        2 * MAX_WAIT_SECONDS,
    )
    return dict(zip(claims, assigned_variants, strict=True))


def _build_batch_error(rejected: Sequence[RejectedDecision]) -> InvalidParametersError:
    problems = [
        FieldProblem(
            f"decisions[{each.index}]"
            + ("" if each.field == "decision" else f".{each.field}"),
            each.message,
        )
        for each in rejected
    ]
    return InvalidParametersError(
        "No decision of the batch is valid; `details` names each problem.", problems
    )

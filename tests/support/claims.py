"""Claims of assignments, made below HTTP."""

from datetime import datetime

from django.utils import timezone

from optimizations.models import Optimization
from optimizations.serving import assignments, decision, event_loop, snapshot_loader
from optimizations.serving.assigned_variant import AssignedVariant
from optimizations.serving.snapshot import Proposal, Snapshot


def load_snapshot(optimization: Optimization) -> Snapshot:
    """Load the snapshot of an optimization from the database."""
    snapshot = snapshot_loader.query_snapshot(str(optimization.pk))
    assert snapshot is not None
    return snapshot


def build_proposal(
    snapshot: Snapshot, user: str, now: datetime | None = None
) -> Proposal:
    """Decide for a user without context."""
    context = decision.resolve_context(snapshot, {})
    return decision.decide_variant(snapshot, user, context, now or timezone.now())


def claim_variant(
    snapshot: Snapshot, user: str, now: datetime | None = None
) -> AssignedVariant:
    """Assign a variant to a user; wait for a busy machine."""
    return event_loop.run_in_loop(
        assignments.claim_assignment(build_proposal(snapshot, user, now)), 30
    )

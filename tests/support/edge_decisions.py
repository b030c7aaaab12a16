"""Decisions as a client makes them by the policy, and sends them."""

from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from optimizations.models import Optimization
from optimizations.serving import decision, snapshot_loader
from optimizations.serving.snapshot import Proposal, Snapshot
from tests.support.factories import Api, make_api_key
from tests.support.optimization_factories import make_optimization, make_organization

Body = dict[str, Any]


def make_half_held_out() -> Optimization:
    """Make a live optimization with a holdout of half of the users."""
    organization = make_organization()
    return make_optimization(organization, holdout_percentage=50)


def make_serve_api(optimization: Optimization) -> Api:
    """Make a client with an API key of the optimization's organization."""
    return Api(make_api_key(optimization.organization, scopes=["serve"]))


def decide(
    optimization: Optimization,
    user: str,
    context: Mapping[str, Any] | None = None,
    redraw: int = 0,
) -> Body:
    """Decide as a client does, and return the decision to send."""
    return decide_by(load_snapshot(optimization), user, context, redraw)


def load_snapshot(optimization: Optimization) -> Snapshot:
    """Load what the policy is made of."""
    snapshot = snapshot_loader.query_snapshot(str(optimization.pk))
    assert snapshot is not None
    return snapshot


def decide_by(
    snapshot: Snapshot,
    user: str,
    context: Mapping[str, Any] | None = None,
    redraw: int = 0,
) -> Body:
    """Decide by a policy that was loaded before."""
    resolved = decision.resolve_context(snapshot, context or {})
    ids = snapshot, user, resolved, timezone.now()
    proposal: Proposal = (
        decision.draw_variant(*ids, redraw=redraw)
        if redraw
        else decision.decide_variant(*ids)
    )
    return {
        "anonymous_id": user,
        "variant_number": proposal.card.number,
        "policy_version": snapshot.policy_version,
        "context": context or {},
        "in_holdout": proposal.in_holdout,
        "redraw": redraw,
    }


def send(api: Api, optimization: Optimization, *decisions: Any) -> Any:
    """Send a batch."""
    return api.post(
        f"/optimizations/{optimization.pk}/decisions", {"decisions": [*decisions]}
    )


def pick_user(optimization: Optimization, *, in_holdout: bool, number: int = 0) -> str:
    """Return a user of an arm, by default of whatever variant."""
    snapshot = load_snapshot(optimization)
    return next(
        user
        for user in (f"u{n}" for n in range(1000))
        for made in [decide_by(snapshot, user)]
        if made["in_holdout"] is in_holdout and number in {0, made["variant_number"]}
    )

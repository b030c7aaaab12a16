"""Going live: what it requires, and what the first time fixes for good."""

from django.utils import timezone

from levered_site.errors import ConflictError
from metrics import sources
from models_app import versions
from optimizations.configuration import guardrail_shares, regimes
from optimizations.models import Optimization
from warehouse import connections


def go_live(optimization: Optimization) -> None:
    """Check the requirements; the first time, fix the outcomes and open a regime.

    The first time also fixes the guardrails' shares of the error and publishes version 0
    of the policy, which is uniform. The caller saves the optimization. Raises
    ConflictError that names what is missing.
    """
    is_connected = connections.is_connected(optimization.organization_id)
    require_ready(optimization, is_connected=is_connected)
    if optimization.went_live_at is not None:
        return
    assert optimization.reward_metric is not None
    optimization.went_live_at = timezone.now()
    model = optimization.model
    outcomes = optimization.reward_metric.outcomes
    model.training_data_config["reward"]["outcomes"] = outcomes or []
    model.save(update_fields=["training_data_config", "updated_at"])
    guardrail_shares.fix_launch_shares(optimization)
    versions.ensure_uniform_version(model, optimization.servable())
    regimes.open_regime(optimization, "went live", optimization.went_live_at)


def require_ready(optimization: Optimization, *, is_connected: bool) -> None:
    """Raise ConflictError that names what is missing to go live; write nothing.

    In a connected warehouse an optimization without a source takes the default one.
    """
    if optimization.reward_metric is None:
        raise ConflictError(
            "The optimization has no reward metric. Set reward_metric_id to go live."
        )
    if not is_connected:
        return
    if optimization.assignment_source is None:
        organization_id = optimization.organization_id
        optimization.assignment_source = sources.find_default_source(organization_id)
    if optimization.assignment_source is None:
        raise ConflictError(
            "The optimization has no assignment source, which a connected warehouse "
            "requires. Set assignment_source_id, or make a source the default."
        )

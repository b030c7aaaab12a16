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
    _require_ready(optimization)
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


def _require_ready(optimization: Optimization) -> None:
    if optimization.reward_metric is None:
        raise ConflictError(
            "The optimization has no reward metric. Set reward_metric_id to go live."
        )
    organization_id = optimization.organization_id
    if not connections.is_connected(organization_id):
        return
    if optimization.assignment_source is None:
        optimization.assignment_source = sources.find_default_source(organization_id)
    if optimization.assignment_source is None:
        raise ConflictError(
            "The optimization has no assignment source, which a connected warehouse "
            "requires. Set assignment_source_id, or make a source the default."
        )

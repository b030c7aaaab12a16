"""Refuse to ship on figures that cannot be trusted, or against a violated guardrail.

Called through settings.SHIP_GUARDS because configuration must not import results.
"""

from levered_site.errors import ConfirmationRequiredError, ReasonToConfirm
from optimizations.models import Optimization
from optimizations.results import health, health_evidence
from optimizations.results.health import Health


def refuse_unhealthy(optimization: Optimization) -> None:
    """Raise ConfirmationRequiredError, naming the reasons, where shipping needs a confirm."""
    current = judge_shipping(optimization)
    if not current.reasons:
        return
    raise ConfirmationRequiredError(
        f"“{optimization}” should not ship yet: {current.reasons[0].message} To ship all "
        "the same, set confirm to true.",
        [
            ReasonToConfirm(reason.code, reason.message, reason.next)
            for reason in current.reasons
        ],
    )


def judge_shipping(optimization: Optimization) -> Health:
    """Return the health by the stored counts, without reasons if shipping needs no confirm."""
    if optimization.went_live_at is None:
        return health.judge_health([], None)
    evidence = health_evidence.collect_evidence(optimization)
    current = health_evidence.judge_evidence(optimization, evidence)
    if health.needs_confirmation(current):
        return current
    return health.judge_health([], current.as_of)

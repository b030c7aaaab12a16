"""Refuse to ship on figures that cannot be trusted, or against a violated guardrail.

Called through settings.SHIP_GUARDS because configuration must not import results.
"""

from datetime import timedelta

import structlog
from django.utils import timezone

from levered_site.errors import (
    ConfirmationRequiredError,
    LeveredError,
    ReasonToConfirm,
)
from optimizations.cube import refresh
from optimizations.models import Optimization
from optimizations.results import health, health_evidence, stored
from optimizations.results.health import Health

FRESH_FOR = timedelta(minutes=1)

log = structlog.get_logger(__name__)


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
    """Return the health as of now, without reasons if shipping needs no confirm.

    What is shipped stays, so the warehouse counts first: nobody may have counted since
    something broke. Where it cannot, the stored counts decide.
    """
    if optimization.went_live_at is None:
        return health.judge_health([], None)
    _count_again(optimization)
    evidence = health_evidence.collect_evidence(optimization)
    current = health_evidence.judge_evidence(optimization, evidence)
    if health.needs_confirmation(current):
        return current
    return health.judge_health([], current.as_of)


def _count_again(optimization: Optimization) -> None:
    """Count, unless that was done a moment ago, as for the page that asks to confirm."""
    metric = stored.require_reward_metric(optimization)
    counted_at = refresh.find_last_refresh(optimization, metric)
    if counted_at is not None and timezone.now() - counted_at < FRESH_FOR:
        return
    try:
        health_evidence.refresh_results(optimization)
    except LeveredError as error:  # recorded, and so a reason of the health
        log.warning("not_counted_before_shipping", error=error.message)

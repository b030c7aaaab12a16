"""Refuse to ship without a confirm while anything speaks against the figures.

Called through settings.SHIP_GUARDS because configuration must not import results.
"""

from collections.abc import Sequence
from typing import Protocol

import structlog
from django.utils import timezone

from levered_site.errors import (
    ConfirmationRequiredError,
    LeveredError,
    ReasonToConfirm,
)
from metrics.models import Metric
from optimizations.configuration import past_violations
from optimizations.cube import count_record
from optimizations.models import Optimization
from optimizations.results import stored
from optimizations.results.health import (
    health,
    health_evidence,
    health_judgement,
    health_storage,
)
from optimizations.results.health.health import Health

log = structlog.get_logger(__name__)


class NamedReason(Protocol):
    """A reason of the health or of an error."""

    @property
    def message(self) -> str: ...


def refuse_unhealthy(optimization: Optimization) -> None:
    """Raise ConfirmationRequiredError, naming the reasons, where shipping needs a confirm."""
    current = judge_shipping(optimization)
    if not current.reasons:
        return
    raise ConfirmationRequiredError(
        describe_refusal(optimization, current.reasons, "set confirm to true"),
        [
            ReasonToConfirm(reason.code, reason.message, reason.next)
            for reason in current.reasons
        ],
    )


def describe_refusal(
    optimization: Optimization, reasons: Sequence[NamedReason], remedy: str
) -> str:
    """Return why it should not ship: the first reason, how many more, and the remedy."""
    others = len(reasons) - 1
    more = f" {others} more {'reason is' if others == 1 else 'reasons are'} in details."
    return (
        f"“{optimization}” should not ship yet: {reasons[0].message}"
        f"{more if others else ''} To ship all the same, {remedy}."
    )


def judge_shipping(optimization: Optimization) -> Health:
    """Return the health as of now, without reasons if shipping needs no confirm.

    What is shipped stays, so the warehouse counts first: nobody may have counted since
    something broke. Where it cannot, the stored counts decide.
    """
    if optimization.went_live_at is None:
        return health.judge_health([], None)
    count_before_judging(optimization)
    evidence = health_evidence.collect_evidence(optimization)
    current = health_judgement.judge_evidence(optimization, evidence)
    if health.needs_confirmation(current):
        return current
    return health.judge_health([], current.as_of)


def _was_just_counted(optimization: Optimization, metric: Metric) -> bool:
    record = count_record.load_count_record(optimization, metric)
    if (
        record.as_of is None
        or timezone.now() - record.as_of >= past_violations.FRESH_FOR
    ):
        return False
    return record.revised_at is None or record.revised_at <= record.as_of


def count_before_judging(optimization: Optimization) -> None:
    """Count, unless that was done a moment ago, as for the page that asks to confirm.

    A refusal rolls back what its transaction counted. So endpoints that may refuse call
    this before they open one: what was told stays known.
    """
    if optimization.status != Optimization.Status.LIVE:
        return
    metric = stored.require_reward_metric(optimization)
    metrics = (metric, *optimization.guardrail_metrics.all())
    if all(_was_just_counted(optimization, counted) for counted in metrics):
        return
    try:
        health_storage.refresh_results(optimization)
    except LeveredError as error:  # recorded, and so a reason of the health
        log.warning("not_counted_before_shipping", error=error.message)

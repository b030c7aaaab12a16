"""The Prometheus metrics of counting: failed counts, and what cannot be counted now."""

from itertools import product
from typing import Final, Literal, TypeAlias, get_args

from prometheus_client import Counter, Gauge

from levered_site.errors import LeveredError

Role: TypeAlias = Literal["reward", "guardrail"]
Reason: TypeAlias = Literal[
    "warehouse_error",  # the warehouse refused the query, or stopped it
    "unavailable",  # it does not answer
    "refused",  # its text is not accepted for this warehouse
    "unknown",  # nothing says what to count, or where
]
REASONS: Final[dict[str, Reason]] = {
    "warehouse_error": "warehouse_error",
    "unavailable": "unavailable",
    "invalid_parameters": "refused",
}

_failure_counter = Counter(
    "levered_failed_counts",
    "Counts of a metric of an optimization that failed, by what the metric is to it.",
    ["metric", "reason"],
)
_uncounted_gauge = Gauge(
    "levered_uncounted_metrics",
    "Rewards and guardrails of live optimizations whose last count failed.",
    ["metric"],
    multiprocess_mode="mostrecent",
)
_failures = {
    (role, reason): _failure_counter.labels(role, reason)
    for role, reason in product(get_args(Role), get_args(Reason))
}


def count_failure(error: LeveredError, *, is_reward: bool) -> None:
    """Count a failed count of a reward or a guardrail by its error."""
    reason: Reason = REASONS.get(error.code, "unknown")
    _failures["reward" if is_reward else "guardrail", reason].inc()


def set_uncounted(*, rewards: int, guardrails: int) -> None:
    """Record how many metrics of live optimizations could not be counted last."""
    _uncounted_gauge.labels("reward").set(rewards)
    _uncounted_gauge.labels("guardrail").set(guardrails)

"""What is shown of the documents that readings of results return."""

from collections.abc import Iterator, Sequence
from typing import Any

from levered.cli.tables import (
    Column,
    format_bar,
    format_change,
    format_difference,
    format_differences,
    format_interval,
    format_percent,
    format_time,
)

DIRECTION = {"increase": "should rise", "decrease": "should fall"}
MEASURED = (
    Column("primary_metric_vs_holdout.metric_name", "reward"),
    Column("primary_metric_vs_holdout.lift_percent", "lift", format_change),
    Column("primary_metric_vs_holdout.lift_ci", "95% interval", format_interval),
    Column(
        *("primary_metric_vs_holdout.lift_ci_anytime", "valid at any time"),
        format_interval,
    ),
    Column("primary_metric_vs_holdout.difference", "difference", format_difference),
    Column(
        *("primary_metric_vs_holdout.difference_ci", "its 95% interval"),
        format_differences,
    ),
    Column(
        *("primary_metric_vs_holdout.difference_ci_anytime", "valid at any time"),
        format_differences,
    ),
    Column("primary_metric_vs_holdout.optimization_rate", "reward per user"),
    Column("primary_metric_vs_holdout.holdout_rate", "that of the holdout"),
    Column("primary_metric_vs_holdout.optimization_exposures", "users"),
    Column("primary_metric_vs_holdout.holdout_exposures", "users of the holdout"),
    Column("stats.best_vs_baseline_percent", "best against baseline", format_change),
    Column("even_split.extra", "modeled, beyond an even split", format_difference),
    Column("even_split.extra_interval", "its 95% interval", format_differences),
    Column("stats.estimated_progress", "progress", format_bar),
    Column("health.status", "health"),
    Column("as_of", "counted", format_time),
)
VARIANTS = (
    Column("number", is_number=True),
    Column("variant"),
    Column("users", is_number=True),
    Column("user_rate", "per user", is_number=True),
    Column("weight", "share of traffic", format_bar),
    Column("prob_best", "probability of being best", format_bar),
    Column("expected_reward_mean", "expected", is_number=True),
    Column("expected_reward_lo", "from", is_number=True),
    Column("expected_reward_hi", "to", is_number=True),
)
PROGRESS = (
    Column("days_running"),
    Column("users.optimized", "users"),
    Column("users.holdout", "users of the holdout"),
    Column("conversions"),
    Column("estimated_progress", "progress", format_bar),
    Column("winner.number", "winner"),
    Column("winner.share", "its share", format_percent),
    Column("stable_since"),
    Column("days_to_decision"),
    Column("health.status", "health"),
)
GUARDRAILS = (
    Column("name"),
    Column("status"),
    Column("direction", "", lambda value: DIRECTION.get(value, "")),
    Column("lift_percent", "change", format_change, is_number=True),
    Column("lift_ci_anytime", "valid at any time", format_interval),
    Column("optimization_rate", "rate", is_number=True),
    Column("holdout_rate", "holdout", is_number=True),
)
HISTORY = (
    Column("date"),
    Column("users", is_number=True),
    Column("measured_lift_percent", "measured", format_change, is_number=True),
    Column("measured_lift_ci_anytime", "valid at any time", format_interval),
    Column("policy_lift_percent", "policy", format_change, is_number=True),
    Column("best_lift_percent", "best variant", format_change, is_number=True),
)
CURVE = (
    Column("date"),
    Column("users", is_number=True),
    Column("lift_percent", "lift", format_change, is_number=True),
    Column("lift_ci", "95% interval", format_interval),
    Column("lift_ci_anytime", "valid at any time", format_interval),
    Column("health.status", "health"),
)
OBSERVATIONS = (
    Column("day"),
    Column("policy_version", "version", is_number=True),
    Column("holdout", "held out"),
    Column("variant", is_number=True),
    Column("context", "context cell", is_number=True),
    Column("outcome"),
    Column("mature"),
    Column("users", is_number=True),
    Column("exposures", is_number=True),
    Column("converted", is_number=True),
    Column("value_sum", "value", is_number=True),
)
HOLDOUT_DAILY = (
    Column("date"),
    Column("key", "metric"),
    Column("regime", is_number=True),
    Column("levered.exposures", "users", is_number=True),
    Column("levered.rewardsValueSum", "their value", is_number=True),
    Column("holdout.exposures", "users of the holdout", is_number=True),
    Column("holdout.rewardsValueSum", "value of the holdout", is_number=True),
)
OUTCOME_MIX = (
    Column("day"),
    Column("in_holdout", "held out"),
    Column("variant"),
    Column("outcome_key", "outcome"),
    Column("context"),
    Column("users", is_number=True),
)
EVALUATION = (
    Column("policy"),
    Column("estimators.doubly_robust.value", "would have earned"),
    Column("estimators.doubly_robust.interval", "95% interval"),
    Column("served.doubly_robust.value", "what served earned"),
    Column("difference.value", "difference"),
    Column("difference.interval", "its interval"),
    Column("estimators.doubly_robust.effective_sample_size", "effective users"),
    Column("users.used", "users"),
    Column("unavailable"),
)
CANDIDATE = (
    Column("allocation"),
    Column("exploration_share", "exploration", format_percent),
    Column("ignored_context_factors", "without"),
    Column("trainings"),
    Column("trained_at", "trained", format_time),
    Column("comparison.difference.value", "would have earned more"),
    Column("comparison.difference.interval", "its interval"),
    Column("error"),
    Column("unavailable"),
)


def list_reasons(document: Any, columns: Sequence[Column] = ()) -> Iterator[str]:
    """Yield what speaks against the figures, and why some of them are withheld.

    The second takes a line for each reason, with the headings that it is about.
    """
    for reason in document["health"]["reasons"]:
        yield f"  {reason['message']} {reason['next']}"
    withheld: dict[str, dict[str, None]] = {}
    for column in columns:
        reason = document.get("unavailable", {}).get(column.field)
        if reason:
            heading = column.heading or column.field.replace("_", " ")
            withheld.setdefault(reason, {})[heading] = None
    for reason, headings in withheld.items():
        yield f"  {', '.join(headings)}: {reason}"

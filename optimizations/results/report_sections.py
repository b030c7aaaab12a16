"""Results as report scripts read them: a section has all its numbers, or it is null.

Such scripts format the numbers of a section without asking for each whether it is null.
"""

from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from typing import Any, Final

from optimizations.results.report import Results

VARIANTS: Final = "variants"
# The numbers that are formatted, by section.
FORMATTED: Final[Mapping[str, tuple[str, ...]]] = {
    "stats": (
        *("estimated_improvement_percent", "estimated_improvement_interval"),
        *("best_vs_baseline_percent", "best_vs_baseline_interval"),
        "estimated_progress",
    ),
    "primary_metric_vs_holdout": (
        *("holdout_rate", "optimization_rate", "lift_percent", "lift_ci", "p_value"),
    ),
    VARIANTS: (
        *("weight", "prob_best", "expected_reward_mean"),
        *("expected_reward_lo", "expected_reward_hi"),
    ),
}
INCOMPLETE: Final = "not all of its figures are known; /results has those that are"


def build_report_results(results: Results) -> dict[str, Any]:
    """Return results whose sections of `FORMATTED` are complete or null.

    A null section has its reason in `unavailable`, that of its first missing figure. A
    variant whose users are not mature has the rate 0.
    """
    document = {field.name: getattr(results, field.name) for field in fields(results)}
    document[VARIANTS] = [
        replace(row, rate=row.rate or 0.0) for row in results.variants
    ]
    reasons = dict(results.unavailable)
    for section, names in FORMATTED.items():
        value = document[section]
        missing = _list_missing(value if section == VARIANTS else [value], names)
        if missing:
            document[section] = None
            known = (reasons.get(f"{section}.{name}") for name in missing)
            reasons[section] = next(filter(None, known), INCOMPLETE)
    return document | {"unavailable": reasons}


def _list_missing(rows: Iterable[object], names: Iterable[str]) -> list[str]:
    """Return the names of the figures that are null in any row."""
    rows = list(rows)
    return [name for name in names if any(getattr(row, name) is None for row in rows)]

"""Results as report scripts read them: a section has all its numbers, or it is null.

Such scripts format the numbers of a section without asking for each whether it is null.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, Final

from optimizations.results.readings.report import Results

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
# Likewise of lists whose entries stand alone: one without a number is left out.
FORMATTED_ENTRIES: Final[Mapping[str, tuple[str, ...]]] = {
    "interactions": ("deviation", "lo", "hi"),
    "context_importance": ("mean", "lo", "hi"),
}
INCOMPLETE: Final = "not all of its figures are known; /results has those that are"


def build_report_results(results: Results) -> dict[str, Any]:
    """Return results whose sections of `FORMATTED` are complete or null.

    A null section has its reason in `unavailable`, that of its first missing figure; so
    has a list of `FORMATTED_ENTRIES` of which entries are left out, null without any. A
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
    for section, names in FORMATTED_ENTRIES.items():
        document[section] = _leave_out_incomplete(
            section, document[section], names, reasons
        )
    return document | {"unavailable": reasons}


def _leave_out_incomplete(
    section: str,
    rows: Sequence[object] | None,
    names: Iterable[str],
    reasons: dict[str, str],
) -> list[object] | None:
    """Return the rows with all figures; `reasons` then counts these alone."""
    missing = {
        place: absent
        for place, row in enumerate(rows or ())
        if (absent := _list_missing([row], names))
    }
    if rows is None or not missing:
        return None if rows is None else list(rows)
    kept = [place for place in range(len(rows)) if place not in missing]
    (first, absent), *_ = missing.items()
    reason = reasons.get(f"{section}[{first}].{absent[0]}", INCOMPLETE)
    of_rows = {
        name: reasons.pop(name)
        for name in list(reasons)
        if name.startswith(f"{section}[")
    }
    for index, place in enumerate(kept):
        start = f"{section}[{place}]"
        for name, each in of_rows.items():
            if name.startswith(start):
                reasons[f"{section}[{index}]{name.removeprefix(start)}"] = each
    reasons[section] = f"{len(missing)} of {len(rows)} are left out: {reason}"
    return [rows[place] for place in kept] or None


def _list_missing(rows: Iterable[object], names: Iterable[str]) -> list[str]:
    """Return the names of the figures that are null in any row."""
    rows = list(rows)
    return [name for name in names if any(getattr(row, name) is None for row in rows)]

"""What matters: each factor with its share of the spread, each level with its effect."""

from collections.abc import Sequence

from levered_site.charts.element import Element
from levered_site.charts.figure import Heading, build_sentence
from levered_site.charts.forest import ForestRow, build_forest
from levered_site.charts.intervals import find_tone
from levered_site.charts.units import CHANGE
from levered_site.number_texts import NO_BREAK_SPACE
from optimizations.results.readings.model_effects import FactorUtility
from optimizations.results.readings.report import Results
from optimizations.results.reasons import describe_missing

TITLE = "What matters"


def describe_effects(reward_type: str) -> str:
    """Return what the chart shows, in the unit of the reward."""
    unit = "percentage points" if reward_type == "bool" else "the reward's unit"
    return (
        f"What each choice adds, in {unit}, by the model with its 95% interval. Beside a "
        "factor: its share of the spread between variants."
    )


def draw_effects(
    results: Results, reward_type: str, *, is_less_better: bool
) -> Element:
    """Return the levels by factor, the factor that matters most first.

    Without figures return the reason.
    """
    heading = Heading("effects", TITLE, describe_effects(reward_type))
    utilities = results.factor_utilities
    if utilities is None:
        reason = results.unavailable.get("factor_utilities", "")
        return build_sentence(heading, describe_missing(reason))
    if not utilities:
        reason = results.unavailable.get("factor_utilities", "nothing was learned yet")
        return build_sentence(heading, f"No figures yet: {reason}.")
    shares = {row.factor: row.mean for row in results.factor_importance or ()}
    factors = list(dict.fromkeys(row.factor for row in utilities))
    factors.sort(key=lambda name: -shares.get(name, 0.0))
    factor = 100.0 if reward_type == "bool" else 1.0
    rows: list[ForestRow] = []
    for name in factors:
        share = shares.get(name)
        note = "" if share is None else f"{100 * share:.0f}{NO_BREAK_SPACE}%"
        rows.append(ForestRow(name, None, note=note, is_group=True))
        own = [row for row in utilities if row.factor == name]
        rows += _build_rows(own, factor, is_less_better=is_less_better)
    return build_forest(
        heading, rows, unit=CHANGE, row_name="choice", interval_name="95% interval"
    )


def _round(effect: float) -> float:
    """Return an effect with no more digits than its interval deserves."""
    return float(f"{effect:.3g}")


def _build_rows(
    utilities: Sequence[FactorUtility], factor: float, *, is_less_better: bool
) -> list[ForestRow]:
    return [
        ForestRow(
            row.level,
            _round(factor * row.effect),
            _round(factor * row.lo),
            _round(factor * row.hi),
            tone=find_tone((row.lo, row.hi), is_less_better=is_less_better),
        )
        for row in utilities
    ]

"""Charts of the panel about variants and the model, from the results that it has anyway."""

from collections.abc import Sequence
from dataclasses import replace

from levered_site.charts.element import Element
from levered_site.charts.figure import Heading, build_sentence
from levered_site.charts.heat_map import HeatCell, HeatMap, Hue, build_heat_map
from levered_site.charts.ridgeline import Ridge, build_density, build_ridgeline
from levered_site.charts.stacked_area import build_stacked_area
from levered_site.charts.stacked_area_layout import ShareSeries
from levered_site.charts.units import CHANGE, PLAIN, SHARE
from levered_site.level_texts import name_levels
from levered_site.number_texts import NO_VALUE, format_percent
from optimizations.results.readings.model_effects import Interaction
from optimizations.results.readings.report import Results
from optimizations.results.readings.variant_results import (
    DailyCounts,
    VariantResult,
    rank_by_chance,
)
from optimizations.results.reasons import describe_missing

MAX_DAYS = 60
MAX_PAIRS = 3
SHARES = Heading(
    "shown",
    "Who was shown what",
    "Share of users by variant, by the day of their first exposure.",
)
BELIEFS = Heading(
    "beliefs",
    "What each variant is believed to earn",
    "Posterior of the expected reward with its 95% interval, by the chance of being best.",
)


def name_variant(row: VariantResult) -> str:
    """Return a variant's number and levels as they stand beside a chart."""
    return f"{row.number} {name_levels(row.variant)}"


def draw_shares(results: Results) -> Element:
    """Return the share of each variant among the new users of each of the last 60 days."""
    counted = [(day, _count_users(day)) for day in results.time_series[-MAX_DAYS:]]
    days = [(day, users) for day, users in counted if users]
    series = [
        ShareSeries(
            name_variant(row),
            [_count_users_of(day, row.variant_key) / users for day, users in days],
        )
        for row in results.variants
    ]
    heading = replace(SHARES, description=describe_shares(results))
    return build_stacked_area(heading, [f"{day.date:%m-%d}" for day, _ in days], series)


def describe_shares(results: Results) -> str:
    """Return what the chart of shares shows; the holdout gets the baseline, too."""
    held_out = results.checks["sample_ratio"].observed_share
    if not held_out:
        return SHARES.description
    share = format_percent(100 * held_out)
    return (
        f"{SHARES.description} Users of the holdout, {share} of all so far, are among "
        "those of no. 1."
    )


def _count_users(day: DailyCounts) -> int:
    return sum(int(counts["users"]) for counts in day.variants.values())


def _count_users_of(day: DailyCounts, key: str) -> int:
    return int(day.variants[key]["users"]) if key in day.variants else 0


def draw_beliefs(
    results: Results, reward_type: str, *, is_less_better: bool
) -> Element:
    """Return the posterior of each variant that has one, the most probable best first.

    Where the model says nothing of any, return the reason.
    """
    unit, factor = (SHARE, 100.0) if reward_type == "bool" else (PLAIN, 1.0)
    ordered = sorted(
        results.variants,
        key=lambda row: rank_by_chance(row, is_less_better=is_less_better),
    )
    ridges = [ridge for row in ordered for ridge in _build_ridges(row, factor)]
    reason = results.unavailable.get("variants.expected_reward_mean")
    if reason and not ridges:
        return build_sentence(BELIEFS, describe_missing(reason))
    held_out = results.primary_metric_vs_holdout.holdout_rate
    return build_ridgeline(
        BELIEFS,
        ridges,
        unit=unit,
        column_names=("best with", "users"),
        baseline=None if held_out is None else factor * held_out,
        baseline_name="holdout",
    )


def _build_ridges(row: VariantResult, factor: float) -> list[Ridge]:
    mean, low, high = (
        row.expected_reward_mean,
        row.expected_reward_lo,
        row.expected_reward_hi,
    )
    if mean is None or low is None or high is None:
        return []
    mean, low, high = factor * mean, factor * low, factor * high
    best = NO_VALUE if row.prob_best is None else f"{row.prob_best:.0%}"
    density = build_density(mean, low, high)
    columns = (best, f"{row.users:,}")
    return [Ridge(name_variant(row), mean, low, high, density, columns)]


def draw_interactions(
    interactions: Sequence[Interaction], reward_type: str, *, is_less_better: bool
) -> list[Element]:
    """Return a map of levels for each pair of factors, the strongest three pairs."""
    pairs: dict[tuple[str, str], list[Interaction]] = {}
    for interaction in interactions:
        if len(interaction.factors) == 2 and interaction.deviation is not None:
            first, second = interaction.factors
            pairs.setdefault((first, second), []).append(interaction)
    strongest = sorted(pairs.values(), key=_find_strength, reverse=True)[:MAX_PAIRS]
    factor = 100.0 if reward_type == "bool" else 1.0
    hue: Hue = "signed_less" if is_less_better else "signed"
    return [
        _draw_pair(number, pair, factor, hue)
        for number, pair in enumerate(strongest, start=1)
    ]


def explain_no_interactions(results: Results) -> str:
    """Return why no interaction has a figure, in a sentence, as far as results say it."""
    names = ("interactions", "interactions[0].deviation")
    reason = next(filter(None, map(results.unavailable.get, names)), "")
    return describe_missing(reason) if reason else ""


def is_beyond_chance(interaction: Interaction) -> bool:
    """Return whether the interval of a pair of levels excludes 0."""
    low, high = interaction.lo, interaction.hi
    return low is not None and high is not None and (low > 0 or high < 0)


def _find_strength(pair: Sequence[Interaction]) -> float:
    return max(abs(interaction.deviation or 0.0) for interaction in pair)


def _draw_pair(
    number: int, pair: Sequence[Interaction], factor: float, hue: Hue
) -> Element:
    first, second = pair[0].factors
    rows = list(dict.fromkeys(interaction.levels[0] for interaction in pair))
    columns = list(dict.fromkeys(interaction.levels[1] for interaction in pair))
    by_levels = {tuple(each.levels): each for each in pair}
    cells = [
        [_build_cell(by_levels.get((row, column)), factor) for column in columns]
        for row in rows
    ]
    name = f"{first} \N{MULTIPLICATION SIGN} {second}"
    what = "Percentage points" if factor == 100 else "Reward"
    heading = Heading(
        f"together-{number}", name, f"{what} beyond the sum of both choices."
    )
    return build_heat_map(
        heading, HeatMap(name, rows, columns, cells, hue, "beyond chance")
    )


def _build_cell(interaction: Interaction | None, factor: float) -> HeatCell:
    if interaction is None or interaction.deviation is None:
        return HeatCell(None, NO_VALUE)
    value = float(f"{factor * interaction.deviation:.3g}")
    is_certain = is_beyond_chance(interaction)
    return HeatCell(value, CHANGE.format_value(value), is_marked=is_certain)

"""The variants of a document, the one that is most likely best first. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from levered_site.level_texts import name_levels
from levered_site.number_texts import NO_BREAK_SPACE, NO_VALUE
from optimizations.admin.result_page import wording
from optimizations.admin.variant_page.rows import BASELINE
from optimizations.admin.variant_page.views import describe_held_out
from optimizations.results.readings.variant_results import VariantResult, rank_by_chance

# Few are all shown; of many only the first, so that a document stays four pages on paper.
MAX_ALL: Final = 20
MAX_FIRST: Final = 12


@dataclass(frozen=True, slots=True)
class VariantRow:
    """A variant, named by its levels, with its figures as texts."""

    number: int
    name: str
    mark: str
    users: str
    measured: str
    expected: str
    interval: str
    share: str
    share_note: str
    chance: str


@dataclass(frozen=True, slots=True)
class SplitRows:
    """The variants that are always shown, and the others with what they have together."""

    first: Sequence[VariantRow]
    others: Sequence[VariantRow]
    others_text: str


def order_variants(
    variants: Sequence[VariantResult], *, is_less_better: bool
) -> list[VariantResult]:
    """Return the best chance first, then the best mean, then the largest traffic."""
    return sorted(
        variants,
        key=lambda row: (
            rank_by_chance(row, is_less_better=is_less_better),
            -(row.weight or 0),
        ),
    )


def list_rows(
    ordered: Sequence[VariantResult], reward_type: str, holdout_percentage: float
) -> list[VariantRow]:
    """Return variants in their order, as texts; the baseline with who is held out now."""
    note = describe_held_out(holdout_percentage) if holdout_percentage else ""
    return [
        _build_row(row, reward_type, note if row.number == BASELINE else "")
        for row in ordered
    ]


def split_rows(
    rows: Sequence[VariantRow], ordered: Sequence[VariantResult]
) -> SplitRows:
    """Return the rows of `list_rows` in two parts, the second empty where they are few."""
    if len(rows) <= MAX_ALL:
        return SplitRows(rows, [], "")
    others = ordered[MAX_FIRST:]
    return SplitRows(rows[:MAX_FIRST], rows[MAX_FIRST:], _describe_others(others))


def _describe_others(others: Sequence[VariantResult]) -> str:
    """Return how many there are, and their shares; a chance that is withheld has none."""
    facts = [
        f"{title} {_format_share(sum(share or 0.0 for share in shares))}"
        for title, shares in (
            ("share of traffic", [row.weight for row in others]),
            ("chance to be best", [row.prob_best for row in others]),
        )
        if any(share is not None for share in shares)
    ]
    users = f"{sum(row.users for row in others):,} users"
    return f"And {len(others)} others, together: {', '.join([*facts, users])}"


def _build_row(row: VariantResult, reward_type: str, share_note: str) -> VariantRow:
    is_bool = reward_type == "bool"
    expected, low, high = (
        wording.format_mean(reward, reward_type)
        for reward in (
            row.expected_reward_mean,
            row.expected_reward_lo,
            row.expected_reward_hi,
        )
    )
    has_interval = row.expected_reward_lo is not None
    return VariantRow(
        number=row.number,
        name=name_levels(row.variant),
        mark=_describe_state(row),
        users=f"{row.users:,}",
        measured=wording.format_mean(
            row.user_rate if is_bool else row.mean_reward, reward_type
        ),
        expected=expected,
        interval=f"{low} to {high}" if has_interval else "",
        share=_format_share(row.weight),
        share_note=share_note,
        chance=_format_share(row.prob_best),
    )


def _describe_state(row: VariantResult) -> str:
    if not row.enabled:
        return "disabled"
    return "baseline" if row.number == BASELINE else ""


def _format_share(share: float | None) -> str:
    return NO_VALUE if share is None else f"{100 * share:.1f}{NO_BREAK_SPACE}%"

"""The variants most likely to be best, as the results show them with their screenshots."""

from collections.abc import Sequence
from dataclasses import dataclass

from levered_site.number_texts import NO_BREAK_SPACE
from optimizations.admin import screenshot_upload
from optimizations.admin.variant_page.rows import Level, VariantRow
from optimizations.results.readings.variant_results import rank_by_chance

MAX_SHOWN = 3


@dataclass(frozen=True, slots=True)
class FirstVariant:
    """A variant with its screenshot, if it has one, and its chance of being best."""

    number: int
    name: str
    levels: Sequence[Level]
    picture_url: str
    thumbnail_url: str
    chance: str


def list_first_variants(
    rows: Sequence[VariantRow], *, is_less_better: bool
) -> list[FirstVariant]:
    """Return the first three; none as long as none of them has a screenshot."""
    ranked = [
        (rank_by_chance(row.result, is_less_better=is_less_better), row.number, row)
        for row in rows
        if row.result and row.result.prob_best is not None
    ]
    ranked.sort(key=lambda known: known[:2])
    first = [row for _, _, row in ranked[:MAX_SHOWN]]
    if not any(row.has_screenshot for row in first):
        return []
    return [
        FirstVariant(
            row.number,
            row.name,
            row.levels,
            screenshot_upload.build_picture_url(row.variant)
            if row.has_screenshot
            else "",
            screenshot_upload.build_thumbnail_url(row.variant)
            if row.has_screenshot
            else "",
            f"best with {100 * _get_chance(row):.0f}{NO_BREAK_SPACE}%",
        )
        for row in first
    ]


def _get_chance(row: VariantRow) -> float:
    chance = row.result.prob_best if row.result else None
    return chance or 0.0

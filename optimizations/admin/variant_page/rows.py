"""The variants of an optimization with what is known of each, in words."""

from collections.abc import Sequence
from dataclasses import dataclass

from levered_site.level_texts import format_level, name_level
from optimizations.admin import screenshot_upload
from optimizations.models import Optimization, Variant
from optimizations.results.readings.report import Results
from optimizations.results.readings.variant_results import VariantResult

BASELINE = 1
# What a variant is at the moment, and Unfold's color of it.
STATE_COLORS = {
    "served": "success",
    "enabled": "",
    "not served": "",
    "disabled": "warning",
    "excluded": "",
}


@dataclass(frozen=True, slots=True)
class Level:
    """A variant's level of a factor, by its place among the levels of the factor."""

    factor: str
    text: str
    place: int
    count: int


@dataclass(frozen=True, slots=True)
class VariantRow:
    """A variant; `result` is None for an optimization that never was live."""

    variant: Variant
    levels: Sequence[Level]
    state: str
    is_leader: bool
    result: VariantResult | None

    @property
    def number(self) -> int:
        """Its number, which is 1 for the baseline."""
        return self.variant.number

    @property
    def name(self) -> str:
        """Its levels, as people speak of it."""
        return " · ".join(name_level(level.factor, level.text) for level in self.levels)

    @property
    def has_screenshot(self) -> bool:
        """Whether there is one; the variants were read with that flag."""
        return screenshot_upload.has_screenshot(self.variant)


def build_rows(
    optimization: Optimization, variants: Sequence[Variant], results: Results | None
) -> list[VariantRow]:
    """Return a row for each variant, in their order."""
    found = {row.number: row for row in results.variants} if results else {}
    leader = results.stats.best_variant if results else None
    return [
        VariantRow(
            variant=variant,
            levels=_list_levels(optimization, variant),
            state=_find_state(optimization, variant, found.get(variant.number)),
            is_leader=variant.number == leader,
            result=found.get(variant.number),
        )
        for variant in variants
    ]


def _list_levels(optimization: Optimization, variant: Variant) -> list[Level]:
    """Return the levels in the order of the factors, which the database does not keep."""
    levels = []
    for factor in optimization.model.design.factors:
        text = format_level(variant.levels[factor.name])
        place = factor.levels.index(text) if text in factor.levels else 0
        levels.append(Level(factor.name, text, place, len(factor.levels)))
    return levels


def _find_state(
    optimization: Optimization, variant: Variant, result: VariantResult | None
) -> str:
    if variant.excluded:
        return "excluded"
    if not variant.enabled:
        return "disabled"
    if optimization.status == Optimization.Status.LIVE:
        return "served"
    if optimization.status == Optimization.Status.SHIPPED:
        return "served" if result and result.weight else "not served"
    return "enabled"

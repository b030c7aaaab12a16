"""Variants as people read them: the number, then the levels."""

from collections.abc import Sequence

from levered_site.level_texts import name_levels
from optimizations import factors
from optimizations.models import Optimization


def list_variant_names(optimization: Optimization) -> list[str]:
    """Return the name of each variant, by its place."""
    return [
        f"{number} {name_levels(levels)}"
        for number, levels in enumerate(optimization.model.combinations(), start=1)
    ]


def map_keys(optimization: Optimization, names: Sequence[str]) -> dict[str, str]:
    """Return the names by the keys that exposures have."""
    keys = map(factors.format_variant_key, optimization.model.combinations())
    return dict(zip(keys, names, strict=True))


def find_name(names: Sequence[str], number: int) -> str:
    """Return the name of a variant; its number alone where the design has no such one."""
    return names[number - 1] if 0 < number <= len(names) else f"{number}"

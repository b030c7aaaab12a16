"""Variants as responses show them."""

from dataclasses import dataclass
from typing import Annotated, Any

from optimizations import factors
from optimizations.models import Optimization, Variant


@dataclass(frozen=True, slots=True)
class VariantDetails:
    """A variant of an optimization."""

    number: int
    variant_key: str
    variant: dict[str, Any]
    enabled: bool
    excluded: Annotated[bool, "By excluded_combinations."]
    screenshot: Annotated[str | None, "The path of its screenshot, if it has one."]


@dataclass(frozen=True, slots=True)
class VariantList:
    """Every variant of an optimization, by number."""

    variants: list[VariantDetails]


def represent_variant(optimization: Optimization, variant: Variant) -> VariantDetails:
    """Return a variant of `with_screenshot_flag`, its levels in the order of factors."""
    design = optimization.model.training_data_config["design_factors"]
    path = f"/api/v2/optimizations/{optimization.pk}/variants/by-number"
    has_screenshot = getattr(variant, "has_screenshot", False)
    return VariantDetails(
        number=variant.number,
        variant_key=variant.variant_key,
        variant=factors.list_combinations(design)[variant.number - 1],
        enabled=variant.enabled,
        excluded=variant.excluded,
        screenshot=f"{path}/{variant.number}/screenshot" if has_screenshot else None,
    )

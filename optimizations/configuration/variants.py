"""Create the numbered variants of a design, exclude some, and publish the rest."""

from collections.abc import Sequence

from levered_site.errors import ConflictError
from models_app import versions
from optimizations import factors
from optimizations.configuration import regimes, served_changes
from optimizations.models import Optimization, Variant
from optimizations.serving import snapshot_store


def replace_variants(optimization: Optimization) -> None:
    """Replace all variants by those of the design, numbered from 1 in row-major order."""
    design_factors = optimization.model.training_data_config["design_factors"]
    combinations = factors.list_combinations(design_factors)
    partials = optimization.excluded_combinations
    optimization.variants.all().delete()
    Variant.objects.bulk_create(
        Variant(
            optimization=optimization,
            number=number,
            variant_key=factors.format_variant_key(combination),
            levels=combination,
            excluded=factors.is_excluded(combination, partials),
        )
        for number, combination in enumerate(combinations, start=1)
    )
    _require_two_variants(optimization)


def apply_exclusions(optimization: Optimization) -> None:
    """Mark the variants that the exclusions cover, and publish the rest."""
    before = optimization.servable()
    partials = optimization.excluded_combinations
    variants = list(optimization.variants.without_pictures())
    for variant in variants:
        variant.excluded = factors.is_excluded(variant.levels, partials)
    Variant.objects.bulk_update(variants, ["excluded"])
    publish_servable(optimization, before)


def publish_servable(optimization: Optimization, before: Sequence[int]) -> None:
    """Publish a policy version, a regime and a snapshot if the servable variants changed.

    `before` holds the numbers of the variants that were servable. Raises ConflictError
    if fewer than two are servable now.
    """
    _require_two_variants(optimization)
    servable = optimization.servable()
    if servable == before or not has_gone_live(optimization):
        return
    versions.publish_enabled(
        optimization.model,
        servable,
        exploration_share=optimization.exploration_share,
    )
    regimes.open_regime(optimization, "variants changed")
    served_changes.announce_change(optimization)
    snapshot_store.publish_on_commit(optimization.pk, forgets_assignments=True)


def _require_two_variants(optimization: Optimization) -> None:
    if len(optimization.servable()) < 2:
        raise ConflictError(
            "At least two variants must stay enabled and not excluded. "
            "Enable another variant first."
        )


def has_gone_live(optimization: Optimization) -> bool:
    """Return whether it ever went live: a draft has neither versions nor regimes."""
    return optimization.went_live_at is not None

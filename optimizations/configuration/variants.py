"""The numbered variants of a design: written, excluded, and what remains is served."""

from collections.abc import Sequence

from levered_site.errors import ConflictError
from models_app import versions
from optimizations import factors
from optimizations.configuration import regimes
from optimizations.models import Optimization, Variant
from optimizations.serving import snapshot_store


def replace_variants(optimization: Optimization) -> None:
    """Write the variants of the design anew, numbered from 1 in row-major order."""
    design = optimization.model.training_data_config["design_factors"]
    partials = optimization.excluded_combinations
    optimization.variants.all().delete()
    Variant.objects.bulk_create(
        Variant(
            optimization=optimization,
            number=place,
            variant_key=factors.format_variant_key(combination),
            levels=combination,
            excluded=factors.is_excluded(combination, partials),
        )
        for place, combination in enumerate(factors.list_combinations(design), start=1)
    )
    _require_two_variants(optimization)


def apply_exclusions(optimization: Optimization) -> None:
    """Mark the variants that the exclusions cover, and serve what remains."""
    before = optimization.servable()
    partials = optimization.excluded_combinations
    rows = list(optimization.variants.defer("screenshot"))
    for row in rows:
        row.excluded = factors.is_excluded(row.levels, partials)
    Variant.objects.bulk_update(rows, ["excluded"])
    publish_servable(optimization, before)


def publish_servable(optimization: Optimization, before: Sequence[int]) -> None:
    """Where the servable variants changed: a version, a regime, a snapshot."""
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
    snapshot_store.publish_on_commit(optimization.pk)


def _require_two_variants(optimization: Optimization) -> None:
    if len(optimization.servable()) < 2:
        raise ConflictError("Two variants must remain enabled and not excluded.")


def has_gone_live(optimization: Optimization) -> bool:
    """Whether it went live: a draft has neither versions nor regimes."""
    return optimization.went_live_at is not None

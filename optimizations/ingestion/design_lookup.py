"""Look up variants and contexts of events by their JSON, which is read once each. Pure."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from levered_site.errors import InvalidItemError
from levered_site.level_texts import NOT_SCALAR_MESSAGE
from optimizations import factors
from optimizations.factors import ContextFactor

MAX_REMEMBERED_CONTEXTS: Final = 2_000  # as many combinations as a design may have
MAX_CONTEXT_BYTES: Final = 500  # of one that is remembered


@dataclass(frozen=True, slots=True)
class Design:
    """What a training_data_config says of variants and contexts.

    `variant_keys` holds the key of every variant by its JSON with sorted keys.
    `recorded_contexts` remembers recorded contexts by the JSON of the factors' values.
    """

    levels: Mapping[str, Sequence[Any]]
    variant_keys: Mapping[bytes, str]
    context_factors: tuple[ContextFactor, ...]
    recorded_contexts: dict[bytes, str] = field(default_factory=dict)


@functools.lru_cache(maxsize=256)
def parse_design(config_text: str) -> Design:
    """Return the design of a training_data_config, given as JSON text."""
    config = orjson.loads(config_text)
    design_factors = config["design_factors"]
    keys = map(factors.format_variant_key, factors.list_combinations(design_factors))
    return Design(
        levels={
            factor["name"]: [level["value"] for level in factor["levels"]]
            for factor in design_factors
        },
        variant_keys={key.encode(): key for key in keys},
        context_factors=factors.parse_context_factors(config),
    )


def resolve_variant(design: Design, variant: Mapping[str, Any]) -> str:
    """Return the variant's key. Levels are compared as text, as contexts are.

    Raises InvalidItemError for what is no variant.
    """
    try:
        key = design.variant_keys.get(
            orjson.dumps(variant, option=orjson.OPT_SORT_KEYS)
        )
    except TypeError:  # a lone surrogate, or a number beyond 64 bits
        key = None
    if key is None:
        key = factors.format_variant_key(_find_levels(variant, design.levels))
    return key


def _find_levels(
    variant: Mapping[str, Any], levels: Mapping[str, Sequence[Any]]
) -> dict[str, Any]:
    """Return the design's levels that a variant names, by factor."""
    if variant.keys() != levels.keys():
        raise InvalidItemError("variant", f"must name exactly {', '.join(levels)}")
    return {
        name: _find_level(name, variant[name], values)
        for name, values in levels.items()
    }


def _find_level(name: str, value: object, levels: Sequence[Any]) -> Any:
    level = factors.find_level(value, levels)
    if level is None:
        guess = factors.suggest_level(value, levels)
        raise InvalidItemError(
            f"variant.{name}", f"must be one of the factor's levels{guess}"
        )
    return level


def resolve_context(design: Design, context: Mapping[str, Any]) -> str:
    """Return the recorded context. Raises InvalidItemError for a list or an object."""
    try:
        values = orjson.dumps(
            [context.get(factor.name) for factor in design.context_factors]
        )
        recorded = design.recorded_contexts.get(values)
    except TypeError:  # a lone surrogate, or a number beyond 64 bits
        return _compute_recorded_context(design, context)
    if recorded is None:
        recorded = _compute_recorded_context(design, context)
        if (
            len(values) <= MAX_CONTEXT_BYTES
            and len(design.recorded_contexts) < MAX_REMEMBERED_CONTEXTS
        ):
            design.recorded_contexts[values] = recorded
    return recorded


def _compute_recorded_context(design: Design, context: Mapping[str, Any]) -> str:
    try:
        return factors.resolve_context(design.context_factors, context).recorded
    except TypeError as error:
        raise InvalidItemError(f"context.{error}", NOT_SCALAR_MESSAGE) from error

"""Design factors to numbered variants, contexts to context cells. Pure."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import orjson

from levered_site import near_names
from levered_site.level_texts import format_level

MAX_LEVEL_LENGTH = 200


def format_variant_key(combination: Mapping[str, Any]) -> str:
    """Return a combination as JSON, keys sorted by code point, without spaces, UTF-8.

    `{"b": True, "a": "é", "c": 0.00001}` becomes `{"a":"é","b":true,"c":0.00001}`; only
    what JSON demands is escaped, and numbers have no exponent. Served and ingested
    variants are compared by this text.
    """
    return _dump_json(
        {
            name: orjson.Fragment(format_level(level).encode())
            if isinstance(level, int | float)
            else level
            for name, level in combination.items()
        }
    )


def _dump_json(value: Mapping[str, Any]) -> str:
    return orjson.dumps(dict(value), option=orjson.OPT_SORT_KEYS).decode()


def list_combinations(
    design_factors: Sequence[Mapping[str, Any]],
) -> list[dict[str, Any]]:
    """Return every combination of levels in the order of variant numbers.

    Row-major: the last factor changes fastest. The first combination is the baseline.
    A factor is `{"name", "levels": [{"id", "value"}]}`.
    """
    names = [factor["name"] for factor in design_factors]
    levels = [
        [level["value"] for level in factor["levels"]] for factor in design_factors
    ]
    return [dict(zip(names, values, strict=True)) for values in product(*levels)]


def order_levels(
    design_factors: Sequence[Mapping[str, Any]], levels: Mapping[str, Any]
) -> dict[str, Any]:
    """Return a variant's levels in the order of the factors.

    Postgres keeps the keys of JSONB in an order of its own: shorter names first.
    """
    order = {factor["name"]: place for place, factor in enumerate(design_factors)}
    names = sorted(levels, key=lambda name: order.get(name, len(order)))
    return {name: levels[name] for name in names}


def is_excluded(
    combination: Mapping[str, Any], exclusions: Iterable[Mapping[str, Any]]
) -> bool:
    """Return whether one of the partial `{factor: level}` maps covers a combination."""
    return any(
        all(
            name in combination and find_level(value, [combination[name]]) is not None
            for name, value in partial.items()
        )
        for partial in exclusions
    )


def find_level(value: object, levels: Iterable[Any]) -> Any | None:
    """Return the level with the same text as a JSON value: 1 is "1", "true" is true.

    None if there is none. Null, a list and an object are no level.
    """
    try:
        text = format_level(value)
    except TypeError:
        return None
    return next((level for level in levels if format_level(level) == text), None)


def suggest_level(value: object, levels: Iterable[Any]) -> str:
    """Return `; did you mean "…"?` for a level in another case, else ""."""
    if not isinstance(value, str):
        return ""
    return near_names.suggest_name(value, map(format_level, levels), near_names.SAME)


def spell_levels(
    design_factors: Iterable[Mapping[str, Any]], partial: Mapping[str, Any]
) -> dict[str, Any]:
    """Return a partial map with its levels as the design writes them.

    What names no factor or no level stays as it is.
    """
    levels = {
        factor["name"]: [level["value"] for level in factor["levels"]]
        for factor in design_factors
    }
    spelled = {}
    for name, value in partial.items():
        level = find_level(value, levels.get(name, ()))
        spelled[name] = value if level is None else level
    return spelled


@dataclass(frozen=True, slots=True)
class ContextFactor:
    """A configured context factor; `levels` are compared texts, in order."""

    name: str
    levels: tuple[str, ...]

    def index(self, text: str | None) -> int:
        """Return a value's level, n for `other`, or n + 1 for `missing`."""
        if text is None:
            return len(self.levels) + 1
        try:
            return self.levels.index(text)
        except ValueError:
            return len(self.levels)


@dataclass(frozen=True, slots=True)
class Context:
    """A request's values of the configured factors, and the policy's row for them.

    `cell_index` is the index of the context cell, which is the row. `recorded` is a JSON
    object of factor to text: keys sorted, missing factors left out.
    """

    cell_index: int
    recorded: str


def parse_context_factors(config: Mapping[str, Any]) -> tuple[ContextFactor, ...]:
    """Return the context factors of a training_data_config."""
    return tuple(
        ContextFactor(
            factor["name"],
            tuple(format_level(level["value"]) for level in factor["levels"]),
        )
        for factor in config.get("context_factors", ())
    )


def count_context_cells(factors: Iterable[ContextFactor]) -> int:
    """Count the policy's context cells; every factor also has `other` and `missing`."""
    return math.prod(len(factor.levels) + 2 for factor in factors)


def resolve_context(
    factors: Sequence[ContextFactor], context: Mapping[str, Any]
) -> Context:
    """Return a request's context with the index of its context cell.

    The index is row-major: the last factor changes fastest.

    An unknown value is `other`, an absent one `missing`, never an error. Raises
    TypeError naming the factor whose value is a list or an object.
    """
    cell_index, recorded = 0, {}
    for factor in factors:
        value = context.get(factor.name)
        try:
            text = None if value is None else format_level(value)
        except TypeError as error:
            raise TypeError(factor.name) from error
        cell_index = cell_index * (len(factor.levels) + 2) + factor.index(text)
        if text is not None:
            recorded[factor.name] = text
    return Context(cell_index, _dump_json(recorded))

"""Factors to numbered variants, a sent context to the policy's row. Pure."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import product
from typing import Any

import orjson

MAX_LEVEL_LENGTH = 200
MAX_CONTEXT_VALUE_LENGTH = (
    256  # characters of a context value that are kept: no level is as long
)


def format_variant_key(combination: Mapping[str, Any]) -> str:
    """Name a combination: its JSON object, keys sorted by code point, no spaces, UTF-8.

    `{"b": True, "a": "é"}` becomes `{"a":"é","b":true}`; nothing is escaped but what
    JSON demands. Served and ingested variants are compared by this text.
    """
    return _dump_json(combination)


def format_level(value: object) -> str:
    """Write a JSON value as the contract compares it.

    `true`/`false` for booleans, numbers in plain notation without trailing zeros (1.50
    is 1.5, 2.0 is 2), text as sent. No warehouse stores a NUL: U+FFFD stands for it,
    which is in no level. Raises TypeError for null, a list or an object.
    """
    match value:
        case str():
            return value[:MAX_CONTEXT_VALUE_LENGTH].replace("\0", "\ufffd")
        case bool():
            return "true" if value else "false"
        case int() | float():
            text = format(Decimal(repr(value)), "f")
            text = text.rstrip("0").rstrip(".") if "." in text else text
            return "0" if text == "-0" else text[:MAX_CONTEXT_VALUE_LENGTH]
        case _:
            raise TypeError("must be a string, a number, true, false or null")


def _dump_json(value: Mapping[str, Any]) -> str:
    return orjson.dumps(dict(value), option=orjson.OPT_SORT_KEYS).decode()


def list_combinations(
    design_factors: Sequence[Mapping[str, Any]],
) -> list[dict[str, Any]]:
    """List every combination of levels in the order of variant numbers.

    Row-major: the last factor turns fastest, and the first is the baseline. A factor is
    `{"name", "levels": [{"id", "value"}]}`.
    """
    names = [factor["name"] for factor in design_factors]
    values = [[level["value"] for level in f["levels"]] for f in design_factors]
    return [dict(zip(names, row, strict=True)) for row in product(*values)]


def is_excluded(
    combination: Mapping[str, Any], exclusions: Iterable[Mapping[str, Any]]
) -> bool:
    """Tell whether one of the partial `{factor: level}` maps covers the combination."""
    return any(
        all(
            is_same_value(combination.get(name), value)
            for name, value in partial.items()
        )
        for partial in exclusions
    )


def is_same_value(one: object, other: object) -> bool:
    """Compare as JSON does: true is not 1."""
    return type(one) is type(other) and one == other


@dataclass(frozen=True, slots=True)
class ContextFactor:
    """A configured context factor; `levels` as compared text, in order."""

    name: str
    levels: tuple[str, ...]

    def index(self, text: str | None) -> int:
        """Place a value: its level, else `other` (n), or `missing` (n + 1)."""
        if text is None:
            return len(self.levels) + 1
        try:
            return self.levels.index(text)
        except ValueError:
            return len(self.levels)


@dataclass(frozen=True, slots=True)
class Context:
    """What a request said about the configured factors, and the policy's row for it."""

    segment: int
    recorded: str  # JSON object of factor to text, keys sorted, missing ones left out


def parse_context_factors(config: Mapping[str, Any]) -> tuple[ContextFactor, ...]:
    """Read the context factors of a training_data_config, levels as compared text."""
    return tuple(
        ContextFactor(
            factor["name"],
            tuple(format_level(level["value"]) for level in factor["levels"]),
        )
        for factor in config.get("context_factors", ())
    )


def count_segments(factors: Iterable[ContextFactor]) -> int:
    """Count the policy's rows: every factor has `other` and `missing` besides."""
    return math.prod(len(factor.levels) + 2 for factor in factors)


def resolve_context(
    factors: Sequence[ContextFactor], sent: Mapping[str, Any]
) -> Context:
    """Find the segment (row-major, the last factor turns fastest) of a sent context.

    An unknown value is `other`, an absent one `missing`, never an error. Raises
    TypeError naming the factor whose value is a list or an object.
    """
    segment, recorded = 0, {}
    for factor in factors:
        value = sent.get(factor.name)
        try:
            text = None if value is None else format_level(value)
        except TypeError as error:
            raise TypeError(factor.name) from error
        segment = segment * (len(factor.levels) + 2) + factor.index(text)
        if text is not None:
            recorded[factor.name] = text
    return Context(segment, _dump_json(recorded))

"""The lists of a cube's spec as SQL, for engines whose statements take no arrays."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from warehouse.sql.cube.engine import Engine, Parameters
from warehouse.sql.cube.spec_rows import (
    list_outcomes,
    list_regimes,
    split_excluded_users,
)
from warehouse.sql.shapes import CubeSpec

# Bounds that every engine's timestamp type can hold; all events lie between them.
EARLIEST_MOMENT = datetime(1900, 1, 1, tzinfo=UTC)
LATEST_MOMENT = datetime(9999, 1, 1, tzinfo=UTC)


def build_list_slots(parameters: Parameters, spec: CubeSpec) -> dict[str, str]:
    """Build the slots of regimes, outcomes, days, exclusions, variants and contexts."""
    return {
        "regimes": _build_regimes(parameters, spec),
        "outcomes": _build_outcomes(parameters, spec),
        "days": _build_days(parameters, spec),
        "not_excluded": _build_exclusions(parameters, spec),
        **_build_variants(parameters, spec),
        **_build_contexts(parameters, spec),
    }


def _build_table(rows: Iterable[Sequence[str]], names: Sequence[str]) -> str:
    """Build SELECTs joined by UNION ALL from rows of expressions; at least one row."""
    return "\n  UNION ALL ".join(
        "SELECT "
        + ", ".join(
            f"{expression} AS {name}"
            for expression, name in zip(row, names, strict=True)
        )
        for row in rows
    )


def _build_regimes(parameters: Parameters, spec: CubeSpec) -> str:
    engine = parameters.engine
    rows = [
        (
            parameters.cast(number, engine.integer_type),
            parameters.cast_timestamp(begins),
            parameters.cast_timestamp(ends),
            parameters.cast(threshold, engine.text_type),
        )
        for number, begins, ends, threshold in list_regimes(
            spec, EARLIEST_MOMENT, LATEST_MOMENT
        )
    ]
    return _build_table(rows, ("regime", "begins_at", "ends_at", "threshold"))


def _build_outcomes(parameters: Parameters, spec: CubeSpec) -> str:
    engine = parameters.engine
    columns = {
        "outcome": engine.text_type,
        "weight": engine.double_type,
        "by_name": "BOOLEAN",
        "as_text": engine.text_type,
        "as_number": engine.double_type,
        "rule_rank": engine.integer_type,
    }
    empty_row: tuple[Any, ...] = (None,) * len(columns)
    rules = [(*row, rank) for rank, row in enumerate(list_outcomes(spec), start=1)]
    rows = [
        [
            parameters.cast(value, sql_type)
            for value, sql_type in zip(rule, columns.values(), strict=True)
        ]
        for rule in rules or [empty_row]
    ]
    return _build_table(rows, tuple(columns))


def _build_days(parameters: Parameters, spec: CubeSpec) -> str:
    days = sorted(set(spec.days))
    return ", ".join(parameters.cast(day.isoformat(), "DATE") for day in days)


def _build_exclusions(parameters: Parameters, spec: CubeSpec) -> str:
    """Build the conditions that leave out users by id and by prefix."""
    engine = parameters.engine
    ids, prefixes = split_excluded_users(spec)
    id_list = ", ".join(parameters.cast(user, engine.text_type) for user in ids)
    conditions = [f"t.anonymous_id NOT IN ({id_list})"] if ids else []
    for prefix in prefixes:
        text = parameters.cast(prefix, engine.text_type)
        conditions.append(f"NOT {engine.starts_with}(t.anonymous_id, {text})")
    return "".join(f"\n    AND {condition}" for condition in conditions)


def _build_variants(parameters: Parameters, spec: CubeSpec) -> dict[str, str]:
    """Find a variant's number by its levels, whatever the format of its JSON."""
    engine = parameters.engine
    variants = [
        (number, json.loads(key, parse_float=Decimal)) for number, key in spec.variants
    ]
    names = sorted({name for _, levels in variants for name in levels})
    cases = []
    for number, levels in variants:
        conditions = [
            f"v.f{index} = {_cast_level(parameters, levels[name])}"
            for index, name in enumerate(names)
            if name in levels
        ]
        factors = parameters.cast(len(levels), engine.integer_type)
        conditions.append(f"v.factors = {factors}")
        result = parameters.cast(number, engine.integer_type)
        cases.append(f"WHEN {' AND '.join(conditions)}\n           THEN {result}")
    chain = "\n         ".join(cases)
    rows = [
        (
            parameters.cast(number, engine.integer_type),
            parameters.cast(key, engine.text_type),
        )
        for number, key in spec.variants or [(None, None)]
    ]
    return {
        "variants": _build_table(rows, ("variant_number", "variant_key")),
        "variant_levels": _build_level_columns(engine, names, "f"),
        "variant_number": f"CASE {chain}\n         ELSE 0 END" if cases else "0",
    }


def _build_contexts(parameters: Parameters, spec: CubeSpec) -> dict[str, str]:
    """Build the row-major index over the factors.

    A value that is not a level counts as 'other', null or no value as 'missing'.
    """
    engine = parameters.engine
    index = "0"
    for position, factor in enumerate(spec.contexts):
        count = len(factor.levels)
        levels = " ".join(
            f"WHEN c.c{position} = {parameters.cast(level, engine.text_type)}"
            f" THEN {number}"
            for number, level in enumerate(factor.levels)
        )
        level_index = (
            f"CASE WHEN c.c{position} IS NULL THEN {count + 1} {levels}"
            f" ELSE {count} END"
        )
        index = f"({index}) * {count + 2} + {level_index}"
    names = [factor.name for factor in spec.contexts]
    return {
        "context_levels": _build_level_columns(engine, names, "c"),
        "context_index": index,
    }


def _build_level_columns(engine: Engine, names: Iterable[str], prefix: str) -> str:
    return "".join(
        f",\n         {engine.read_level('j.json', name)} AS {prefix}{index}"
        for index, name in enumerate(names)
    )


def _cast_level(parameters: Parameters, level: object) -> str:
    """Write a level as the API compares it: plain numbers without trailing zeros."""
    match level:
        case str():
            text = level
        case Decimal():
            text = f"{level.normalize():f}"
        case _:
            text = json.dumps(level)
    return parameters.cast(text, parameters.engine.text_type)

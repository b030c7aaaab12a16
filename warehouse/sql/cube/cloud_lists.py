"""Write the lists of a CubeSpec as SQL for BigQuery and Snowflake.

We pass no arrays to them. Table aliases are those of cloud.sql.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from warehouse.sql.cube.day_notes import (
    MAX_LEVEL_LENGTH,
    build_commonest_sql,
    build_context_keys_sql,
)
from warehouse.sql.cube.engine import (
    MAX_TIMESTAMP,
    MIN_TIMESTAMP,
    Engine,
    Parameters,
)
from warehouse.sql.cube.spec_rows import (
    list_outcomes,
    list_regimes,
    split_excluded_users,
)
from warehouse.sql.shapes import CubeSpec

UNKNOWN_LEVELS = """SELECT day, SUBSTR({level}, 1, {length}) AS value,
           CAST(SUM(users) AS {integer}) AS users
    FROM levered_indexed
    WHERE NOT is_lag AND {level} IS NOT NULL AND {level} NOT IN ({levels})
    GROUP BY 1, 2"""


def build_list_slots(parameters: Parameters, spec: CubeSpec) -> dict[str, str]:
    """Build the slots of regimes, outcomes, days, exclusions, variants and contexts."""
    return {
        "regimes": _build_regimes_sql(parameters, spec),
        "outcomes": _build_outcomes_sql(parameters, spec),
        "days": _build_days_sql(parameters, spec),
        "not_excluded": _build_exclusions_sql(parameters, spec),
        **_build_variant_slots(parameters, spec),
        **_build_context_slots(parameters, spec),
    }


def _build_rows_sql(rows: Iterable[Sequence[str]], names: Sequence[str]) -> str:
    """Build a SELECT for each row of expressions, joined by UNION ALL.

    There must be at least one row; `names` are those of the columns.
    """
    return "\n  UNION ALL ".join(
        "SELECT "
        + ", ".join(
            f"{expression} AS {name}"
            for expression, name in zip(row, names, strict=True)
        )
        for row in rows
    )


def _build_regimes_sql(parameters: Parameters, spec: CubeSpec) -> str:
    engine = parameters.engine
    rows = [
        (
            parameters.add_as(number, engine.integer_type),
            parameters.add_timestamp(begins_at),
            parameters.add_timestamp(ends_at),
            parameters.add_as(threshold, engine.text_type),
        )
        for number, begins_at, ends_at, threshold in list_regimes(
            spec, MIN_TIMESTAMP, MAX_TIMESTAMP
        )
    ]
    return _build_rows_sql(rows, ("regime", "begins_at", "ends_at", "threshold"))


def _build_outcomes_sql(parameters: Parameters, spec: CubeSpec) -> str:
    engine = parameters.engine
    types_by_column = {
        "outcome": engine.text_type,
        "weight": engine.double_type,
        "by_name": "BOOLEAN",
        "as_text": engine.text_type,
        "as_number": engine.double_type,
        "rule_rank": engine.integer_type,
    }
    # One row of NULLs: the SQL needs at least one row and matches none.
    empty_row: tuple[Any, ...] = (None,) * len(types_by_column)
    rules = [(*row, rank) for rank, row in enumerate(list_outcomes(spec), start=1)]
    rows = [
        [
            parameters.add_as(value, sql_type)
            for value, sql_type in zip(rule, types_by_column.values(), strict=True)
        ]
        for rule in rules or [empty_row]
    ]
    return _build_rows_sql(rows, tuple(types_by_column))


def _build_days_sql(parameters: Parameters, spec: CubeSpec) -> str:
    days = sorted(set(spec.days))
    return ", ".join(parameters.add_as(day.isoformat(), "DATE") for day in days)


def _build_exclusions_sql(parameters: Parameters, spec: CubeSpec) -> str:
    """Build the conditions that leave out users by id and by prefix."""
    engine = parameters.engine
    user_ids, prefixes = split_excluded_users(spec.excluded_users)
    id_list = ", ".join(
        parameters.add_as(user_id, engine.text_type) for user_id in user_ids
    )
    conditions = [f"t.anonymous_id NOT IN ({id_list})"] if user_ids else []
    for prefix in prefixes:
        text = parameters.add_as(prefix, engine.text_type)
        conditions.append(f"NOT {engine.starts_with}(t.anonymous_id, {text})")
    return "".join(f"\n    AND {condition}" for condition in conditions)


def _build_variant_slots(parameters: Parameters, spec: CubeSpec) -> dict[str, str]:
    """Build the CASE that finds a variant's number by its levels.

    The levels are found in any JSON format of the variant. Slots:

    - `variants`: rows with number and key of the configured variants
    - `variant_levels`: columns f0, f1, … with a variant's level of each factor
    - `variant_number`: the CASE, which is 0 for levels of no configured variant
    """
    engine = parameters.engine
    levels_by_number = [
        (number, json.loads(variant_key, parse_float=Decimal))
        for number, variant_key in spec.variants
    ]
    names = sorted({name for _, levels in levels_by_number for name in levels})
    variant_number = _build_variant_number_sql(parameters, levels_by_number, names)
    # One row of NULLs: the SQL needs at least one row and matches none.
    rows = [
        (
            parameters.add_as(number, engine.integer_type),
            parameters.add_as(variant_key, engine.text_type),
        )
        for number, variant_key in spec.variants or [(None, None)]
    ]
    return {
        "variants": _build_rows_sql(rows, ("variant_number", "variant_key")),
        "variant_levels": _build_level_columns_sql(engine, names, "f"),
        "variant_number": variant_number,
    }


def _build_variant_number_sql(
    parameters: Parameters,
    levels_by_number: Iterable[tuple[int, Mapping[str, object]]],
    names: Sequence[str],
) -> str:
    when_clauses = []
    for number, levels in levels_by_number:
        conditions = [
            f"v.f{index} = {_add_level(parameters, levels[name])}"
            for index, name in enumerate(names)
            if name in levels
        ]
        factor_count = parameters.add_as(len(levels), parameters.engine.integer_type)
        conditions.append(f"v.factors = {factor_count}")
        result = parameters.add_as(number, parameters.engine.integer_type)
        when_clauses.append(
            f"WHEN {' AND '.join(conditions)}\n           THEN {result}"
        )
    if not when_clauses:
        return "0"
    cases = "\n         ".join(when_clauses)
    return f"CASE {cases}\n         ELSE 0 END"


def _build_context_slots(parameters: Parameters, spec: CubeSpec) -> dict[str, str]:
    """Build the index of a context cell, row-major over the context factors.

    A value outside the levels counts as `other`, a null or absent one as `missing`.
    Slots:

    - `context_levels`: columns c0, c1, … with a context's level of each factor
    - `context_index`: the index
    """
    engine = parameters.engine
    index = "0"
    for position, factor in enumerate(spec.contexts):
        level_count = len(factor.levels)
        when_clauses = " ".join(
            f"WHEN c.c{position} = {parameters.add_as(level, engine.text_type)}"
            f" THEN {level_number}"
            for level_number, level in enumerate(factor.levels)
        )
        level_index = (
            f"CASE WHEN c.c{position} IS NULL THEN {level_count + 1} {when_clauses}"
            f" ELSE {level_count} END"
        )
        index = f"({index}) * {level_count + 2} + {level_index}"
    names = [factor.name for factor in spec.contexts]
    return {
        "context_levels": _build_level_columns_sql(engine, names, "c"),
        "context_index": index,
    }


def build_context_notes_sql(parameters: Parameters, spec: CubeSpec) -> str:
    """Build the rows of unknown levels by factor, and of contexts that lack a value."""
    engine = parameters.engine
    parts = []
    for position, factor in enumerate(spec.contexts):
        levels = ", ".join(
            parameters.add_as(level, engine.text_type) for level in factor.levels
        )
        rows = UNKNOWN_LEVELS.format(
            level=f"c{position}",
            length=MAX_LEVEL_LENGTH,
            integer=engine.integer_type,
            levels=levels,
        )
        parts.append(build_commonest_sql("context", rows, factor=position))
    if parts:
        is_missing = " OR ".join(f"c{place} IS NULL" for place in range(len(parts)))
        parts.append(
            build_context_keys_sql("levered_indexed", is_missing, engine.integer_type)
        )
    return "".join(parts)


def _build_level_columns_sql(engine: Engine, names: Iterable[str], prefix: str) -> str:
    return "".join(
        f",\n         {engine.read_level('j.json', name)} AS {prefix}{index}"
        for index, name in enumerate(names)
    )


def _add_level(parameters: Parameters, level: object) -> str:
    """Write a level in the format that the API compares.

    That is: numbers without exponent or trailing zeros.
    """
    match level:
        case str():
            text = level
        case Decimal():
            text = f"{level.normalize():f}"
        case _:
            text = json.dumps(level)
    return parameters.add_as(text, parameters.engine.text_type)

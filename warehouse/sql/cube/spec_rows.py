"""The spec as rows, lists and conditions: for engines that take no arrays."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from warehouse.sql.cube.engine import Engine, Parameters
from warehouse.sql.shapes import CubeSpec

# Between them lies all time.
EARLIEST_MOMENT = datetime(1900, 1, 1, tzinfo=UTC)
LATEST_MOMENT = datetime(9999, 1, 1, tzinfo=UTC)


def build_spec_rows(parameters: Parameters, spec: CubeSpec) -> dict[str, str]:
    """Write what the spec lists: regimes, outcomes, days, variants, contexts, excluded."""
    days = (_bind_day(parameters, day) for day in sorted(set(spec.days)))
    return {
        "regimes": _build_regimes(parameters, spec),
        "outcomes": _build_outcomes(parameters, spec),
        "days": ", ".join(days),
        "included": _build_exclusions(parameters, spec),
        **_build_variants(parameters, spec),
        **_build_contexts(parameters, spec),
    }


def _build_table(rows: Iterable[Sequence[str]], names: Sequence[str]) -> str:
    """Write rows of pieces as SELECTs; there is at least one."""
    return "\n  UNION ALL ".join(
        "SELECT "
        + ", ".join(
            f"{piece} AS {name}" for piece, name in zip(row, names, strict=True)
        )
        for row in rows
    )


def _bind_day(parameters: Parameters, day: date) -> str:
    return parameters.cast(day.isoformat(), "DATE")


def _build_regimes(parameters: Parameters, spec: CubeSpec) -> str:
    """The first reaches back for ever, the last forward."""
    engine = parameters.engine
    starts = [regime.starts_at for regime in spec.regimes]
    rows = [
        (
            parameters.cast(regime.number, engine.integer),
            parameters.moment(begins),
            parameters.moment(ends),
            parameters.cast(regime.holdout_threshold, engine.text),
        )
        for regime, begins, ends in zip(
            spec.regimes,
            [EARLIEST_MOMENT, *starts[1:]],
            [*starts[1:], LATEST_MOMENT],
            strict=True,
        )
    ]
    return _build_table(rows, ("regime", "begins_at", "ends_at", "threshold"))


def _build_outcomes(parameters: Parameters, spec: CubeSpec) -> str:
    engine = parameters.engine
    rules = [
        (
            rule.key,
            float(rule.weight),
            rule.by == "name",
            rule.value if isinstance(rule.value, str) else None,
            None if isinstance(rule.value, str) else float(rule.value),
            rank,
        )
        for rank, rule in enumerate(spec.outcomes, start=1)
    ]
    none: tuple[Any, ...] = (None,) * 6
    kinds = (
        *(engine.text, engine.double, "BOOLEAN"),
        *(engine.text, engine.double, engine.integer),
    )
    names = ("outcome", "weight", "by_name", "as_text", "as_number", "place")
    rows = [
        [parameters.cast(value, kind) for value, kind in zip(rule, kinds, strict=True)]
        for rule in rules or [none]
    ]
    return _build_table(rows, names)


def _build_exclusions(parameters: Parameters, spec: CubeSpec) -> str:
    """Leave out the excluded, by id and by prefix."""
    engine = parameters.engine
    ids = [one for one in spec.excluded_users if not one.endswith("*")]
    prefixes = [one[:-1] for one in spec.excluded_users if one.endswith("*")]
    listed = ", ".join(parameters.cast(one, engine.text) for one in ids)
    without = [f"t.anonymous_id NOT IN ({listed})"] if ids else []
    without += [
        f"NOT {engine.starts_with}(t.anonymous_id, {parameters.cast(one, engine.text)})"
        for one in prefixes
    ]
    return "".join(f"\n    AND {one}" for one in without)


def _build_variants(parameters: Parameters, spec: CubeSpec) -> dict[str, str]:
    """Find a variant's number by its levels, however its JSON was written down."""
    engine = parameters.engine
    known = [
        (number, json.loads(key, parse_float=Decimal)) for number, key in spec.variants
    ]
    names = sorted({name for _, levels in known for name in levels})
    cases = []
    for number, levels in known:
        equal = [
            f"v.f{place} = {parameters.cast(_format_level(levels[name]), engine.text)}"
            for place, name in enumerate(names)
            if name in levels
        ]
        equal.append(f"v.factors = {parameters.cast(len(levels), engine.integer)}")
        chosen = parameters.cast(number, engine.integer)
        cases.append(f"WHEN {' AND '.join(equal)}\n           THEN {chosen}")
    chain = "\n         ".join(cases)
    none = [(None, None)]
    rows = [
        (parameters.cast(number, engine.integer), parameters.cast(key, engine.text))
        for number, key in spec.variants or none
    ]
    return {
        "variants": _build_table(rows, ("variant_number", "shown")),
        "variant_levels": _build_levels(engine, names, "f"),
        "variant_number": f"CASE {chain}\n         ELSE 0 END" if cases else "0",
    }


def _build_contexts(parameters: Parameters, spec: CubeSpec) -> dict[str, str]:
    """Row-major index over the factors; unlisted is 'other', null is 'missing'."""
    engine = parameters.engine
    index = "0"
    for place, factor in enumerate(spec.contexts):
        count = len(factor.levels)
        levels = " ".join(
            f"WHEN c.c{place} = {parameters.cast(level, engine.text)} THEN {number}"
            for number, level in enumerate(factor.levels)
        )
        level = (
            f"CASE WHEN c.c{place} IS NULL THEN {count + 1} {levels} ELSE {count} END"
        )
        index = f"({index}) * {count + 2} + {level}"
    names = [factor.name for factor in spec.contexts]
    return {
        "context_levels": _build_levels(engine, names, "c"),
        "context_index": index,
    }


def _build_levels(engine: Engine, names: Iterable[str], prefix: str) -> str:
    return "".join(
        f",\n         {engine.level('j.json', name)} AS {prefix}{place}"
        for place, name in enumerate(names)
    )


def _format_level(level: object) -> str:
    """Write a level as the contract compares it; plain numbers have no trailing zeros."""
    if isinstance(level, str):
        return level
    if isinstance(level, Decimal):
        return f"{level.normalize():f}"
    return json.dumps(level)

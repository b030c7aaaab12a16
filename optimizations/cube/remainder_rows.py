"""The rows of a remainder: what one person added to the cube, by day, and their sums. Pure."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict
from datetime import date
from typing import Any

from optimizations.cube import stale_days_managed
from warehouse.sql.cube.statement import (
    KEY_COLUMNS,
    AmountBucket,
    Cube,
    CubeSpec,
    DayCounts,
)

Row = dict[str, Any]
ROW_KEY = ("kind", *KEY_COLUMNS)


def build_rows(cube: Cube, spec: CubeSpec) -> dict[date, list[Row]]:
    """Return the statement's rows that a cube of one person was decoded from, by day.

    Open days are no figure yet: they are counted without the person. Only for a person
    who stays counted on a sealed day is everything kept, so that the exposures accepted
    less those explained stay those counted.
    """
    rows: defaultdict[date, list[Row]] = defaultdict(list)
    is_kept = any(_is_sealed(cell.day, spec) for cell in cube.cells)
    checks = {day.day: _get_checks(day) for day in cube.days}
    if is_kept:
        for cell in cube.cells:
            rows[cell.day].append({"kind": "cell", **asdict(cell), **checks[cell.day]})
        for amount in cube.amounts:
            rows[amount.day].append({"kind": "amount", **_build_amount_row(amount)})
    for day in cube.days:
        if is_kept:
            rows[day.day] += [
                {"kind": "lag", "day": day.day, "context": bucket, "users": users}
                for bucket, users in enumerate(day.lags)
                if users
            ]
        if is_kept or _is_sealed(day.day, spec):
            rows[day.day] += _build_note_rows(day, spec)
    return {
        day: [
            {name: _to_json(value) for name, value in row.items()} for row in day_rows
        ]
        for day, day_rows in rows.items()
        if day_rows
    }


def _build_note_rows(day: DayCounts, spec: CubeSpec) -> list[Row]:
    """Return the exposures by their time; a variant or a context may name a person.

    The regime lets one revision of the metric add them, not each of the same definition.
    """
    counted = spec.counted_regimes or [regime.number for regime in spec.regimes]
    return [
        {
            "kind": note.kind,
            "regime": max(counted),
            "day": day.day,
            "outcome": note.text,
            "users": note.count,
        }
        for note in day.notes
        if note.kind == "exposures"
    ]


def _get_checks(day: DayCounts) -> dict[str, int]:
    return {"crossed": day.crossover_users, "mismatched": day.arm_mismatch_users}


def _is_sealed(day: date, spec: CubeSpec) -> bool:
    return stale_days_managed.is_sealed(day, spec.horizon_hours, spec.as_of)


def _build_amount_row(amount: AmountBucket) -> Row:
    row = asdict(amount)
    return {"context" if name == "bucket" else name: row[name] for name in row}


def add_rows(rows: Iterable[Row]) -> list[Row]:
    """Add rows of the same cell or bucket, in an order that tells nothing."""
    added: dict[tuple[str, ...], Row] = {}
    for row in rows:
        key = tuple(repr(row.get(name)) for name in ROW_KEY)
        known = added.setdefault(key, dict.fromkeys(row.keys() - set(ROW_KEY), 0))
        added[key] = {
            name: value if name in ROW_KEY else known.get(name, 0) + value
            for name, value in row.items()
        }
    return [added[key] for key in sorted(added)]


def _to_json(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value

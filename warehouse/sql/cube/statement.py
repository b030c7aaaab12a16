"""The observation cube: its statement, and how its answer is read back."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from warehouse.sql.cube import bigquery, connected_postgres, postgres, snowflake
from warehouse.sql.customer.refusal import RefusedError
from warehouse.sql.shapes import (
    FAILURE_OUTCOME,
    Cell,
    CheckedMetric,
    CheckedSource,
    ContextFactor,
    Cube,
    CubeSpec,
    DayCounts,
    OutcomeRule,
    RegimeSpan,
    Statement,
)

__all__ = [
    "Cell",
    "CheckedMetric",
    "CheckedSource",
    "ContextFactor",
    "Cube",
    "CubeSpec",
    "DayCounts",
    "OutcomeRule",
    "RegimeSpan",
    "Statement",
    "build_statement",
    "decode_cube",
]

# Of connected warehouses, by dialect. The managed store has one of its own.
STATEMENT_BUILDERS: dict[
    str, Callable[[CubeSpec, CheckedMetric, CheckedSource], Statement]
] = {
    "postgres": connected_postgres.build_statement,
    # Not a dialect of its own, but what servers before 16 understand of it.
    "postgres before 16": connected_postgres.build_statement_before_16,
    "snowflake": snowflake.build_statement,
    "bigquery": bigquery.build_statement,
}
LAG_BUCKETS = 32
# Amounts are a matter of numeric rewards.
NO_AMOUNTS: dict[str, Any] = {"payers": 0, "log_sum": 0.0, "log_sum_squares": 0.0}

# The statement's columns, in order. A 'cell' row is a Cell and its checks; a 'lag' row
# has its day, its bucket in `context` and its users; the 'read' row has rows read in `users`.
KIND_COLUMN, CELL_COLUMNS, CROSSOVER_COLUMN, MISMATCH_COLUMN = 0, slice(1, 18), 18, 19


def build_statement(
    spec: CubeSpec,
    metric: CheckedMetric,
    source: CheckedSource | None = None,
    dialect: str = "postgres",
) -> Statement:
    """Write the statement of STATISTICS section 1 for the days of `spec`.

    Without a `source` it is the managed store's. Columns of the answer are the same and
    of the same types for all (see `decode`).

    Beyond the page it settles: an exposure counts, like a reward, from the first touch
    until the horizon (so that a sealed day is final), and nothing later than `as_of` is
    seen. Both ends of a window are inside it. Raises RefusedError for an unknown dialect, and
    ValueError where the spec names no day or no regime.
    """
    known = STATEMENT_BUILDERS.keys() if source else {"postgres"}
    if dialect not in known:
        raise RefusedError(f"The dialect {dialect} is not supported yet.")
    if not spec.days or not spec.regimes:
        raise ValueError("a cube needs at least one day and one regime")
    if source is None:
        return postgres.build_statement(spec, metric)
    return STATEMENT_BUILDERS[dialect](spec, metric, source)


def decode_cube(rows: Iterable[Sequence[object]], spec: CubeSpec) -> Cube:
    """Read the statement's rows, in any order, as a Cube."""
    cells: list[Cell] = []
    lags: defaultdict[date, list[int]] = defaultdict(lambda: [0] * LAG_BUCKETS)
    crossed: Counter[date] = Counter()
    mismatched: Counter[date] = Counter()
    read = 0
    for row in rows:
        match row[KIND_COLUMN]:
            case "cell":
                cell = _decode_cell(row[CELL_COLUMNS], spec)
                cells.append(cell)
                crossed[cell.day] += _require_integer(row[CROSSOVER_COLUMN])
                mismatched[cell.day] += _require_integer(row[MISMATCH_COLUMN])
            case "lag":
                lags[_require_date(row[2])][_require_integer(row[6])] += (
                    _require_integer(row[10])
                )
            case _:
                read += _require_integer(row[10])
    days = tuple(
        DayCounts(day, tuple(lags[day]), crossed[day], mismatched[day])
        for day in sorted({cell.day for cell in cells} | lags.keys())
    )
    total = tuple(sum(counts) for counts in zip(*lags.values(), strict=True))
    return Cube(
        tuple(cells),
        total or (0,) * LAG_BUCKETS,
        crossed.total(),
        mismatched.total(),
        read,
        days,
    )


def _require_date(value: object) -> date:
    if not isinstance(value, date):
        raise TypeError(f"the warehouse dated {value!r}")
    return value


def _decode_cell(values: Sequence[object], spec: CubeSpec) -> Cell:
    cell = Cell(*values)  # type: ignore[arg-type]  # the statement casts every column
    if spec.reward_type == "outcomes":
        return replace(cell, outcome=cell.outcome or FAILURE_OUTCOME, **NO_AMOUNTS)
    return cell if spec.reward_type == "numeric" else replace(cell, **NO_AMOUNTS)


def _require_integer(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError(f"the warehouse counted {value!r}")
    return value

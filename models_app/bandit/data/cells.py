"""Counts to learn from: cells of the cube, weighted by how mature their users are."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from operator import attrgetter

import numpy as np

from models_app.bandit.data import maturity
from models_app.bandit.data.maturity import FULLY_MATURE, Maturity
from models_app.bandit.design.design import Design, Floats, Integers

HALF_AN_HOUR = timedelta(minutes=30)
SHARE_FIELDS = "maturity", "passed", "seen"
MAX_IMMATURE_SHARE = 1.0 - 1e-9
"""Maturity of immature users to whom, by their age, everything should have come."""


@dataclass(frozen=True, slots=True)
class TrainingRow:
    """One cell of the cube as the learner reads it; `variant` is 0-based.

    `hour` is the hour of first touch and is given for immature users only. Amounts and
    their logarithms (of the `payers`, whose value is positive) matter to numeric
    rewards, the outcome's key to outcomes.
    """

    day: date
    policy_version: int | None
    variant: int
    context: int
    mature: bool
    hour: datetime | None
    users: int
    converted: int
    outcome: str | None = None
    value_sum: float = 0.0
    value_sum_squares: float = 0.0
    payers: int = 0
    log_sum: float = 0.0
    log_sum_squares: float = 0.0


@dataclass(frozen=True, slots=True)
class TrainingCells:
    """n cells in T strata.

    Parameters
    ----------
    stratum: index [n] into the strata, which are in time order.
    stratum_time: days [T] since the first stratum's day.
    variant, context: 0-based indices [n].
    users: effective users [n]: an immature user counts as the share of rewards that
        has come by their age, in full while nothing is known of lags.
    successes: users [n] with a counted reward.
    maturity: that share [n], averaged over the cell's users, below 1 where one of them
        is immature; None: all have matured.
    seen: users [n] whatever their age; None: as `users`.
    passed: share [n] of the horizon behind the cell's users, on average; None: not
        known, and variants are as late as `maturity` says or not at all.

    """

    stratum: Integers
    stratum_time: Floats
    variant: Integers
    context: Integers
    users: Floats
    successes: Floats
    maturity: Floats | None = None
    seen: Floats | None = None
    passed: Floats | None = None

    @property
    def total(self) -> float:
        """Sum of rewards."""
        return float(self.successes.sum())


ExtraSums = Callable[[TrainingRow], Sequence[float]]


def tabulate_counts(
    rows: Iterable[TrainingRow],
    lags: Sequence[int],
    horizon_hours: float,
    as_of: datetime,
) -> TrainingCells:
    """Sum rows into cells; a stratum is one day and policy version.

    `lags` counts rewards of mature users by time since first touch, in equal buckets
    over the horizon. Mature and immature users of a stratum stay apart, because a slow
    variant can only be told from a bad one by how it does once its users are mature.
    Users of an age at which the share that has come cannot be told are left out.

    Raises ValueError for an immature row without an hour.
    """
    table, _ = aggregate_rows(
        rows, lambda row: compute_row_maturity(row, lags, horizon_hours, as_of)
    )
    return table


def aggregate_rows(
    rows: Iterable[TrainingRow],
    share_of: Callable[[TrainingRow], Maturity | None],
    extra: ExtraSums = lambda _: (),
    successes: Callable[[TrainingRow], int] = attrgetter("converted"),
) -> tuple[TrainingCells, Floats]:
    """Sum rows into cells as `tabulate` says, and beside them `extra` sums [n, ·].

    `share_of` tells which share of rewards has come to an immature row's users, None
    where nobody knows. A cell counts as at least so many users as have a reward; of
    its rows that would not hold: rows of single users would all count in full that
    have one, and the others in part.
    """
    found: dict[tuple[date, int, int, int, bool], Floats] = {}
    for row in rows:
        share = FULLY_MATURE if row.mature else share_of(row)
        if share is None:
            continue
        version = -1 if row.policy_version is None else row.policy_version
        key = (row.day, version, row.variant, row.context, row.mature)
        shares = share.weight, share.arrived, share.passed
        weighted = (row.users * each for each in shares)
        counted = row.users, *weighted, successes(row), *extra(row)
        sums = np.array(counted, np.float64)
        found[key] = found[key] + sums if key in found else sums
    keys = sorted(found)
    strata = sorted({key[:2] for key in keys})
    sums = np.zeros((0, 5))
    if keys:
        sums = np.array([found[key] for key in keys])
    mature = np.array([key[4] for key in keys], dtype=bool)
    part = np.minimum(
        sums[:, 2:4].T / np.maximum(sums[:, 0], 1e-12), MAX_IMMATURE_SHARE
    )
    come, passed = np.where(mature, 1.0, part)
    place = {stratum: index for index, stratum in enumerate(strata)}
    return TrainingCells(
        stratum=np.array([place[key[:2]] for key in keys], dtype=np.int64),
        stratum_time=_compute_stratum_times(strata),
        variant=np.array([key[2] for key in keys], dtype=np.int64),
        context=np.array([key[3] for key in keys], dtype=np.int64),
        users=np.maximum(sums[:, 1], sums[:, 4]),
        successes=sums[:, 4],
        maturity=come,
        seen=sums[:, 0],
        passed=passed,
    ), sums[:, 5:]


def sum_by_index(index: Integers, values: Floats, size: int) -> Floats:
    """Sums [size] of values [n] by index [n]."""
    return np.asarray(np.bincount(index, values, size), dtype=np.float64)


def validate_cells(cells: TrainingCells, design: Design) -> None:
    """Raise ValueError, naming the field, where cells cannot belong to the design."""
    _validate_lengths(cells)
    limits = {
        "stratum": len(cells.stratum_time),
        "variant": design.variants,
        "context": design.segments,
    }
    for name, limit in limits.items():
        index = getattr(cells, name)
        if index.size and (index.min() < 0 or index.max() >= limit):
            raise ValueError(f"{name}: must lie in 0..{limit - 1}")
    for name in ("users", "successes", "stratum_time", *SHARE_FIELDS):
        value = getattr(cells, name)
        if value is not None and (not np.isfinite(value).all() or (value < 0).any()):
            raise ValueError(f"{name}: must be finite and not negative")
    if (cells.successes > cells.users * (1 + 1e-9)).any():
        raise ValueError("successes: more than users")
    if (np.diff(cells.stratum_time) < 0).any():
        raise ValueError("stratum_time: must not go back")


def _validate_lengths(cells: TrainingCells) -> None:
    for name in ("variant", "context", "users", "successes", *SHARE_FIELDS):
        value = getattr(cells, name)
        if value is not None and value.shape != cells.stratum.shape:
            raise ValueError(f"{name}: one entry per cell is needed")


def compute_row_maturity(
    row: TrainingRow, lags: Sequence[int], horizon_hours: float, as_of: datetime
) -> Maturity | None:
    """Tell how far users have come who arrived within the row's hour.

    None where the histogram of lags is too coarse to tell.
    """
    if row.hour is None:
        raise ValueError("hour: needed for immature users")
    age = (as_of - row.hour - HALF_AN_HOUR) / timedelta(hours=1)
    return maturity.compute_maturity(age, lags, horizon_hours)


def _compute_stratum_times(strata: list[tuple[date, int]]) -> Floats:
    """Days since the first day; the versions of one day follow each other evenly."""
    counts = Counter(day for day, _ in strata)
    seen: Counter[date] = Counter()
    times = []
    for day, _ in strata:
        times.append((day - strata[0][0]).days + seen[day] / counts[day])
        seen[day] += 1
    return np.array(times, dtype=np.float64)

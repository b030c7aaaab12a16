"""Training cells: rows of the cube summed by stratum, variant and context."""

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
# With a horizon of so many hours, half an hour more or less of age matters little.
LEAST_CERTAIN_HOURS = 6
SHARE_FIELDS = "maturity", "elapsed", "seen"
# Highest maturity of immature users, even when every reward should have arrived.
MAX_IMMATURE_SHARE = 1.0 - 1e-9


@dataclass(frozen=True, slots=True)
class TrainingRow:
    """One cell of the cube as the learner reads it.

    `variant` and `context` are the 0-based indices of variant and context cell. `hour`
    is the hour of first touch, set for immature users only. `payers` are the users
    whose value is positive, `negatives` those whose value is negative. Numeric rewards
    use the sums of values and the sums of the logs of their sizes, by sign; outcome
    rewards use `outcome`, the key of the outcome.
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
    negatives: int = 0
    negative_log_sum: float = 0.0
    negative_log_sum_squares: float = 0.0


@dataclass(frozen=True, slots=True)
class TrainingCells:
    """Counts of n cells in T strata.

    Attributes
    ----------
    stratum: index [n] into the strata, which are in time order.
    stratum_time: days [T] since the first stratum's day.
    variant, context: 0-based indices [n] of variants and context cells.
    users: effective users [n]. An immature user counts as the share of rewards that
        arrives by their age, or in full while no lags are known.
    successes: users [n] with a counted reward.
    maturity: that share [n], averaged over the cell's users; below 1 if any of them is
        immature. None: all users are mature.
    seen: users [n] of any age. None: the same as `users`.
    elapsed: share [n] of the horizon that has elapsed, averaged over the cell's users.
        None: unknown; then `maturity` alone tells how late a variant may be.

    """

    stratum: Integers
    stratum_time: Floats
    variant: Integers
    context: Integers
    users: Floats
    successes: Floats
    maturity: Floats | None = None
    seen: Floats | None = None
    elapsed: Floats | None = None

    @property
    def rewards(self) -> Floats:
        """Sums [n] of rewards."""
        return self.successes

    @property
    def total(self) -> float:
        """Sum of rewards."""
        return float(self.rewards.sum())


# Day, policy version, variant, context, and whether the users are mature.
CellKey = tuple[date, int, int, int, bool]


def tabulate_counts(
    rows: Iterable[TrainingRow],
    lags: Sequence[int],
    horizon_hours: float,
    as_of: datetime,
) -> TrainingCells:
    """Sum rows into cells; a stratum is one day and policy version.

    `lags` counts rewards of mature users by time since first touch, in equal buckets
    over the horizon. Mature and immature users of a stratum get separate cells, because
    only mature users show whether a variant is slow or bad. Users of an age at which
    the histogram is too coarse to read are left out.

    Raises ValueError for an immature row without an hour.
    """
    table, _ = aggregate_rows(
        rows, lambda row: compute_row_maturity(row, lags, horizon_hours, as_of)
    )
    return table


def aggregate_rows(
    rows: Iterable[TrainingRow],
    assess_maturity: Callable[[TrainingRow], Maturity | None],
    list_extra_sums: Callable[[TrainingRow], Sequence[float]] = lambda _: (),
    count_successes: Callable[[TrainingRow], int] = attrgetter("converted"),
) -> tuple[TrainingCells, Floats]:
    """Sum rows into cells like `tabulate_counts`, plus a table [n, ·] of extra sums.

    `assess_maturity` is called for immature rows; a row for which it returns None is
    left out. A cell has at least as many effective users as successes. This minimum
    must not apply to single rows: in rows of one user each, users with a reward would
    count in full and the others in part.
    """
    sums_by_key: dict[CellKey, Floats] = {}
    for row in rows:
        row_maturity = FULLY_MATURE if row.mature else assess_maturity(row)
        if row_maturity is None:
            continue
        version = -1 if row.policy_version is None else row.policy_version
        key = (row.day, version, row.variant, row.context, row.mature)
        shares = row_maturity.weight, row_maturity.arrived, row_maturity.elapsed
        weighted = (row.users * share for share in shares)
        values = row.users, *weighted, count_successes(row), *list_extra_sums(row)
        row_sums = np.array(values, np.float64)
        if key in sums_by_key:
            row_sums = sums_by_key[key] + row_sums
        sums_by_key[key] = row_sums
    keys = sorted(sums_by_key)
    sums = np.zeros((0, 5))
    if keys:
        sums = np.array([sums_by_key[key] for key in keys])
    return _build_cells(keys, sums), sums[:, 5:]


def _build_cells(keys: list[CellKey], sums: Floats) -> TrainingCells:
    """Build cells from their keys [n], sorted, and sums [n, ·].

    The first five columns of `sums` are users, users times their weight, arrived share
    and elapsed share, and successes.
    """
    strata = sorted({key[:2] for key in keys})
    stratum_index = {stratum: index for index, stratum in enumerate(strata)}
    mature = np.array([key[4] for key in keys], dtype=bool)
    shares = np.minimum(
        sums[:, 2:4].T / np.maximum(sums[:, 0], 1e-12), MAX_IMMATURE_SHARE
    )
    arrived, elapsed = np.where(mature, 1.0, shares)
    return TrainingCells(
        stratum=np.array([stratum_index[key[:2]] for key in keys], dtype=np.int64),
        stratum_time=_compute_stratum_times(strata),
        variant=np.array([key[2] for key in keys], dtype=np.int64),
        context=np.array([key[3] for key in keys], dtype=np.int64),
        users=np.maximum(sums[:, 1], sums[:, 4]),
        successes=sums[:, 4],
        maturity=arrived,
        seen=sums[:, 0],
        elapsed=elapsed,
    )


def sum_by_index(index: Integers, values: Floats, size: int) -> Floats:
    """Return sums [size] of values [n] by index [n]."""
    return np.asarray(np.bincount(index, values, size), dtype=np.float64)


def validate_cells(cells: TrainingCells, design: Design) -> None:
    """Raise ValueError, naming the field, if the cells cannot belong to the design."""
    _validate_lengths(cells)
    limits = {
        "stratum": len(cells.stratum_time),
        "variant": design.variants,
        "context": design.context_cells,
    }
    for name, limit in limits.items():
        index = getattr(cells, name)
        if index.size and (index.min() < 0 or index.max() >= limit):
            raise ValueError(f"{name}: must be from 0 to {limit - 1}")
    for name in ("users", "successes", "stratum_time", *SHARE_FIELDS):
        value = getattr(cells, name)
        if value is not None and (not np.isfinite(value).all() or (value < 0).any()):
            raise ValueError(f"{name}: must be finite and not negative")
    if (cells.successes > cells.users * (1 + 1e-9)).any():
        raise ValueError("successes: must not exceed users")
    if (np.diff(cells.stratum_time) < 0).any():
        raise ValueError("stratum_time: must not decrease")


def _validate_lengths(cells: TrainingCells) -> None:
    for name in ("variant", "context", "users", "successes", *SHARE_FIELDS):
        value = getattr(cells, name)
        if value is not None and value.shape != cells.stratum.shape:
            raise ValueError(f"{name}: must have one entry per cell")


def compute_row_maturity(
    row: TrainingRow, lags: Sequence[int], horizon_hours: float, as_of: datetime
) -> Maturity | None:
    """Return the maturity of an immature row's users, taken to arrive at half past.

    Returns None if the histogram of lags is too coarse to tell, or if the horizon is so
    short that it matters when within the hour they came. Raises ValueError for a row
    without an hour.
    """
    if row.hour is None:
        raise ValueError("hour: must be set for immature users")
    age = (as_of - row.hour - HALF_AN_HOUR) / timedelta(hours=1)
    if horizon_hours < LEAST_CERTAIN_HOURS and not maturity.is_certain(
        age, lags, horizon_hours
    ):
        return None
    return maturity.compute_maturity(age, lags, horizon_hours)


def _compute_stratum_times(strata: list[tuple[date, int]]) -> Floats:
    """Return days [T] since the first day, the versions of one day evenly spaced."""
    versions = Counter(day for day, _ in strata)
    preceding: Counter[date] = Counter()
    times = []
    for day, _ in strata:
        times.append((day - strata[0][0]).days + preceding[day] / versions[day])
        preceding[day] += 1
    return np.array(times, dtype=np.float64)

"""Where the anytime figures of an optimization are tightest: users, and holdout share.

Both must follow neither the data nor what is changed after a look, or the promise of the
figures is void. So they depend on the configuration before the first user, and on how
many users came in one week.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from metrics import stats
from metrics.stats.anytime import DEFAULT_EXPECTED_USERS
from optimizations.cube import aggregates
from optimizations.cube.cell_columns import CellArrays
from optimizations.cube.refresh import ObservationCube
from optimizations.models import Optimization, Regime

WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Tuning:
    """Expected users of both arms, and the configured holdout share (0 to 1) if any."""

    expected_users: int
    holdout_share: float | None


def find_tuning(
    optimization: Optimization, cube: ObservationCube, regimes: Sequence[Regime]
) -> Tuning:
    """Return the tuning at the cube's time; `regimes` are the optimization's, in order.

    Without configured users it is 10,000 until the first full week after going live is
    over, and then four times that week's for good. The share is the first one with a
    holdout: nobody was compared before. Whoever could choose it again, by changing the
    holdout, would choose between sequences by their p-values.
    """
    users = optimization.expected_users
    if users is None:
        week = find_first_week_users(optimization, cube)
        users = stats.project_users_from_first_week(week) if week else None
    return Tuning(users or DEFAULT_EXPECTED_USERS, _find_first_share(regimes))


def find_first_week_users(
    optimization: Optimization, cube: ObservationCube
) -> int | None:
    """Return the users of the first full week, as stored or counted; None before its end.

    They are those of all revisions of the metric: its change must not move the figures.
    """
    summary = getattr(optimization, "results_summary", None)
    if summary is not None and summary.first_week_users is not None:
        users: int = summary.first_week_users
        return users
    cells = select_first_week(optimization, cube)
    return None if cells is None else int(cells.users.sum())


def select_first_week(
    optimization: Optimization, cube: ObservationCube
) -> CellArrays | None:
    """Return the cells of the first full week, of all revisions; None before its end."""
    end = _compute_week_end(optimization)
    if end is None or cube.as_of is None or cube.as_of < end:
        return None
    first, last = (end - WEEK).date(), (end - timedelta(days=1)).date()
    return aggregates.select_days(cube.split_arrays, first, last)


def _compute_week_end(optimization: Optimization) -> datetime | None:
    """Return the end of the first seven whole days (UTC) after going live."""
    went_live_at = optimization.went_live_at
    if went_live_at is None:
        return None
    day = went_live_at.astimezone(UTC).date() + timedelta(days=1)
    return datetime.combine(day, time(), UTC) + WEEK


def _find_first_share(regimes: Sequence[Regime]) -> float | None:
    """Return the share of the first regime with both arms; None without any."""
    shares = (regime.holdout_percentage / 100 for regime in regimes)
    return next((share for share in shares if 0 < share < 1), None)

"""Whether the data support what the model says: without support it is withheld."""

from dataclasses import replace

import numpy as np

from metrics.models import Metric
from metrics.stats.minimum_data import MINIMUM_EXPECTED_CONVERSIONS
from optimizations.cube import aggregates
from optimizations.cube.cell_columns import CellArrays
from optimizations.cube.refresh import ObservationCube
from optimizations.results.checks.baseline_check import BASELINE

NO_USERS = "no user has been counted yet"
NO_MATURE_USER = "no user's horizon has passed yet, so rewards may still come"


def explain_immaturity(cube: ObservationCube) -> str | None:
    """Return why every modeled figure is withheld, or None once a user is mature.

    Before the first user is mature, nobody knows what users are worth at the horizon.
    """
    cells = cube.arrays
    is_seen = cells.variant > 0
    if not cells.users[is_seen].sum():
        return NO_USERS
    return None if cells.users[is_seen & cells.mature].sum() else NO_MATURE_USER


def explain_missing_support(metric: Metric, cube: ObservationCube) -> str | None:
    """Return why modeled comparisons and a winner rest on the prior alone, or None.

    A user must be mature. Then, if all variants did alike, 10 users with a reward must be
    expected among the users of the baseline, in whichever arm, and 10 among those of the
    other variants. Below, the figures of a model say what was assumed before, not what was
    seen. Of amounts, users count whose total is above zero (below zero, where these are
    more, as of losses): purchases that were refunded in full support nothing.
    """
    if immature := explain_immaturity(cube):
        return immature
    cells = _count_supporting(metric, cube)
    is_seen = cells.variant > 0
    by_variant = aggregates.count_by_key(cells, is_seen, cells.variant == BASELINE)
    counts = {key: group for key, group in by_variant.items() if key[0]}
    users = sum(group.users for group in counts.values())
    share = sum(group.conversions for group in counts.values()) / users
    for is_baseline, name in ((True, "the baseline"), (False, "the other variants")):
        group = counts.get((True, is_baseline), aggregates.Counts())
        expected = share * group.users
        if expected < MINIMUM_EXPECTED_CONVERSIONS:
            return (
                f"{expected:.3g} users with a reward are expected among the "
                f"{group.users} users of {name} if all variants do alike; "
                f"{MINIMUM_EXPECTED_CONVERSIONS} are needed"
            )
    return None


def _count_supporting(metric: Metric, cube: ObservationCube) -> CellArrays:
    """Return the cells with the users as `converted` whose rewards say something.

    Days of earlier versions do not tell whose total is below zero: where nobody's is
    above, cells count that have a total other than zero.
    """
    cells = cube.arrays
    if metric.reward_type != "numeric":
        return cells
    positive, negative = cube.payments.payers, cube.payments.negatives
    converted = negative if negative.sum() > positive.sum() else positive
    if not converted.any():
        converted = np.where(cells.value_sum_squares > 0, cells.converted, 0)
    return replace(cells, converted=converted)

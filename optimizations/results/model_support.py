"""Whether the data support what the model says: without support it is withheld."""

from metrics.stats.minimum_data import MINIMUM_EXPECTED_CONVERSIONS
from optimizations.cube import aggregates
from optimizations.cube.cell_columns import CellArrays

BASELINE = 1  # the number of the baseline variant
NO_USERS = "no user has been counted yet"
NO_MATURE_USER = "no user's horizon has passed yet, so rewards may still come"


def explain_missing_support(cells: CellArrays) -> str | None:
    """Return why modeled comparisons and a winner rest on the prior alone, or None.

    Before the first user is mature, nobody knows what users are worth at the horizon. Then,
    if all variants did alike, 10 users with a reward must be expected among the users of
    the baseline, in whichever arm, and 10 among those of the other variants. Below, the
    figures of a model say what was assumed before, not what was seen.
    """
    seen = cells.select(cells.variant > 0)
    counts = aggregates.count_by_key(seen, seen.variant == BASELINE)
    users = sum(group.users for group in counts.values())
    if not users:
        return NO_USERS
    if not seen.users[seen.mature].sum():
        return NO_MATURE_USER
    share = sum(group.conversions for group in counts.values()) / users
    for is_baseline, name in ((True, "the baseline"), (False, "the other variants")):
        group = counts.get((is_baseline,), aggregates.Counts())
        expected = share * group.users
        if expected < MINIMUM_EXPECTED_CONVERSIONS:
            return (
                f"{expected:.3g} users with a reward are expected among the "
                f"{group.users} users of {name} if all variants do alike; "
                f"{MINIMUM_EXPECTED_CONVERSIONS} are needed"
            )
    return None

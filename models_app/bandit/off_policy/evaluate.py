"""What another policy would have earned, from counts and known propensities alone."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models_app.bandit.data.logged_data import (
    LoggedCells,
    PolicyTables,
    compute_holdout_share,
    find_possible_cells,
)
from models_app.bandit.design.design import Integers
from models_app.bandit.off_policy import estimators
from models_app.bandit.off_policy.estimators import ValueEstimate
from models_app.bandit.off_policy.importance_weights import (
    ImportanceWeights,
    UnsupportedError,
    WeightedCells,
)

__all__ = [
    "Evaluation",
    "LoggedCells",
    "PolicyTables",
    "UnsupportedError",
    "ValueDifference",
    "ValueEstimate",
    "ValueEstimates",
    "evaluate_policy",
]

MINIMUM_USERS = 100
MINIMUM_DECIDING_USERS = 50
MINIMUM_CONVERSIONS = 20
MINIMUM_PAYERS = 50


@dataclass(frozen=True, slots=True)
class ValueEstimates:
    """The same quantity by three estimators; see `evaluate`."""

    ips: ValueEstimate
    snips: ValueEstimate
    doubly_robust: ValueEstimate


@dataclass(frozen=True, slots=True)
class ValueDifference:
    """Target minus served, doubly robust, with its 95% interval."""

    value: float
    lo: float
    hi: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What `evaluate` found.

    `target`, `served` and `difference` (target minus served, doubly robust, on the same
    users) are None where `withheld` says why. `deciding_users`: how many are expected
    to carry the uncertainty. Users left out: `against_policy` saw what the logged
    policy gives with probability 0, `without_comparison` came on days of a regime on
    which nobody was optimized.
    """

    users: int
    deciding_users: float
    against_policy: int
    without_comparison: int
    target: ValueEstimates | None = None
    served: ValueEstimates | None = None
    difference: ValueDifference | None = None
    withheld: str | None = None


def evaluate_policy(
    logged: LoggedCells, served: PolicyTables, target: PolicyTables, *, binary: bool
) -> Evaluation:
    """Estimate the mean value per user under `target`, a table for each version.

    Both arms are used. On a day of a regime a user was held out with the share a that
    was (counted, not configured), so a variant had probability (1 - a) p, the baseline
    a more; w = target / that (Agarwal, Basu, Schnabel and Joachims 2017, the balanced
    estimator). With y a user's value and m the reward model: `ips` is the mean of w·y,
    `snips` Σ w·y / Σ w, `doubly_robust` the mean of Σ_v target·m + w·(y - m).

    The quantity is the mean over users as they came: a stratum (regime, day, version)
    counts by its users. `target` may differ by version but must not know more than was
    known when that version was made. Variances are those within strata, from sums of
    squares. `served` is judged by the same estimators: the optimized arm's policy as it
    ran.

    Nothing is published below MINIMUM_USERS users, MINIMUM_DECIDING deciding users
    ((E Σw²)² / E Σw⁴: with one fixed probability, the users expected to be shown the
    variant), or where fewer than MINIMUM_CONVERSIONS of those would convert or would not
    (of amounts: fewer than MINIMUM_PAYERS would pay) at the overall rate. The rule looks at what to expect
    and not at what came, so that luck does not choose what is published.

    Raises UnsupportedError where the target needs a variant that had no probability.
    """
    logged, against = _select_cells(logged, find_possible_cells(logged, served))
    logged, alone = _select_cells(logged, compute_holdout_share(logged) < 1)
    users = int(logged.users.sum())
    if not users:
        nobody = "no users of the optimized arm can be used"
        return Evaluation(0, 0.0, against, alone, withheld=nobody)
    weights = ImportanceWeights(logged)
    aimed = weights.weigh_cells(served, target)
    reason = _explain_withheld(logged, aimed, binary=binary)
    if reason is not None:
        return Evaluation(users, aimed.deciding, against, alone, withheld=reason)
    ran = weights.weigh_cells(served, served)
    value, low, high = estimators.estimate_difference(
        estimators.estimate_doubly_robust(logged, aimed),
        estimators.estimate_doubly_robust(logged, ran),
        logged,
        weights.strata,
        binary=binary,
    )
    return Evaluation(
        users,
        aimed.deciding,
        against,
        alone,
        target=_compute_estimates(logged, weights.strata, aimed, binary=binary),
        served=_compute_estimates(logged, weights.strata, ran, binary=binary),
        difference=ValueDifference(value, low, high),
    )


def _select_cells(
    logged: LoggedCells, chosen: NDArray[np.bool_]
) -> tuple[LoggedCells, int]:
    """Return the cells chosen, and how many users the others have."""
    return logged.only(chosen), int(logged.users[~chosen].sum())


def _explain_withheld(
    logged: LoggedCells, aimed: WeightedCells, *, binary: bool
) -> str | None:
    users = float(logged.users.sum())
    if users < MINIMUM_USERS:
        return f"{users:.0f} users can be used, {MINIMUM_USERS} are needed"
    if aimed.deciding < MINIMUM_DECIDING_USERS:
        return (
            "the policies that served show what this one would too rarely: the figure "
            f"would rest on {aimed.deciding:.0f} users, {MINIMUM_DECIDING_USERS} are needed"
        )
    rate = float(logged.converted.sum()) / users
    needed = MINIMUM_CONVERSIONS if binary else MINIMUM_PAYERS
    for what, share in (("conversions", rate), ("users without one", 1 - rate)):
        expected = aimed.deciding * share
        if expected < needed and (binary or what == "conversions"):
            return (
                f"the figure would rest on {expected:.0f} {what}, {needed} are needed"
            )
    return None


def _compute_estimates(
    logged: LoggedCells, strata: Integers, given: WeightedCells, *, binary: bool
) -> ValueEstimates:
    spread = estimators.estimate_variance(logged, given)
    ways = (
        estimators.estimate_ips,
        estimators.estimate_snips,
        estimators.estimate_doubly_robust,
    )
    return ValueEstimates(
        *(
            estimators.add_interval(
                way(logged, given), logged, strata, spread, binary=binary
            )
            for way in ways
        )
    )

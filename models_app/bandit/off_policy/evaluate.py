"""Off-policy evaluation: what another policy would have earned, from logged cells."""

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
    """One quantity by three estimators; see `evaluate_policy`."""

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
    """The result of `evaluate_policy`.

    Attributes
    ----------
    users: number of users that the estimates use.
    deciding_users: expected number of users that carry the uncertainty.
    against_policy: users left out because the logged policy gives their variant
        probability 0.
    without_comparison: users left out because nobody in their regime was optimized on
        their day.
    target, served: estimates for both policies; None if `withheld` says why.
    difference: target minus served on the same users; None if `withheld` says why.
    withheld: reason for publishing no estimates, or None.

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

    Both arms are used. Let a be the share of users who were in the holdout on a day of
    a regime (counted, not configured). A variant then had probability (1 - a) p, the
    baseline a more. The weight w is the target's probability over that one (the
    balanced estimator of Agarwal, Basu, Schnabel and Joachims 2017). With y a user's
    value and m the reward model, `ips` is the mean of w·y, `snips` is Σ w·y / Σ w, and
    `doubly_robust` is the mean of Σ_v target·m + w·(y - m).

    The quantity is the mean over users as they came: a stratum (regime, day, version)
    counts by its users. `target` may differ by version, but must not use what became
    known after that version was made. Variances are those within strata, from sums of
    squares. `served`, the optimized arm's policy as it ran, is evaluated by the same
    estimators.

    Estimates are withheld below MINIMUM_USERS users and below MINIMUM_DECIDING_USERS
    deciding users, (E Σw²)² / E Σw⁴: with one fixed probability, those expected to see
    the variant. They are also withheld if fewer than MINIMUM_CONVERSIONS of the
    deciding users would convert, or would not, at the overall rate (for amounts: if
    fewer than MINIMUM_PAYERS would pay). The rule uses expected instead of observed
    counts, so that luck does not decide what is published.

    Raises UnsupportedError if the target needs a variant that had no probability.
    """
    logged, against_policy = _select_cells(logged, find_possible_cells(logged, served))
    logged, without_comparison = _select_cells(
        logged, compute_holdout_share(logged) < 1
    )
    users = int(logged.users.sum())
    left_out = against_policy, without_comparison
    if not users:
        reason = "no user of the optimized arm is usable"
        return Evaluation(0, 0.0, *left_out, withheld=reason)
    weights = ImportanceWeights(logged)
    target_cells = weights.weigh_cells(served, target)
    withheld = _explain_withheld(logged, target_cells.deciding, binary=binary)
    if withheld is not None:
        return Evaluation(users, target_cells.deciding, *left_out, withheld=withheld)
    served_cells = weights.weigh_cells(served, served)
    value, lo, hi = estimators.estimate_difference(
        estimators.estimate_doubly_robust(logged, target_cells),
        estimators.estimate_doubly_robust(logged, served_cells),
        logged,
        weights.strata,
        binary=binary,
    )
    return Evaluation(
        users,
        target_cells.deciding,
        *left_out,
        target=_compute_estimates(logged, weights.strata, target_cells, binary=binary),
        served=_compute_estimates(logged, weights.strata, served_cells, binary=binary),
        difference=ValueDifference(value, lo, hi),
    )


def _select_cells(
    logged: LoggedCells, mask: NDArray[np.bool_]
) -> tuple[LoggedCells, int]:
    """Return the cells where the mask [n] is true, and the number of other users."""
    return logged.only(mask), int(logged.users[~mask].sum())


def _explain_withheld(
    logged: LoggedCells, deciding: float, *, binary: bool
) -> str | None:
    """Return why the data are too few for an estimate, or None."""
    users = float(logged.users.sum())
    if users < MINIMUM_USERS:
        return f"only {users:.0f} users are usable; {MINIMUM_USERS} are needed"
    if deciding < MINIMUM_DECIDING_USERS:
        return (
            "the policies that served rarely showed what this one would: the estimate "
            f"would rest on {deciding:.0f} users; {MINIMUM_DECIDING_USERS} are needed"
        )
    rate = float(logged.converted.sum()) / users
    minimum = MINIMUM_CONVERSIONS if binary else MINIMUM_PAYERS
    expected = {"conversions": deciding * rate}
    if binary:
        expected["users without a conversion"] = deciding * (1 - rate)
    for name, count in expected.items():
        if count < minimum:
            return (
                f"the estimate would rest on {count:.0f} {name}; {minimum} are needed"
            )
    return None


def _compute_estimates(
    logged: LoggedCells, strata: Integers, cells: WeightedCells, *, binary: bool
) -> ValueEstimates:
    variance = estimators.estimate_variance(logged, cells)
    ips, snips, doubly_robust = (
        estimators.add_interval(
            estimate(logged, cells), logged, strata, variance, binary=binary
        )
        for estimate in (
            estimators.estimate_ips,
            estimators.estimate_snips,
            estimators.estimate_doubly_robust,
        )
    )
    return ValueEstimates(ips, snips, doubly_robust)

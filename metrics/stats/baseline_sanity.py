"""Check of a model's baseline against the recent holdout."""

import math
from dataclasses import dataclass

from metrics.stats.lift_result import RewardType
from metrics.stats.minimum_data import (
    MINIMUM_CONVERSIONS,
    MINIMUM_EXPECTED_CONVERSIONS,
    MINIMUM_USERS,
    format_count,
)
from metrics.stats.normal import CRITICAL
from metrics.stats.rewarded_users import estimate_rewarded_share
from metrics.stats.totals import EMPTY_TOTALS, Totals

# Standard errors allowed; 3 instead of 2, because every training repeats the check.
BASELINE_LIMIT = 3.0
# How many times its own a sample's spread may be under the hypothesis, as for amounts.
MAX_RATIO = 20.0
# How far peers' contexts may move their share of rewarded users, relative to it, in sds.
PEER_ERROR = 0.2

Estimate = tuple[float, float]  # mean and sd


@dataclass(frozen=True, slots=True)
class BaselineSanity:
    """Result of the baseline check; `z` is in standard errors.

    `ok` is None if it cannot be checked; `reason` then says why.
    """

    ok: bool | None
    z: float | None
    model_mean: float
    holdout_mean: float | None
    reason: str | None


def check_baseline(
    model_mean: float,
    model_interval: tuple[float, float],
    holdout: Totals,
    kind: RewardType,
    rewards: Totals = EMPTY_TOTALS,
    peers: Totals = EMPTY_TOTALS,
) -> BaselineSanity:
    """Check that the model's baseline reproduces the recent holdout mean.

    `model_interval` is the 95% interval of `model_mean` (per user, same unit), `rewards`
    are totals of all users of the baseline, and `peers` of those whom the optimized arm
    was shown it on the holdout's days.
    z = (model - holdout) / √(sd_model² + se_holdout²), with the variance that would hold
    if the model were right, see `_compute_variance`. `ok` means |z| ≤ 3; otherwise the
    modeled lift is withheld. Amounts and outcomes are also judged by their shares of
    rewarded users, as `bool` is, by the share that the model expects according to
    `rewards` or by that of the peers, whichever is known better; the larger |z| counts. It takes 5 conversions in the holdout, or 10 that the model
    expects there: a holdout whose events get lost never has any.
    """
    model = model_mean, (model_interval[1] - model_interval[0]) / (2 * CRITICAL)
    share: Estimate | None = model
    if kind != "bool":
        share = _choose_better(
            estimate_rewarded_share(model, rewards), _estimate_share(peers)
        )
    mean = holdout.mean if holdout.users else None
    reason = _explain_uncheckable(holdout, share[0] if share else None)
    if reason is not None:
        return BaselineSanity(
            ok=None, z=None, model_mean=model_mean, holdout_mean=mean, reason=reason
        )
    z = max(_list_z(model, share, holdout, kind, rewards), key=abs)
    ok = abs(z) <= BASELINE_LIMIT
    return BaselineSanity(
        ok=ok,
        z=z if math.isfinite(z) else None,
        model_mean=model_mean,
        holdout_mean=mean,
        reason=None
        if ok
        else "the model's baseline does not reproduce the recent holdout mean",
    )


def _choose_better(first: Estimate | None, second: Estimate | None) -> Estimate | None:
    """Return the estimate that is known better relative to its size; None without any."""
    known = [estimate for estimate in (first, second) if estimate is not None]
    return min(known, key=lambda known: known[1] / known[0], default=None)


def _estimate_share(peers: Totals) -> Estimate | None:
    """Return the share of rewarded peers and its sd, with room for other contexts."""
    rewarded = peers.converted_at_least
    if rewarded < MINIMUM_CONVERSIONS:
        return None
    share = rewarded / peers.users
    error = math.sqrt(share * (1 - share) / peers.users)
    return share, math.hypot(error, PEER_ERROR * share)


def _list_z(
    model: Estimate,
    share: Estimate | None,
    holdout: Totals,
    kind: RewardType,
    rewards: Totals,
) -> list[float]:
    """Return the standard errors of the means, and of the shares of rewarded users."""
    if kind == "bool":
        return [_compute_z(model, holdout, kind, rewards)]
    zs = []
    if share is None or holdout.converted_at_least >= MINIMUM_CONVERSIONS:
        zs.append(_compute_z(model, holdout, kind, rewards))
    if share is not None:
        rewarded = Totals.from_conversions(holdout.users, holdout.converted_at_least)
        zs.append(_compute_z(share, rewarded, "bool", EMPTY_TOTALS))
    return zs


def _compute_z(
    model: Estimate, holdout: Totals, kind: RewardType, rewards: Totals
) -> float:
    """Return the standard errors from the holdout's mean to the model's."""
    mean, sd = model
    variance = _compute_variance(mean, holdout, kind, rewards)
    error = math.hypot(sd, math.sqrt(variance / holdout.users))
    distance = mean - holdout.mean
    if distance == 0:
        return 0.0
    return distance / error if error > 0 else math.copysign(math.inf, distance)


def _explain_uncheckable(holdout: Totals, expected_share: float | None) -> str | None:
    if holdout.users < MINIMUM_USERS:
        return (
            f"the recent holdout has {format_count(holdout.users, 'user')}; "
            f"{MINIMUM_USERS} are needed"
        )
    if holdout.converted_at_least >= MINIMUM_CONVERSIONS:
        return None
    few = f"the recent holdout has fewer than {MINIMUM_CONVERSIONS} conversions"
    if expected_share is None:
        return f"{few}, and too few rewards tell how many the model expects"
    if expected_share * holdout.users >= MINIMUM_EXPECTED_CONVERSIONS:
        return None
    return f"{few}, and the model expects fewer than {MINIMUM_EXPECTED_CONVERSIONS}"


def _compute_variance(
    model_mean: float, holdout: Totals, kind: RewardType, rewards: Totals
) -> float:
    """Return the variance of a value if the model's mean were the true one.

    Of amounts it is the largest of the holdout's own, of what it were if more users or
    larger amounts made the mean the model's, and of that of all users of the baseline
    with larger amounts. A sample of skewed amounts without a large one has both a low
    mean and a small spread, which must not pass for proof.
    """
    if kind == "bool":
        rate = min(max(model_mean, 0.0), 1.0)
        return rate * (1 - rate)
    variances = [0.0]
    for totals in (holdout, rewards):
        if totals.users < 2:
            continue
        own = totals.squared_deviations / (totals.users - 1)
        ratio = max(_compute_ratio(model_mean, totals.mean), 1.0)
        variances.append(own * ratio**2)
    return max(variances)


def _compute_ratio(model_mean: float, mean: float) -> float:
    """Return how many times the mean the model's is; MAX_RATIO if their signs differ."""
    if model_mean * mean <= 0:
        return MAX_RATIO if model_mean else 1.0
    return min(model_mean / mean, MAX_RATIO)

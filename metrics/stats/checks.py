"""Checks published beside the lift: baseline, maturity, crossover, arm mismatch."""

import math
from dataclasses import dataclass

from metrics.stats.lift_result import RewardType
from metrics.stats.minimum_data import MINIMUM_CONVERSIONS, MINIMUM_USERS
from metrics.stats.normal import CRITICAL
from metrics.stats.totals import Totals

BASELINE_LIMIT = 3.0
"""A gate looked at after every training: 3 standard errors, not 2."""

MATURE_SHARE = 0.5
CROSSOVER_SHARE = 0.05
MISMATCH_SHARE = 0.01


@dataclass(frozen=True, slots=True)
class BaselineSanity:
    """``ok`` None: cannot be checked, ``reason`` says why. ``z`` in standard errors."""

    ok: bool | None
    z: float | None
    model_mean: float
    holdout_mean: float | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class ShareCheck:
    """A share of users (0..1, None without users) and whether it is within ``limit``."""

    ok: bool | None
    share: float | None
    limit: float
    reason: str | None


def check_baseline(
    model_mean: float,
    model_interval: tuple[float, float],
    holdout: Totals,
    kind: RewardType,
) -> BaselineSanity:
    """Does the model's baseline reproduce the recent holdout mean?

    ``model_interval`` is the 95% interval of ``model_mean`` (per user, same
    unit). z = (model - holdout) / √(sd_model² + se_holdout²), for ``bool``
    with the variance that would hold if the model were right. ``ok`` within 3.
    Modeled lift is withheld where this is not ok.
    """
    reason = _explain_uncheckable(holdout)
    if reason is not None:
        mean = holdout.mean if holdout.users else None
        return BaselineSanity(
            ok=None, z=None, model_mean=model_mean, holdout_mean=mean, reason=reason
        )
    sd = (model_interval[1] - model_interval[0]) / (2 * CRITICAL)
    error = math.hypot(
        sd, math.sqrt(_compute_variance(model_mean, holdout, kind) / holdout.users)
    )
    distance = model_mean - holdout.mean
    z = distance / error if error > 0 else math.copysign(math.inf, distance)
    ok = distance == 0 or abs(z) <= BASELINE_LIMIT
    return BaselineSanity(
        ok=ok,
        z=z if math.isfinite(z) else None,
        model_mean=model_mean,
        holdout_mean=holdout.mean,
        reason=None
        if ok
        else "the model's baseline does not reproduce the recent holdout mean",
    )


def check_maturity(mature_users: int, users: int) -> ShareCheck:
    """Share of users whose horizon has passed; ok from one half."""
    share = mature_users / users if users else None
    ok = None if share is None else share >= MATURE_SHARE
    return ShareCheck(
        ok,
        share,
        MATURE_SHARE,
        _explain_share(share, "of users are mature yet", fine=ok),
    )


def check_crossover(crossover_users: int, users: int) -> ShareCheck:
    """Share of users later shown another variant; ok up to 5%."""
    return _check_at_most(
        crossover_users, users, CROSSOVER_SHARE, "of users saw another variant later"
    )


def check_arm_mismatch(mismatched_users: int, users: int) -> ShareCheck:
    """Share of users logged with an arm the rule did not give them; ok up to 1%."""
    return _check_at_most(
        mismatched_users, users, MISMATCH_SHARE, "of users were logged with another arm"
    )


def _check_at_most(part: int, users: int, limit: float, what: str) -> ShareCheck:
    share = part / users if users else None
    ok = None if share is None else share <= limit
    return ShareCheck(ok, share, limit, _explain_share(share, what, fine=ok))


def _explain_share(share: float | None, what: str, *, fine: bool | None) -> str | None:
    if share is None:
        return "no users yet"
    return None if fine else f"{100 * share:.3g}% {what}"


def _explain_uncheckable(holdout: Totals) -> str | None:
    if holdout.users < MINIMUM_USERS:
        return (
            f"the recent holdout has {holdout.users} users, {MINIMUM_USERS} are needed"
        )
    if holdout.converted_at_least < MINIMUM_CONVERSIONS:
        return f"the recent holdout has fewer than {MINIMUM_CONVERSIONS} conversions"
    return None


def _compute_variance(model_mean: float, holdout: Totals, kind: RewardType) -> float:
    if kind == "bool":
        rate = min(max(model_mean, 0.0), 1.0)
        return rate * (1 - rate)
    return holdout.squared_deviations / (holdout.users - 1)

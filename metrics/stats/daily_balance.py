"""The sample ratio by day: losses that cancel in total, and those that begin late.

Half of the holdout lost in one week and half of the optimized arm in the next leave the
total as configured, and bend the lift all the same where the base rate moved meanwhile.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import numpy as np

from metrics.stats.balance import ALARM_P_VALUE, PRIOR_USERS, Split
from metrics.stats.log_gamma import Floats, compute_log_beta

# A single day has fewer users than a regime, so only larger deviations can show there.
PRIOR_USERS_OF_DAY = 300.0
SHOWN_DAYS = 3


@dataclass(frozen=True, slots=True)
class DaySplit:
    """Users first touched on one day of one regime, by arm."""

    day: date
    regime: int
    split: Split


@dataclass(frozen=True, slots=True)
class DeviatingDay:
    """A day whose users are split least as configured; shares (0 to 1) of the holdout."""

    date: date
    users: int
    observed_share: float
    expected_share: float


@dataclass(frozen=True, slots=True)
class DailySampleRatio:
    """Result of the check; `p_value` may be looked at daily, and never rises again.

    `ok` is False from 0.001 down; `days` are then those that deviate most.
    """

    p_value: float
    ok: bool
    days: list[DeviatingDay]


def check_daily_sample_ratio(days: Iterable[DaySplit]) -> DailySampleRatio:
    """Test by total, by day and from each start day that users split as configured.

    The evidence after each day is the mean of three martingales that start at 1, so one
    over the largest so far is a p-value for all looks together (Ville 1939). Days whose
    configured share is 0 or 1 say nothing here; `check_sample_ratio` judges them.
    """
    used = [
        day
        for day in sorted(days, key=lambda day: (day.regime, day.day))
        if day.split.optimized + day.split.holdout and 0 < day.split.holdout_share < 1
    ]
    if not used:
        return DailySampleRatio(1.0, ok=True, days=[])
    holdout, optimized, shares = np.array(
        [(d.split.holdout, d.split.optimized, d.split.holdout_share) for d in used],
        dtype=float,
    ).T
    regimes = np.array([day.regime for day in used])
    log_evidence = compute_log_evidence(holdout, optimized, shares, regimes)
    p_value = math.exp(-max(float(log_evidence.max()), 0.0))
    if p_value > ALARM_P_VALUE:
        return DailySampleRatio(p_value, ok=True, days=[])
    factors = compute_log_factor(holdout, optimized, shares, PRIOR_USERS_OF_DAY)
    largest = np.argsort(-factors, kind="stable")[:SHOWN_DAYS]
    shown = [_describe_day(used[i]) for i in largest]
    return DailySampleRatio(p_value, ok=False, days=shown)


def compute_log_evidence(
    holdout: Floats, optimized: Floats, shares: Floats, regimes: Floats
) -> Floats:
    """Return the log of the evidence after each day [..., day].

    `holdout` and `optimized` are users by day [..., day], `shares` and `regimes` belong
    to the days [day], ordered by regime.
    """
    by_day = compute_log_factor(holdout, optimized, shares, PRIOR_USERS_OF_DAY)
    totals, starts = [], []
    total_before = np.zeros((*holdout.shape[:-1], 1))
    # log factor of each span that began on an earlier day and lasts until the regime
    open_spans = np.zeros((*holdout.shape[:-1], 0))
    for regime in np.unique(regimes):
        place = regimes == regime
        spans = _compute_spans(
            holdout[..., place], optimized[..., place], shares[place]
        )
        first = spans[..., 0, :]
        totals.append(total_before + first)
        starts.append(_mix_starts(open_spans, spans))
        total_before = totals[-1][..., -1:]
        open_spans = np.concatenate(
            [open_spans + first[..., -1:], spans[..., :, -1]], axis=-1
        )
    parts = [
        np.concatenate(totals, axis=-1),
        by_day.cumsum(axis=-1),
        np.concatenate(starts, axis=-1),
    ]
    return np.asarray(np.logaddexp.reduce(parts, axis=0) - math.log(len(parts)))


def compute_log_factor(
    holdout: Floats, optimized: Floats, shares: Floats, prior_users: float
) -> Floats:
    """Return the log likelihood of counts under a mixture of shares, over the configured.

    The mixture is Beta(c·s, c·(1 - s)) with c `prior_users` and s the configured share.
    """
    a, b = prior_users * shares, prior_users * (1 - shares)
    mixture = compute_log_beta(a + holdout, b + optimized) - compute_log_beta(a, b)
    return np.asarray(
        mixture - holdout * np.log(shares) - optimized * np.log1p(-shares)
    )


def _compute_spans(holdout: Floats, optimized: Floats, shares: Floats) -> Floats:
    """Return log factors [..., first day, last day] of one regime; -inf below the diagonal."""
    sums = []
    for users in (holdout, optimized):
        until = users.cumsum(axis=-1)
        before = until - users
        sums.append(np.maximum(until[..., None, :] - before[..., :, None], 0.0))
    factors = compute_log_factor(sums[0], sums[1], shares[:1], PRIOR_USERS)
    is_span = np.triu(np.ones(factors.shape[-2:], dtype=bool))
    return np.where(is_span, factors, -np.inf)


def _mix_starts(open_spans: Floats, spans: Floats) -> Floats:
    """Return the log mixture over start days of one regime's days [..., day].

    Start day τ (1, 2, …) weighs 1/(τ(τ + 1)); those to come add up to 1/(t + 1).
    """
    count, before = spans.shape[-1], open_spans.shape[-1]
    carried = open_spans[..., :, None] + spans[..., :1, :]
    rows = np.concatenate([carried, spans], axis=-2)
    start = np.arange(1.0, before + count + 1)[:, None]
    rows = rows - np.log(start * (start + 1))
    to_come = -np.log(np.arange(before + 1.0, before + count + 1) + 1)
    started = np.logaddexp.reduce(rows, axis=-2)
    return np.asarray(np.logaddexp(started, to_come))


def _describe_day(day: DaySplit) -> DeviatingDay:
    split = day.split
    users = split.optimized + split.holdout
    return DeviatingDay(day.day, users, split.holdout / users, split.holdout_share)

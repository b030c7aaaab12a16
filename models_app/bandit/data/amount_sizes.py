"""Sizes of single amounts in logarithmic buckets, and which are far beyond all others."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from models_app.bandit.data import amount_bound
from models_app.bandit.data.amount_bound import (
    FEW_OTHERS_WIDENING,
    MAX_OUTLIER_SHARE,
    MIN_LOG_SD,
    MIN_OTHERS,
    MIN_OUTLIERS,
    PRIOR_DOF,
    PRIOR_VARIANCE,
    AmountBound,
)
from models_app.bandit.design.design import Floats

# More amounts than a few may be outliers, up to this share of all, if there is nothing
# within GAP below them. A price that more of the payers choose is a price.
MAX_APART_SHARE, GAP = 0.05, float(np.log(5))
# The share grows with the distance, from NEAR_FACTOR times the typical amount on. From
# FAR_FACTOR on it is this one, whatever is below them.
MAX_FAR_SHARE, NEAR_FACTOR, FAR_FACTOR = 0.25, 100.0, 200.0
# Up to so many times these shares outliers count for less than they are, the more so the
# fewer: nothing depends on a single one.
FADING = 1.5
# The margin above the largest of normal logs that is expected, in sds.
MARGIN_SDS = 2.0
# The share of the others whose logs tell how heavy their tail is. The largest log of a
# Pareto tail with mean excess e is TAIL_EXCESSES times e above what is expected in
# exp(-TAIL_EXCESSES) of samples. The margin is between a gap and MAX_TAIL_MARGIN.
TAIL_SHARE, TAIL_EXCESSES, MAX_TAIL_MARGIN = 0.1, 4.5, 3.0


@dataclass(frozen=True, slots=True)
class AmountSizes:
    """Nonzero amounts of n buckets, largest first.

    Attributes
    ----------
    counts: [n] of amounts.
    sizes: [n], the mean of their absolute values; all of a bucket are alike.

    """

    counts: Floats
    sizes: Floats

    @classmethod
    def sort(cls, counts: Floats, sums: Floats) -> Self:
        """Return the buckets with these counts and sums of one sign, the largest first."""
        is_known = (counts > 0) & (np.abs(sums) > 0) & np.isfinite(sums)
        counts, sizes = counts[is_known], np.abs(sums[is_known]) / counts[is_known]
        order = np.argsort(-sizes, kind="stable")
        return cls(counts[order], sizes[order])

    @property
    def total(self) -> float:
        """The sum of all sizes."""
        return float(self.counts @ self.sizes)

    def count_above(self, limit: float) -> tuple[int, float]:
        """Return how many amounts are above the limit, and the sum of their sizes."""
        is_above = self.sizes > limit
        counts = self.counts[is_above]
        return int(counts.sum()), float(counts @ self.sizes[is_above])


def find_bound(sizes: AmountSizes) -> AmountBound | None:
    """Return the bound on amounts far beyond all others, however many; None without any.

    Each bucket and all above it are tried as outliers; the most that are far beyond what
    is left are taken, so that outliers do not hide each other (Rosner 1983). With K
    others, whose logs have mean m and sd s, an outlier's log is above
    m + (√(2 ln K) + 2) s, see `amount_bound.find_bound`, and beyond the largest that a
    Pareto tail like theirs may have. Both are told without the gaps between the prices of
    the others: see `_find_gaps`. More than a few must also be apart from all others or
    far, and no more than a share of all: see `_find_weights`.
    """
    if not len(sizes.counts):
        return None
    removed = np.cumsum(sizes.counts)
    total = float(removed[-1])
    others = total - removed
    logs = np.log(sizes.sizes)
    n = np.maximum(others, 1.0)
    mean, deviations, sd = _measure_others(sizes.counts, logs)
    closed = logs + _find_gaps(sizes.counts, logs)
    closed_mean, _, closed_sd = _measure_others(sizes.counts, closed)
    margin = (np.sqrt(2 * np.log(n)) + MARGIN_SDS) * closed_sd
    limit = closed_mean + margin * (1 + FEW_OTHERS_WIDENING / np.sqrt(n))
    limit -= np.append((closed - logs)[1:], 0.0)  # back to the largest of the others
    typical = amount_bound.find_typical(mean, deviations / n)
    weights = _find_weights(removed, logs, logs - typical)
    is_outlier = (others >= MIN_OTHERS) & (logs > limit) & (weights > 0)
    for last in np.flatnonzero(is_outlier)[::-1].tolist():
        gaps = closed[last + 1] - logs[last + 1]
        tail = _limit_largest(sizes.counts[last + 1 :], closed[last + 1 :] - gaps)
        if logs[last] > tail:
            break
    else:
        return None
    excess = _measure_size(sizes.counts[: last + 1], logs[: last + 1])
    excess -= float(typical[last])
    return AmountBound(
        limit=float(np.exp(min(max(limit[last], tail), 700.0))),
        typical=float(np.exp(typical[last] + (1 - weights[last]) * excess)),
        count=int(removed[last]),
        mean=float(_sum_after(sizes.counts * sizes.sizes)[last] / others[last]),
        log_mean=float(mean[last]),
        log_sd=float(sd[last]),
        mean_square=float(_sum_after(sizes.counts * sizes.sizes**2)[last] / n[last]),
    )


def _measure_others(counts: Floats, logs: Floats) -> tuple[Floats, Floats, Floats]:
    """Return of the amounts behind each place [n]: mean, Σ(log - mean)² and sd of logs.

    The sd has the prior of the model of amounts, and a floor.
    """
    n = np.maximum(_sum_after(counts), 1.0)
    mean = _sum_after(counts * logs) / n
    deviations = np.maximum(_sum_after(counts * logs**2) - n * mean**2, 0.0)
    variance = (deviations + PRIOR_DOF * PRIOR_VARIANCE) / (n + PRIOR_DOF)
    return mean, deviations, np.maximum(np.sqrt(variance), MIN_LOG_SD)


def _find_gaps(counts: Floats, logs: Floats) -> Floats:
    """Return the gaps between prices that are above each bucket [n], added up.

    Two prices are no wide distribution: what is far above the upper one is far from both.
    Beside prices of 20 and 900 an amount of 900,000 would not be beyond a normal
    distribution of so wide logs, nor beyond a Pareto tail that rises from 20 to 900. A
    gap counts where nothing is within GAP below a group of more than a few, which are no
    outliers; so an honest tail hardly ever has one.
    """
    is_gap = logs[:-1] - logs[1:] >= GAP
    few = max(MIN_OUTLIERS, MAX_OUTLIER_SHARE * float(counts.sum()))
    above, gap, gaps = 0.0, 0.0, [0.0]
    for place, is_end in enumerate(is_gap.tolist()):
        above += float(counts[place])
        if is_end:
            gap += float(logs[place] - logs[place + 1]) if above > few else 0.0
            above = 0.0
        gaps.append(gap)
    return np.array(gaps)


def _find_weights(removed: Floats, logs: Floats, distances: Floats) -> Floats:
    """Return how much each bucket [n] and all above it may count as outliers, 0 to 1.

    `removed` [n] amounts are in them, `distances` [n] are their logs less the typical one.
    1 is fully: they count as typical amounts. In between the log of what they count as is
    between that and their own, so that one more or less changes little.
    """
    total = float(removed[-1])
    far = (distances - float(np.log(NEAR_FACTOR))) / float(
        np.log(FAR_FACTOR / NEAR_FACTOR)
    )
    growth = float(np.log(MAX_FAR_SHARE / MAX_APART_SHARE))
    allowed = MAX_APART_SHARE * np.exp(growth * np.clip(far, 0.0, 1.0)) * total
    is_apart = logs - np.append(logs[1:], -np.inf) >= GAP
    weights = (FADING * allowed - removed) / ((FADING - 1) * allowed)
    weights = np.where(is_apart | (far > 1), np.clip(weights, 0.0, 1.0), 0.0)
    is_few = removed <= max(MIN_OUTLIERS, MAX_OUTLIER_SHARE * total)
    return np.where(is_few, 1.0, weights)


def _measure_size(counts: Floats, logs: Floats) -> float:
    """Return the mean log of outliers [n], the largest first.

    None is larger than the median one by more than a gap: one whale beside a price that is
    nearly learned from must not make each of its payers count as more than it pays.
    """
    removed = np.cumsum(counts)
    median = logs[np.searchsorted(removed, removed[-1] / 2)]
    return float(counts @ np.minimum(logs, median + GAP) / removed[-1])


def _limit_largest(counts: Floats, logs: Floats) -> float:
    """Return a limit on logs of a Pareto tail fitted to the top tenth (Hill 1975).

    Arrays [n] of buckets, the largest first.
    """
    most = max(TAIL_SHARE * float(counts.sum()), 1.0)
    before = np.cumsum(counts) - counts
    taken = np.clip(most - before, 0.0, counts)
    threshold = float(logs[np.flatnonzero(taken)[-1]])
    mean_excess = float(taken @ (logs - threshold)) / most
    widened = mean_excess * (1 + FEW_OTHERS_WIDENING / float(np.sqrt(most)))
    margin = min(max(TAIL_EXCESSES * widened, GAP), MAX_TAIL_MARGIN)
    return threshold + mean_excess * float(np.log(most)) + margin


def _sum_after(values: Floats) -> Floats:
    """Return the sum [n] of the values behind each place."""
    return np.append(np.cumsum(values[::-1])[::-1][1:], 0.0)

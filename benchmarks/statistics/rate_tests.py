"""The product's two tests of conversion rates on arrays of simulated looks.

The score where data are enough for it, the e-value where they are not.
"""

from typing import Literal

import numpy as np

from benchmarks.statistics import arrays
from benchmarks.statistics.arrays import Arm, Array, Flags
from metrics.stats.anytime import DEFAULT_EXPECTED_USERS, project_users_from_first_week
from metrics.stats.normal import ALPHA, CRITICAL
from metrics.stats.rates import CERTAIN_LOG_EVIDENCE, MIN_RATIO
from metrics.stats.restricted_rates import RateCounts
from metrics.stats.thin_rates import MAX_DIFFERENCE, ThinRates

Hypothesis = Literal["ratio", "difference"]
CHUNK = 20_000  # looks at once, whose mixtures fit into memory
WEEK = 7


def compute_z(
    optimized: Arm, holdout: Arm, hypothesis: Hypothesis, value: float | Array
) -> Array:
    """Return the score of p_o = value · p_h (`ratio`) or p_o = p_h + value."""
    if hypothesis == "ratio":
        return arrays.compute_rates_z(optimized, holdout, value)
    return arrays.compute_rates_difference_z(optimized, holdout, value)


def compute_log_evidence(
    optimized: Arm, holdout: Arm, hypothesis: Hypothesis, value: float | Array
) -> Array:
    """Return log E of the hypothesis for each look [...], by the product's function."""
    counts = arrays.build_counts(optimized, holdout)
    shape = counts.optimized_users.shape[:-1]
    columns = [
        np.reshape(column, (-1, column.shape[-1]))
        for column in (
            counts.optimized_users,
            counts.optimized_converted,
            counts.holdout_users,
            counts.holdout_converted,
        )
    ]
    values = np.broadcast_to(np.asarray(value, dtype=float), shape).reshape(-1)
    found = np.empty(len(values))
    for start in range(0, len(values), CHUNK):
        part = slice(start, start + CHUNK)
        thin = ThinRates.from_counts(RateCounts(*(column[part] for column in columns)))
        found[part] = (
            thin.compute_ratio_evidence(values[part])
            if hypothesis == "ratio"
            else thin.compute_difference_evidence(values[part])
        )
    return found.reshape(shape)


def is_rejected_anytime(
    optimized: Arm,
    holdout: Arm,
    hypothesis: Hypothesis,
    value: float | Array,
    critical: Array,
    alpha: float = ALPHA,
) -> Flags:
    """Return at which looks [...] the anytime figures exclude the hypothesis.

    `critical` are the score's critical values [...] at the error `alpha`. Where thin regimes
    contradict each other, the service shows no such figure, and nothing is excluded.
    """
    supported = arrays.is_supported(optimized, holdout, "bool")
    rejected = np.zeros(supported.shape, dtype=bool)
    values = np.broadcast_to(np.asarray(value, dtype=float), supported.shape)
    z = compute_z(optimized, holdout, hypothesis, values)
    rejected[supported] = np.abs(z[supported]) > critical[supported]
    thin = ~supported & (arrays.compute_weights(optimized, holdout).sum(-1) > 0)
    arms = _select(optimized, thin), _select(holdout, thin)
    limit = -float(np.log(alpha))
    certain = compute_log_evidence(*arms, hypothesis, values[thin]) >= limit
    rejected[thin] = certain & _is_shown(*arms, hypothesis, values[thin], limit)
    return rejected


def _is_shown(
    optimized: Arm, holdout: Arm, hypothesis: Hypothesis, values: Array, limit: float
) -> Flags:
    """Return at which thin looks [n] the service shows what judges the hypothesis.

    It withholds an interval whose test rejects even the estimate, and p without both.
    """
    has_ratio, has_difference = _has_intervals(optimized, holdout, limit)
    if hypothesis == "ratio":
        return has_ratio
    return np.asarray(has_difference | ((values == 0) & has_ratio))


def _has_intervals(optimized: Arm, holdout: Arm, limit: float) -> tuple[Flags, Flags]:
    """Return at which thin looks [n] there are intervals of the ratio, of the difference.

    `limit` is the log of the e-value from which a hypothesis is rejected.
    """
    of_optimized, of_holdout = arrays.compute_means(optimized, holdout)
    has_rate = of_holdout > 0
    ratio = of_optimized / np.where(has_rate, of_holdout, 1.0)
    ratio = np.maximum(np.where(has_rate, ratio, 1.0), MIN_RATIO)
    by_ratio = compute_log_evidence(optimized, holdout, "ratio", ratio)
    difference = np.clip(of_optimized - of_holdout, -MAX_DIFFERENCE, MAX_DIFFERENCE)
    by_difference = compute_log_evidence(optimized, holdout, "difference", difference)
    return has_rate & (by_ratio <= limit), by_difference <= limit


def judge_one_look(optimized: Arm, holdout: Arm) -> tuple[Flags, Flags]:
    """Return where figures of one look are published, and where these claim an effect."""
    supported = arrays.is_supported(optimized, holdout, "bool")
    evidence = compute_log_evidence(optimized, holdout, "difference", 0.0)
    certain = ~supported & (evidence >= CERTAIN_LOG_EVIDENCE)
    has_ratio, has_difference = _has_intervals(
        _select(optimized, certain), _select(holdout, certain), -float(np.log(ALPHA))
    )
    certain[certain] = has_ratio | has_difference
    z = arrays.compute_rates_z(optimized, holdout, 1.0)
    return supported | certain, certain | (np.abs(z) > CRITICAL)


def compute_critical(
    optimized: Arm, holdout: Arm, share: float, alpha: float = ALPHA
) -> Array:
    """Return the score's critical values [run, day], tuned as the service does.

    That is to 10,000 users in the first week, and then to four times that week's.
    """
    users = (optimized.users + holdout.users).sum(-1)
    week = users[:, min(WEEK, users.shape[1]) - 1]
    projected = project_users_from_first_week(1) * week[:, None]
    is_first = np.arange(users.shape[1]) < WEEK
    expected = np.where(is_first, DEFAULT_EXPECTED_USERS, projected)
    planned = expected * share * (1 - share)
    return arrays.compute_anytime_critical(optimized, holdout, planned, alpha)


def _select(arm: Arm, looks: Flags) -> Arm:
    users = np.broadcast_to(arm.users, arm.value_sum.shape)
    return Arm(users[looks], arm.value_sum[looks], arm.squares[looks])

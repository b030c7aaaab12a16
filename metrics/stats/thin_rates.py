"""An e-value of two conversion rates that holds at any count: for rates too thin for z.

Given how many users converted in both arms, how many of them are held out follows from
the split of the users and the hypothesis. The mixture over odds ratios tests that; a
second, smaller one tests the four counts (universal inference: Wasserman, Ramdas,
Balakrishnan, PNAS 117 (2020) 16880). An average of e-values is one, and at whichever
looks it is read, it exceeds 1/alpha with a probability of at most alpha (Ville 1939).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from metrics.stats.accepted_range import find_accepted_range
from metrics.stats.log_gamma import compute_log_beta
from metrics.stats.means import Interval
from metrics.stats.restricted_rates import (
    Floats,
    RateCounts,
    Rates,
    fit_rates_under_difference,
    fit_rates_under_ratio,
)

UNIVERSAL_SHARE = 0.05
CENTRAL = np.concatenate([np.arange(-20, 0), np.arange(1, 21)]) * 0.15
FAR = np.array([-6.0, -4.5, 4.5, 6.0])
FAR_WEIGHT = 0.005
# Thin rates can show large effects only, so the mixture leans to these.
PRIOR_SD = 1.2
LOG_ODDS_RATIOS = np.concatenate([CENTRAL, FAR])
LOG_LIMIT = 600.0
MAX_DIFFERENCE = 1 - 1e-12
SMALLEST = 1e-300


def _weigh_odds_ratios() -> Floats:
    """Return the mixture's weights, which add up to 1."""
    central = np.abs(CENTRAL) * np.exp(-((CENTRAL / PRIOR_SD) ** 2) / 2)
    central *= (1 - FAR_WEIGHT * len(FAR)) / central.sum()
    return np.concatenate([central, np.full(len(FAR), FAR_WEIGHT)])


LOG_WEIGHTS = np.log(_weigh_odds_ratios())
ODDS_MINUS_1 = np.expm1(LOG_ODDS_RATIOS)


@dataclass(frozen=True, slots=True)
class ThinRates:
    """The counts of a comparison, and what is the same under every hypothesis."""

    counts: RateCounts
    log_mixture: Floats  # log likelihood of the counts under Jeffreys' prior, [...]

    @classmethod
    def from_counts(cls, counts: RateCounts) -> "ThinRates":
        """Return the comparison of counts [..., regime]."""
        log_mixture = _compute_log_marginal(
            counts.optimized_users, counts.optimized_converted
        ) + _compute_log_marginal(counts.holdout_users, counts.holdout_converted)
        return cls(counts, log_mixture.sum(-1))

    def compute_ratio_evidence(self, ratio: Floats) -> Floats:
        """Return log E of the hypotheses p_optimized = ratio · p_holdout."""
        rates = fit_rates_under_ratio(self.counts, np.asarray(ratio)[..., None])
        return self._compute_log_evidence(rates)

    def compute_difference_evidence(self, difference: Floats) -> Floats:
        """Return log E of the hypotheses p_optimized = p_holdout + difference."""
        differences = np.asarray(difference)[..., None]
        rates = fit_rates_under_difference(self.counts, differences)
        return self._compute_log_evidence(rates)

    def compute_no_effect_evidence(self) -> float:
        """Return log E of equal rates, for a single comparison [regime]."""
        return float(self.compute_difference_evidence(np.zeros(())))

    def compute_ratio_interval(self, estimate: float, alpha: float) -> Interval | None:
        """Return the ratios with E below 1/alpha; None if the regimes contradict all.

        An end is 0 or infinity if no ratio, however small or large, is rejected.
        """
        found = find_accepted_range(
            _limit(lambda log_r: self.compute_ratio_evidence(np.exp(log_r)), alpha),
            math.log(estimate),
            0.0,
            (-LOG_LIMIT, LOG_LIMIT),
        )
        if found is None:
            return None
        low, high = found
        return (
            math.exp(low) if low > -LOG_LIMIT else 0.0,
            math.exp(high) if high < LOG_LIMIT else math.inf,
        )

    def compute_difference_interval(
        self, estimate: float, alpha: float
    ) -> Interval | None:
        """Return the differences with E below 1/alpha, from -1 to 1; None as above."""
        found = find_accepted_range(
            _limit(self.compute_difference_evidence, alpha),
            min(max(estimate, -MAX_DIFFERENCE), MAX_DIFFERENCE),
            0.0,
            (-MAX_DIFFERENCE, MAX_DIFFERENCE),
        )
        if found is None:
            return None
        low, high = found
        return (
            low if low > -MAX_DIFFERENCE else -1.0,
            high if high < MAX_DIFFERENCE else 1.0,
        )

    def _compute_log_evidence(self, rates: Rates) -> Floats:
        """Return log E of restricted rates [..., regime].

        The first part counts conversions, or users without one if these are rarer.
        """
        c, (p_o, p_h) = self.counts, rates
        x_o, x_h = c.optimized_converted, c.holdout_converted
        m_o, m_h = c.optimized_users - x_o, c.holdout_users - x_h
        is_rare = (x_o + x_h).sum(-1) <= (m_o + m_h).sum(-1)
        is_rare = is_rare[..., None]
        expected_o = c.optimized_users * np.where(is_rare, p_o, 1 - p_o)
        expected_h = c.holdout_users * np.where(is_rare, p_h, 1 - p_h)
        held_out = np.where(is_rare, x_h, m_h)
        together = held_out + np.where(is_rare, x_o, m_o)
        share = expected_h / np.maximum(expected_h + expected_o, SMALLEST)
        terms = held_out[..., None] * LOG_ODDS_RATIOS
        terms = terms - together[..., None] * np.log1p(share[..., None] * ODDS_MINUS_1)
        conditional = _sum_exponentials(terms.sum(-2) + LOG_WEIGHTS)
        likelihood = _multiply_log(x_o, p_o) + _multiply_log(m_o, 1 - p_o)
        likelihood += _multiply_log(x_h, p_h) + _multiply_log(m_h, 1 - p_h)
        universal = self.log_mixture - likelihood.sum(-1)
        log_evidence = np.logaddexp(
            math.log(1 - UNIVERSAL_SHARE) + conditional,
            math.log(UNIVERSAL_SHARE) + universal,
        )
        return np.asarray(log_evidence)


def _limit(
    log_evidence: Callable[[Floats], Floats], alpha: float
) -> Callable[[Floats], Floats]:
    """Return how far log E is above its limit log(1/alpha)."""
    return lambda values: log_evidence(values) + math.log(alpha)


def _compute_log_marginal(users: Floats, converted: Floats) -> Floats:
    """Return the log probability of the conversions, in order, under Jeffreys' prior."""
    return compute_log_beta(0.5 + converted, 0.5 + users - converted) - math.log(
        math.pi
    )


def _multiply_log(count: Floats, rate: Floats) -> Floats:
    """Return count · log(rate), 0 for a count of 0."""
    return np.where(count > 0, count * np.log(np.maximum(rate, SMALLEST)), 0.0)


def _sum_exponentials(logs: Floats) -> Floats:
    """Return the log of the sum of exponentials over the last axis."""
    largest = logs.max(-1)
    return np.asarray(largest + np.log(np.exp(logs - largest[..., None]).sum(-1)))

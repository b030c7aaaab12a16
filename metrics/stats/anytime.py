"""Looking at results every day: a wider critical value, and its p-value.

Asymptotic confidence sequence: Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas,
"Time-uniform central limit theory and asymptotic confidence sequences",
arXiv:2103.06476 (2021). The normal mixture goes back to Robbins (1970).
"""

import math
from dataclasses import dataclass

from metrics.stats.normal import ALPHA
from metrics.stats.totals import Stratum, compute_weight

DEFAULT_EXPECTED_USERS = 10_000
WEEKS_PLANNED = 4


def project_users_from_first_week(users: int) -> int:
    """Return the default of expected users: four times those of the first week."""
    return max(WEEKS_PLANNED * users, 1)


@dataclass(frozen=True, slots=True)
class Boundary:
    """Normal-mixture boundary at one look.

    `evidence` (e below) is t·rho² of the paper: the information gathered so far, in
    units that make the boundary tightest at the expected users.
    """

    evidence: float
    alpha: float = ALPHA  # error of both sides of the intervals

    @property
    def critical(self) -> float:
        """Factor that replaces 1.96: √((1 + 1/e)·log((1 + e)/alpha²))."""
        log_term = math.log1p(self.evidence) - 2 * math.log(self.alpha)
        return math.sqrt((1 + 1 / self.evidence) * log_term)

    def p_value(self, z: float) -> float:
        """Return 1 over the mixture's evidence against the hypothesis, at most 1.

        If the hypothesis holds, the p-value falls below 5% at any look with a
        probability of at most 5%. It is below alpha exactly if |z| exceeds `critical`.
        """
        share = self.evidence / (1 + self.evidence)
        log_e = z * z * share / 2 - math.log1p(self.evidence) / 2
        return math.exp(-log_e) if log_e > 0 else 1.0


def compute_boundary(
    strata: tuple[Stratum, ...],
    expected_users: int | None,
    alpha: float = ALPHA,
    holdout_share: float | None = None,
) -> Boundary:
    """Return the boundary for this look, tightest at `expected_users` of both arms.

    Information is Σ n_o·n_h/(n_o+n_h), to which the variance of the weighted difference
    is proportional. The configured `holdout_share` (0 to 1, ends excluded) converts
    expected users to expected information. It stays fixed, because the tuning must not
    follow the data; where it is unknown, the share of the first regime's users is taken.
    `alpha` sets the level of its intervals, not where they are tightest.
    The paper's rho for a boundary tightest at t is
    rho² = (-2 log 0.05 + log(1 - 2 log 0.05)) / t.
    """
    optimized, holdout = strata[0]
    share = holdout_share or holdout.users / (optimized.users + holdout.users)
    planned = max(expected_users or DEFAULT_EXPECTED_USERS, 1) * share * (1 - share)
    gathered = math.fsum(compute_weight(stratum) for stratum in strata)
    tuning = -2 * math.log(ALPHA) + math.log1p(-2 * math.log(ALPHA))
    return Boundary(tuning * gathered / planned, alpha)

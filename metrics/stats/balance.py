"""The sample ratio check: did traffic split as configured? Valid at every look."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

ALARM_P_VALUE = 0.001
# Weight of the prior around the configured share: its sd is 0.9 points at a 10%
# holdout and 1.6 at 50%, the size of deviation that is found soonest.
PRIOR_USERS = 1000.0


@dataclass(frozen=True, slots=True)
class Split:
    """All users first touched in one regime, by arm, and its holdout share (0 to 1).

    Raises ValueError for negative users and for a share outside 0 to 1.
    """

    optimized: int
    holdout: int
    holdout_share: float

    def __post_init__(self) -> None:
        if min(self.optimized, self.holdout) < 0:
            raise ValueError("users must not be negative")
        if not 0 <= self.holdout_share <= 1:
            raise ValueError("holdout_share must be between 0 and 1")


@dataclass(frozen=True, slots=True)
class SampleRatio:
    """Result of the check; `p_value` may be looked at daily.

    `ok` is False if it is below 0.001. `observed_share` and `expected_share` (0 to 1)
    are those of the holdout over all regimes; None without users.
    """

    p_value: float
    ok: bool
    observed_share: float | None
    expected_share: float | None


def check_sample_ratio(splits: Iterable[Split]) -> SampleRatio:
    """Test that each user joined the holdout with the configured probability.

    The evidence e of a regime is the likelihood of its counts under a Beta(1000·s,
    1000·(1-s)) mixture of shares, over that under s; regimes multiply. Under the
    configuration it is a martingale that starts at 1, so 1/e is a p-value for all looks
    together (Ville 1939; for this test Lindon and Malek, "Anytime-valid inference for
    multinomial count data", NeurIPS 2022).
    """
    used = tuple(split for split in splits if split.optimized + split.holdout)
    users = sum(split.optimized + split.holdout for split in used)
    if not users:
        return SampleRatio(
            p_value=1.0, ok=True, observed_share=None, expected_share=None
        )
    log_evidence = math.fsum(_compute_log_evidence(split) for split in used)
    p_value = math.exp(-max(log_evidence, 0.0))
    expected = math.fsum(s.holdout_share * (s.optimized + s.holdout) for s in used)
    return SampleRatio(
        p_value=p_value,
        ok=p_value >= ALARM_P_VALUE,
        observed_share=sum(split.holdout for split in used) / users,
        expected_share=expected / users,
    )


def _compute_log_evidence(split: Split) -> float:
    """Return the log of mixture over configured likelihood for one regime."""
    holdout, optimized, share = split.holdout, split.optimized, split.holdout_share
    if share in {0.0, 1.0}:
        impossible = holdout if share == 0 else optimized
        return math.inf if impossible else 0.0
    a, b = PRIOR_USERS * share, PRIOR_USERS * (1 - share)
    mixture = _compute_log_beta(a + holdout, b + optimized) - _compute_log_beta(a, b)
    return mixture - holdout * math.log(share) - optimized * math.log1p(-share)


def _compute_log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)

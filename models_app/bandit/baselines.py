"""The baseline's reward in each context cell, and what it is over another mix of them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models_app.bandit.design import Floats, Integers


@dataclass(frozen=True, slots=True)
class Baselines:
    """Posterior mean and sd of the baseline's reward by context cell.

    None in cells that nobody was seen in. `correlation` is that of any two cells: one
    number for all pairs, by which the sd over the mix of users seen is right. With two
    cells or fewer it is exact.
    """

    means: tuple[float | None, ...]
    sds: tuple[float | None, ...]
    correlation: float

    def over(self, users: Floats) -> tuple[float, float]:
        """Mean and sd over the mix that `users` [S] are, all of them in cells seen."""
        at = np.flatnonzero(users)
        shares = users[at] / users.sum()
        means = np.array([self.means[cell] for cell in at], np.float64)
        sds = np.array([self.sds[cell] for cell in at], np.float64)
        apart, together = _variances(shares * sds)
        variance = apart + self.correlation * (together - apart)
        return float(shares @ means), float(np.sqrt(variance))

    def widened(self, place: Integers) -> "Baselines":
        """Write them out for the cells [S] of a design with more context factors."""
        return Baselines(
            tuple(self.means[cell] for cell in place),
            tuple(self.sds[cell] for cell in place),
            self.correlation,
        )


def of(shares: Floats, means: Floats, sds: Floats, sd: float) -> Baselines:
    """Moments [S] by context cell, read where `shares` [S] of users is not 0.

    `sd` is that of the baseline's reward over the mix `shares`.
    """
    apart, together = _variances(shares * sds)
    # One cell, or none in doubt: cells go together, which calls a mix the least known.
    correlation, rest = 1.0, together - apart
    if rest > 0:
        correlation = float(np.clip((sd**2 - apart) / rest, 0.0, 1.0))
    seen = shares > 0
    return Baselines(_where(seen, means), _where(seen, sds), correlation)


def _variances(sds: Floats) -> tuple[float, float]:
    """Variance of a sum of parts of these sds: independent, and wholly correlated."""
    return float((sds**2).sum()), float(sds.sum() ** 2)


def _where(seen: NDArray[np.bool_], values: Floats) -> tuple[float | None, ...]:
    return tuple(
        float(value) if here else None for here, value in zip(seen, values, strict=True)
    )

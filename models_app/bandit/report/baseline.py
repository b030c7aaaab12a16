"""The baseline's reward in each context cell, and what it is over another mix of them."""

from dataclasses import dataclass

import numpy as np

from models_app.bandit.design.design import Design, Floats, Integers

RANK_TOLERANCE = 1e-9
"""Relative size below which a direction of the levels' indicators is none: rounding."""


@dataclass(frozen=True, slots=True)
class BaselineReward:
    """Posterior of the baseline's reward by context cell.

    Parameters
    ----------
    means: of cells [S], None where nobody was seen.
    places: rows of the covariance that add up in a cell [S], none where nobody was seen.
    covariance: of a constant and of each context level, as fitted to the cells' rewards
        by least squares. So means are exact, and sds where cells differ by one context
        factor alone or the mix is that of the users seen; else to what context factors
        do together.

    """

    means: tuple[float | None, ...]
    places: tuple[tuple[int, ...], ...]
    covariance: tuple[tuple[float, ...], ...]

    def compute_mean_and_sd(self, users: Floats) -> tuple[float, float]:
        """Mean and sd over the mix that `users` [S] are, all of them in cells seen."""
        at = np.flatnonzero(users)
        shares = users[at] / users.sum()
        means = np.array([self.means[cell] for cell in at], np.float64)
        weights = np.zeros(len(self.covariance))
        for cell, share in zip(at, shares, strict=True):
            weights[list(self.places[cell])] += share
        variance = weights @ np.array(self.covariance) @ weights
        return float(shares @ means), float(np.sqrt(max(variance, 0.0)))

    def expand_contexts(self, place: Integers) -> "BaselineReward":
        """Write them out for the cells [S] of a design with more context factors."""
        return BaselineReward(
            tuple(self.means[cell] for cell in place),
            tuple(self.places[cell] for cell in place),
            self.covariance,
        )


@dataclass(frozen=True, slots=True)
class BaselineAccumulator:
    """Draws of the baseline's reward, taken in some at a time.

    `projection` [k, S] makes the constant and the levels of them; `parts` [draws, k]
    are these, `sums` [S] those of the draws.
    """

    places: tuple[tuple[int, ...], ...]
    projection: Floats
    parts: Floats
    sums: Floats

    @classmethod
    def empty(cls, design: Design, shares: Floats, draws: int) -> "BaselineAccumulator":
        """Make ready for the cells that have a share [S] of the users."""
        starts = 1 + np.cumsum([0, *design.context_sizes])[:-1]
        rows = [(0, *map(int, starts + levels)) for levels in design.context_levels]
        places = tuple(
            row if share else () for row, share in zip(rows, shares, strict=True)
        )
        member = np.zeros((design.segments, 1 + sum(design.context_sizes)))
        for cell, row in enumerate(places):
            member[cell, list(row)] = np.sqrt(shares[cell])
        inverse = np.linalg.pinv(member, rcond=RANK_TOLERANCE)
        projection = np.asarray(inverse * np.sqrt(shares), np.float64)
        parts = np.zeros((draws, len(projection)))
        return cls(places, projection, parts, np.zeros(design.segments))

    def add(self, rows: slice, cells: Integers, rewards: Floats) -> None:
        """Take in these draws of all cells' rewards [cells, draws]."""
        self.parts[rows] = (self.projection[:, cells] @ rewards).T
        self.sums[cells] += rewards.sum(axis=1)

    def baselines(self) -> BaselineReward:
        """Summarise all draws."""
        means = self.sums / len(self.parts)
        covariance = np.atleast_2d(np.cov(self.parts, rowvar=False, bias=True))
        return BaselineReward(
            tuple(
                float(mean) if place else None
                for mean, place in zip(means, self.places, strict=True)
            ),
            self.places,
            tuple(tuple(map(float, row)) for row in covariance),
        )

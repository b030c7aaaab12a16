"""The baseline's reward by context cell, and its mean over any mix of cells."""

from dataclasses import dataclass

import numpy as np

from models_app.bandit.design.design import Design, Floats, Integers

RANK_TOLERANCE = 1e-9
"""Relative size below which a singular value of the level indicators is rounding."""


@dataclass(frozen=True, slots=True)
class BaselineReward:
    """Posterior of the baseline's reward by context cell.

    Parameters
    ----------
    means: of the cells [S]; None if no user was seen there.
    places: the cells' [S] rows of the covariance, which are added up; empty if no user
        was seen there.
    covariance: [k, k] of a constant and of each context level, fitted to the cells'
        rewards by least squares.

    Means are exact. Sds are exact if cells differ by only one context factor, or if the
    mix is that of the users seen. Otherwise they miss what context factors do together.

    """

    means: tuple[float | None, ...]
    places: tuple[tuple[int, ...], ...]
    covariance: tuple[tuple[float, ...], ...]

    def compute_mean_and_sd(self, users: Floats) -> tuple[float, float]:
        """Return mean and sd over a mix of `users` [S]; their cells must have a mean."""
        cells = np.flatnonzero(users)
        shares = users[cells] / users.sum()
        means = np.array([self.means[cell] for cell in cells], np.float64)
        weights = np.zeros(len(self.covariance))
        for cell, share in zip(cells, shares, strict=True):
            weights[list(self.places[cell])] += share
        variance = weights @ np.array(self.covariance) @ weights
        return float(shares @ means), float(np.sqrt(max(variance, 0.0)))

    def expand_contexts(self, place: Integers) -> "BaselineReward":
        """Return it for a design with more context factors (DesignSubset.place)."""
        return BaselineReward(
            tuple(self.means[cell] for cell in place),
            tuple(self.places[cell] for cell in place),
            self.covariance,
        )


@dataclass(frozen=True, slots=True)
class BaselineAccumulator:
    """Collects draws of the baseline's reward, some draws at a time.

    Parameters
    ----------
    places: see BaselineReward.
    projection: [k, S] from the cells' rewards to the constant and the levels.
    parts: [draws, k] the constant and the levels of each draw.
    sums: [S] of the cells' rewards over draws.

    """

    places: tuple[tuple[int, ...], ...]
    projection: Floats
    parts: Floats
    sums: Floats

    @classmethod
    def create(
        cls, design: Design, shares: Floats, draws: int
    ) -> "BaselineAccumulator":
        """Return an empty accumulator for the cells with a share [S] of the users."""
        starts = 1 + np.cumsum([0, *design.context_sizes])[:-1]
        rows = [(0, *map(int, starts + levels)) for levels in design.context_levels]
        places = tuple(
            row if share else () for row, share in zip(rows, shares, strict=True)
        )
        indicators = np.zeros((design.segments, 1 + sum(design.context_sizes)))
        for cell, row in enumerate(places):
            indicators[cell, list(row)] = np.sqrt(shares[cell])
        inverse = np.linalg.pinv(indicators, rcond=RANK_TOLERANCE)
        projection = np.asarray(inverse * np.sqrt(shares), np.float64)
        parts = np.zeros((draws, len(projection)))
        return cls(places, projection, parts, np.zeros(design.segments))

    def add(self, rows: slice, cells: Integers, rewards: Floats) -> None:
        """Add the draws `rows` of rewards [cells, draws]; the cells are those with users."""
        self.parts[rows] = (self.projection[:, cells] @ rewards).T
        self.sums[cells] += rewards.sum(axis=1)

    def summarize(self) -> BaselineReward:
        """Return the posterior from all draws."""
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

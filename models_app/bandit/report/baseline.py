"""The baseline's reward by context cell, and its mean over any mix of them."""

from dataclasses import dataclass

import numpy as np

from models_app.bandit.design.design import Design, Floats, Integers

# Relative size below which a singular value of the level indicators is rounding.
RANK_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class BaselineReward:
    """Posterior of the baseline's reward by context cell.

    Attributes
    ----------
    means: [S] of the context cells; None without users.
    places: [S] of each context cell, the rows of the covariance to add up; empty
        without users.
    covariance: [k, k] of a constant and of each context level, fitted to the rewards of
        the context cells by least squares.

    Means are exact. Sds are exact if context cells differ by only one context factor,
    or if the mix is that of the training's users. Otherwise they miss what context
    factors do together.

    """

    means: tuple[float | None, ...]
    places: tuple[tuple[int, ...], ...]
    covariance: tuple[tuple[float, ...], ...]

    def compute_mean_and_sd(self, users: Floats) -> tuple[float, float]:
        """Return mean and sd over a mix of `users` [S].

        Every context cell with users must have a mean.
        """
        cell_indices = np.flatnonzero(users)
        shares = users[cell_indices] / users.sum()
        means = np.array([self.means[index] for index in cell_indices], np.float64)
        weights = np.zeros(len(self.covariance))
        for index, share in zip(cell_indices, shares, strict=True):
            weights[list(self.places[index])] += share
        variance = weights @ np.array(self.covariance) @ weights
        return float(shares @ means), float(np.sqrt(max(variance, 0.0)))

    def expand_contexts(self, place: Integers) -> "BaselineReward":
        """Return it for a design with more context factors (DesignSubset.place)."""
        return BaselineReward(
            tuple(self.means[index] for index in place),
            tuple(self.places[index] for index in place),
            self.covariance,
        )


@dataclass(frozen=True, slots=True)
class BaselineAccumulator:
    """Collects draws of the baseline's reward, some draws at a time.

    Attributes
    ----------
    places: see BaselineReward.
    projection: [k, S] from rewards of context cells to the constant and the levels.
    parts: [draws, k] the constant and the levels of each draw.
    sums: [S] of each context cell's rewards over draws.

    """

    places: tuple[tuple[int, ...], ...]
    projection: Floats
    parts: Floats
    sums: Floats

    @classmethod
    def create(
        cls, design: Design, shares: Floats, draws: int
    ) -> "BaselineAccumulator":
        """Return an empty accumulator; `shares` [S] are those of users by context cell."""
        starts = 1 + np.cumsum([0, *design.context_sizes])[:-1]
        rows = [(0, *map(int, starts + levels)) for levels in design.context_levels]
        places = tuple(
            row if share else () for row, share in zip(rows, shares, strict=True)
        )
        indicators = np.zeros((design.context_cells, 1 + sum(design.context_sizes)))
        for cell_index, row in enumerate(places):
            indicators[cell_index, list(row)] = np.sqrt(shares[cell_index])
        inverse = np.linalg.pinv(indicators, rcond=RANK_TOLERANCE)
        projection = np.asarray(inverse * np.sqrt(shares), np.float64)
        parts = np.zeros((draws, len(projection)))
        return cls(places, projection, parts, np.zeros(design.context_cells))

    def add(self, rows: slice, cell_indices: Integers, rewards: Floats) -> None:
        """Add the draws `rows` of rewards [·, draws]; the context cells have users."""
        self.parts[rows] = (self.projection[:, cell_indices] @ rewards).T
        self.sums[cell_indices] += rewards.sum(axis=1)

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

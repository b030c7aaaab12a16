"""What has been learnt: a normal distribution over the model's coefficients."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from models_app.bandit.design.design import Design, Floats

JITTER = 1e-10
MAX_CHUNK_NUMBERS = 2_000_000
"""Numbers in the largest table held at a time while drawing."""

STRIPE_COUNT = 8
"""Stripes in which a triangle is multiplied, so that its zeros cost little."""


@dataclass(frozen=True, slots=True)
class Posterior:
    """Joint normal posterior of the current time level and the design's coefficients.

    Parameters
    ----------
    design: whose `rows` the coefficients multiply.
    mean: [1 + q], log odds; entry 0 is the level now, the rest follow design.terms.
    covariance: [1 + q, 1 + q].
    notes: what people should know of how it was found.

    """

    design: Design
    mean: Floats
    covariance: Floats
    notes: tuple[str, ...] = ()


def factorize_covariance(posterior: Posterior) -> Floats:
    """Return a lower triangular [1 + q, 1 + q] whose square is the covariance.

    Raises FloatingPointError for one that is not finite and positive: drawn from, it
    would crown the first variant.
    """
    sd = np.sqrt(np.diag(posterior.covariance))
    if not (np.isfinite(posterior.covariance).all() and (sd > 0).all()):
        raise FloatingPointError("the posterior covariance is not finite and positive")
    correlation = posterior.covariance / np.outer(sd, sd)
    np.fill_diagonal(correlation, 1.0 + JITTER)
    return sd[:, None] * np.linalg.cholesky(correlation)


def draw_deviations(
    posterior: Posterior,
    draws: int,
    seed: int | Sequence[int],
    chunk: int,
    bias: Mapping[str, float] | None = None,
) -> Iterator[Floats]:
    """Yield draws of (coefficients - mean), up to `chunk` rows [·, 1 + q] at a time.

    The draws depend on the seed, not on the chunk. `bias` multiplies the deviations of
    a factor's coefficients, interactions included, by 1 + its bias. Products are
    reckoned in single precision: a draw is the draw to seven digits of its size.

    Raises ValueError for a factor that the design does not have or a bias below -1.
    """
    rng = np.random.default_rng(seed)
    size = len(posterior.mean)
    spread = factorize_covariance(posterior).T * compute_widening(
        posterior.design, bias or {}
    )
    unit = np.abs(spread).max() or 1.0
    upper = (spread / unit).astype(np.float32)
    edges = np.linspace(0, size, 1 + min(size, STRIPE_COUNT)).astype(int).tolist()
    for start in range(0, draws, chunk):
        normal = rng.standard_normal((min(chunk, draws - start), size))
        single, drawn = normal.astype(np.float32), np.empty_like(normal)
        for left, right in pairwise(edges):  # below them is nothing but zeros
            stripe = upper[:right, left:right]
            drawn[:, left:right] = single[:, :right] @ stripe
        drawn *= unit
        yield drawn


def compute_widening(design: Design, bias: Mapping[str, float]) -> Floats:
    """Return the factor [1 + q] by which `bias` widens each coefficient's sd."""
    names = [factor.name for factor in design.factors]
    for name, value in bias.items():
        if name not in names:
            raise ValueError(f"bias: {name} is not a factor of the design")
        if not (np.isfinite(value) and value >= -1):
            raise ValueError(f"bias: {name} must be a number of at least -1")
    factor = np.ones(1 + design.columns)
    for term in design.terms:
        wide = [1 + bias.get(names[f], 0.0) for f in term.factors]
        factor[1:][term.columns] = max(wide, default=1.0)
    return factor


def compute_chunk_size(design: Design) -> int:
    """Draws whose parts together hold about CHUNK numbers."""
    tables = 4 + sum(design.context_sizes)
    return max(16, MAX_CHUNK_NUMBERS // (design.variants * tables + design.columns))

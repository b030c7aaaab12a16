"""The posterior: a normal distribution over the model's coefficients, and draws."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from models_app.bandit.design.design import Design, Floats

# Added to the diagonal of a correlation matrix, so that it can be factorized.
JITTER = 1e-10

# Most numbers in memory at a time while drawing.
MAX_CHUNK_NUMBERS = 2_000_000

# Stripes in which a triangular matrix is multiplied, to skip most of its zeros.
STRIPE_COUNT = 8


@dataclass(frozen=True, slots=True)
class Posterior:
    """Joint normal posterior of the current time level and the design's coefficients.

    Attributes
    ----------
    design: whose `rows` the coefficients multiply.
    mean: [1 + q], in log odds; entry 0 is the current level, the rest follow
        design.terms.
    covariance: [1 + q, 1 + q].
    notes: remarks for users on how the posterior was found.

    """

    design: Design
    mean: Floats
    covariance: Floats
    notes: tuple[str, ...] = ()


def factorize_covariance(posterior: Posterior) -> Floats:
    """Return the covariance's lower triangular Cholesky factor [1 + q, 1 + q].

    Raises FloatingPointError if the covariance is not finite with positive variances:
    draws from it would always pick the first variant.
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

    The draws depend on the seed, not on `chunk`. `bias` multiplies the deviations of a
    factor's coefficients, interactions included, by 1 + its bias. Products are computed
    in single precision, which keeps about seven digits.

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
        single, deviations = normal.astype(np.float32), np.empty_like(normal)
        for left, right in pairwise(edges):  # rows below `right` are all zero
            stripe = upper[:right, left:right]
            deviations[:, left:right] = single[:, :right] @ stripe
        deviations *= unit
        yield deviations


def compute_widening(design: Design, bias: Mapping[str, float]) -> Floats:
    """Return the factors [1 + q] by which `bias` multiplies each coefficient's sd.

    Raises ValueError for a factor that the design does not have or a bias below -1.
    """
    names = [factor.name for factor in design.factors]
    for name, value in bias.items():
        if name not in names:
            raise ValueError(f"bias: {name} is not a factor of the design")
        if not (np.isfinite(value) and value >= -1):
            raise ValueError(f"bias: {name} must be finite and at least -1")
    widening = np.ones(1 + design.columns)
    for term in design.terms:
        by_factor = [1 + bias.get(names[f], 0.0) for f in term.factors]
        widening[1:][term.columns] = max(by_factor, default=1.0)
    return widening


def compute_chunk_size(design: Design) -> int:
    """Return how many draws need about MAX_CHUNK_NUMBERS numbers, at least 16."""
    tables = 4 + sum(design.context_sizes)
    return max(16, MAX_CHUNK_NUMBERS // (design.variants * tables + design.columns))

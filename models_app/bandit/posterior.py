"""What has been learnt: a normal distribution over the model's coefficients."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from models_app.bandit.design import Design, Floats, Integers, contrasts

JITTER = 1e-10
CHUNK = 2_000_000
"""Numbers in the largest table held at a time while drawing."""


@dataclass(frozen=True, slots=True)
class Posterior:
    """Joint normal posterior of the current time level and the design's coefficients.

    Parameters
    ----------
    design: whose `rows` the coefficients multiply.
    mean: [1 + q], log odds; entry 0 is the level now, the rest follow design.terms.
    covariance: [1 + q, 1 + q].

    """

    design: Design
    mean: Floats
    covariance: Floats


def root(posterior: Posterior) -> Floats:
    """Return a lower triangular [1 + q, 1 + q] whose square is the covariance."""
    sd = np.sqrt(np.diag(posterior.covariance))
    correlation = posterior.covariance / np.outer(sd, sd)
    np.fill_diagonal(correlation, 1.0 + JITTER)
    return sd[:, None] * np.linalg.cholesky(correlation)


def deviations(
    posterior: Posterior,
    draws: int,
    seed: int | Sequence[int],
    chunk: int,
    bias: Mapping[str, float] | None = None,
) -> Iterator[Floats]:
    """Yield draws of (coefficients - mean), up to `chunk` rows [·, 1 + q] at a time.

    The draws depend on the seed, not on the chunk. `bias` multiplies the deviations of
    a factor's coefficients, interactions included, by 1 + its bias.

    Raises ValueError for a factor that the design does not have or a bias below -1.
    """
    rng = np.random.default_rng(seed)
    spread = root(posterior).T * widened(posterior.design, bias or {})
    for start in range(0, draws, chunk):
        rows = min(chunk, draws - start)
        yield rng.standard_normal((rows, len(posterior.mean))) @ spread


def widened(design: Design, bias: Mapping[str, float]) -> Floats:
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


@dataclass(frozen=True, slots=True)
class Parts:
    """Scores in log odds as a sum of parts, for one chunk of draws.

    `variant` [draws, V] holds level and design, `context` for each context factor
    [levels, draws] its main effects, `personal` [levels, draws, V] design by context.
    """

    variant: Floats
    context: tuple[Floats, ...]
    personal: tuple[Floats, ...]

    def score(self, levels: Integers) -> Floats:
        """Score [draws, V] in a context cell, without the context's main effects."""
        total = self.variant
        for table, level in zip(self.personal, levels, strict=True):
            total = total + table[level]
        return total

    def predictor(self, levels: Integers) -> Floats:
        """Linear predictor [draws, V] in a context cell."""
        total = self.score(levels)
        for table, level in zip(self.context, levels, strict=True):
            total = total + table[level][:, None]
        return total


def parts(design: Design, coefficients: Floats, variants: Integers) -> Parts:
    """Split coefficients [draws, 1 + q] into the parts that scores are sums of.

    V counts the `variants` asked for, given by index.
    """
    theta = coefficients[:, 1:]
    rows = design.rows(variants, np.zeros_like(variants))
    own = [t for t in design.terms if t.kind in {"main", "pair"}]
    columns = np.zeros(design.columns, dtype=bool)
    for term in own:
        columns[term.columns] = True
    variant = coefficients[:, :1] + theta[:, columns] @ rows[:, columns].T
    contexts = range(len(design.contexts))
    return Parts(
        variant,
        tuple(_context_part(design, theta, c) for c in contexts),
        tuple(_personal_part(design, theta, variants, c) for c in contexts),
    )


def chunk_size(design: Design) -> int:
    """Draws whose parts together hold about CHUNK numbers."""
    tables = 4 + sum(design.context_sizes)
    return max(16, CHUNK // (design.variants * tables + design.columns))


def _context_part(design: Design, theta: Floats, context: int) -> Floats:
    """Main effects [levels, draws] of a context factor."""
    basis = contrasts(design.context_sizes[context])
    for term in design.terms:
        if term.kind == "context" and term.contexts == (context,):
            return basis @ theta[:, term.columns].T
    return np.zeros((len(basis), len(theta)))


def _personal_part(
    design: Design, theta: Floats, variants: Integers, context: int
) -> Floats:
    """Interactions [levels, draws, V] of the whole design with a context factor."""
    levels = design.variant_levels[variants]
    basis = contrasts(design.context_sizes[context])
    total = np.zeros((len(basis), len(theta), len(variants)))
    for term in design.terms:
        if term.kind != "personal" or term.contexts != (context,):
            continue
        factor = term.factors[0]
        block = theta[:, term.columns].reshape(len(theta), *term.sizes)
        by_level = np.moveaxis(block @ basis.T, 2, 0)
        effects = by_level @ contrasts(design.sizes[factor]).T
        total += effects[:, :, levels[:, factor]]
    return total

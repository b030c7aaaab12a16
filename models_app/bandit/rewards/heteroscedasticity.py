"""How far amounts spread around their mean logarithm, by variant and by context level."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from models_app.bandit.data.cells import sum_by_index
from models_app.bandit.design.design import Design, Floats, Integers, Term
from models_app.bandit.regression.posterior import Posterior

PRIOR_DOF_GRID = np.array([10.0, 30.0, 100.0, 300.0, 1e3, 3e3, 1e4, 1e5])
"""How alike variances may be: payers that a variance starts with as the common one."""

MAX_EXCESS = 2.0
"""Largest excess that is believed, a mean amount seven times as high, and its sd.

Amounts that differ by more fit no log-normal; their sums show it (see smearing).
"""


@dataclass(frozen=True, slots=True)
class VarianceExcess:
    """By how much half a variance is above half the common one, mean and variance [n].

    A log-normal amount's mean is exp(mean log + variance / 2), so that is what it adds
    to the log of the mean amount.
    """

    mean: Floats
    variance: Floats


@dataclass(frozen=True, slots=True)
class VarianceModel:
    """Excesses of the V variants, and of each context factor's levels."""

    variants: VarianceExcess
    contexts: tuple[VarianceExcess, ...]

    def compute_excess(
        self, design: Design, variant: Integers, context: Integers
    ) -> Floats:
        """Excess [n] of (variant, context) index pairs."""
        total = self.variants.mean[variant]
        levels = design.context_levels[context].T
        for excess, at in zip(self.contexts, levels, strict=True):
            total = total + excess.mean[at]
        return np.asarray(total)


def fit_variances(
    design: Design,
    where: tuple[Integers, Integers],
    payers: Floats,
    squares: Floats,
    variance: float,
) -> VarianceModel:
    """Learn variances of log amounts from cells' sums [n] of squared residuals.

    `where` holds the cells' variant and context indices, `variance` is the common one.
    A context level is judged by how it spreads beside what its variants explain.
    """
    variant, context = where
    variants = _shrink_excess(variant, payers, squares, design.variants, variance)
    expected = variance + 2.0 * variants.mean[variant]
    level = design.context_levels[context].T
    ratio = squares * variance / np.maximum(expected, variance * 1e-3)
    contexts = tuple(
        _shrink_excess(at, payers, ratio, size, variance)
        for at, size in zip(level, design.context_sizes, strict=True)
    )
    return VarianceModel(variants, contexts)


def _shrink_excess(
    index: Integers, payers: Floats, squares: Floats, size: int, variance: float
) -> VarianceExcess:
    """Shrink each index's own variance to the common one, as far as they are alike.

    Variances are scaled inverse chi-squared around the common one, the degrees
    of freedom averaged over by their marginal likelihood (Smyth 2004 estimates them).
    """
    n, total = sum_by_index(index, payers, size), sum_by_index(index, squares, size)
    after = PRIOR_DOF_GRID[:, None] + n
    scale = PRIOR_DOF_GRID[:, None] * variance + total
    own = scale / after
    evidence = special.gammaln(after / 2) - special.gammaln(PRIOR_DOF_GRID[:, None] / 2)
    evidence = evidence + PRIOR_DOF_GRID[:, None] / 2 * np.log(
        PRIOR_DOF_GRID[:, None] * variance
    )
    evidence = (evidence - after / 2 * np.log(scale)).sum(axis=1)
    weight = special.softmax(evidence)
    each = np.clip((own - variance) / 2, -MAX_EXCESS, MAX_EXCESS)
    mean = weight @ each
    spread = weight @ (own**2 / (2 * after) + (each - mean) ** 2)
    return VarianceExcess(mean, np.minimum(spread, MAX_EXCESS**2))


def add_variance_excess(amount: Posterior, spreads: VarianceModel) -> Posterior:
    """Add the excesses to the posterior of log amounts, as far as its terms can say.

    Variants' to the intercept, mains and pairs, a context level's to the intercept and
    its factor's own term, by least squares, each weighed by how well it is known.
    """
    mean, covariance = amount.mean.copy(), amount.covariance.copy()
    for columns, features, excess in _list_blocks(amount.design, spreads):
        weight = 1.0 / np.sqrt(excess.variance)
        read_off = np.linalg.pinv(features * weight[:, None]) * weight
        mean[columns] += read_off @ excess.mean
        spread = (read_off * excess.variance) @ read_off.T
        covariance[np.ix_(columns, columns)] += spread
    return replace(amount, mean=mean, covariance=covariance)


def _list_blocks(
    design: Design, spreads: VarianceModel
) -> Iterator[tuple[Integers, Floats, VarianceExcess]]:
    """Columns of the posterior, their features by variant or by level, the excess."""
    own = [term for term in design.terms if term.kind in {"main", "pair"}]
    everyone = np.arange(design.variants)
    yield (
        *_build_block(design, own, everyone, np.zeros_like(everyone)),
        spreads.variants,
    )
    for factor, excess in enumerate(spreads.contexts):
        own = [term for term in design.terms if term.contexts == (factor,)]
        own = [term for term in own if term.kind == "context"]
        levels = design.context_levels[:, factor]
        _, cells = np.unique(levels, return_index=True)
        yield *_build_block(design, own, np.zeros_like(cells), cells), excess


def _build_block(
    design: Design, terms: Sequence[Term], variant: Integers, context: Integers
) -> tuple[Integers, Floats]:
    """Columns of the intercept and the terms, and their features at index pairs."""
    columns = [np.arange(term.size) + term.start for term in terms]
    taken = np.concatenate([np.zeros(0, dtype=np.int64), *columns])
    features = design.rows(variant, context)[:, taken]
    features = np.concatenate([np.ones((len(variant), 1)), features], axis=1)
    return np.concatenate([[0], 1 + taken]), features

"""Variances of log amounts that differ between variants and between context levels."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from models_app.bandit.data.cells import sum_by_index
from models_app.bandit.design.design import Design, Floats, Integers, Term
from models_app.bandit.regression.posterior import Posterior

# How similar variances may be: prior weights, in payers, of the common variance.
PRIOR_DOF_GRID = np.array([10.0, 30.0, 100.0, 300.0, 1e3, 3e3, 1e4, 1e5])

# Limit of an excess and of its sd: a mean amount about seven times as high.
#
# Amounts that differ by more are not log-normal; their sums show it (smearing.py).
MAX_EXCESS = 2.0


@dataclass(frozen=True, slots=True)
class VarianceExcess:
    """Half a variance minus half the common variance: posterior mean and variance [n].

    The mean of a log-normal amount is exp(mean log + variance / 2). So this is what a
    variance of its own adds to the log of the mean amount.
    """

    mean: Floats
    variance: Floats


@dataclass(frozen=True, slots=True)
class VarianceModel:
    """Excesses of the V variants, and of the levels of each context factor."""

    variants: VarianceExcess
    contexts: tuple[VarianceExcess, ...]

    def compute_excess(
        self, design: Design, variant: Integers, context: Integers
    ) -> Floats:
        """Return the mean excess [n] by indices [n] of variants and context cells."""
        total = self.variants.mean[variant]
        levels_by_factor = design.context_levels[context].T
        for excess, levels in zip(self.contexts, levels_by_factor, strict=True):
            total = total + excess.mean[levels]
        return np.asarray(total)


def fit_variances(
    design: Design,
    indices: tuple[Integers, Integers],
    payers: Floats,
    squares: Floats,
    variance: float,
) -> VarianceModel:
    """Learn variances of log amounts from cells' sums [n] of squared residuals.

    `indices` are those [n] of the cells' variants and context cells, `variance` is the
    common variance. A context level gets only the part of its variance that its
    variants do not explain.
    """
    variant, context = indices
    variants = _shrink_excess(variant, payers, squares, design.variants, variance)
    expected = variance + 2.0 * variants.mean[variant]
    levels_by_factor = design.context_levels[context].T
    unexplained = squares * variance / np.maximum(expected, variance * 1e-3)
    contexts = tuple(
        _shrink_excess(levels, payers, unexplained, size, variance)
        for levels, size in zip(levels_by_factor, design.context_sizes, strict=True)
    )
    return VarianceModel(variants, contexts)


def _shrink_excess(
    index: Integers, payers: Floats, squares: Floats, size: int, variance: float
) -> VarianceExcess:
    """Shrink the variance of each of `size` indices toward the common variance.

    Variances have a scaled inverse chi-squared prior around the common one. The result
    is averaged over the prior's degrees of freedom, weighted by marginal likelihood
    (Smyth 2004 estimates them instead).
    """
    n, total = sum_by_index(index, payers, size), sum_by_index(index, squares, size)
    prior_dof = PRIOR_DOF_GRID[:, None]
    dof = prior_dof + n
    scale = prior_dof * variance + total
    variances = scale / dof
    log_evidence = special.gammaln(dof / 2) - special.gammaln(prior_dof / 2)
    log_evidence = log_evidence + prior_dof / 2 * np.log(prior_dof * variance)
    log_evidence = (log_evidence - dof / 2 * np.log(scale)).sum(axis=1)
    weight = special.softmax(log_evidence)
    excess = np.clip((variances - variance) / 2, -MAX_EXCESS, MAX_EXCESS)
    mean = weight @ excess
    spread = weight @ (variances**2 / (2 * dof) + (excess - mean) ** 2)
    return VarianceExcess(mean, np.minimum(spread, MAX_EXCESS**2))


def add_variance_excess(log_amount: Posterior, variances: VarianceModel) -> Posterior:
    """Add the excesses to the posterior of log amounts, as far as its terms allow.

    Excesses of variants go to the intercept, mains and pairs; those of a context level
    to the intercept and its factor's own term. Both are weighted least-squares fits;
    the weights are the inverse sds of the excesses.
    """
    mean, covariance = log_amount.mean.copy(), log_amount.covariance.copy()
    for columns, features, excess in _list_blocks(log_amount.design, variances):
        weight = 1.0 / np.sqrt(excess.variance)
        projection = np.linalg.pinv(features * weight[:, None]) * weight
        mean[columns] += projection @ excess.mean
        added = (projection * excess.variance) @ projection.T
        covariance[np.ix_(columns, columns)] += added
    return replace(log_amount, mean=mean, covariance=covariance)


def _list_blocks(
    design: Design, variances: VarianceModel
) -> Iterator[tuple[Integers, Floats, VarianceExcess]]:
    """Yield columns of the posterior, features by variant or by level, and excess."""
    terms = [term for term in design.terms if term.kind in {"main", "pair"}]
    variants = np.arange(design.variants)
    block = _build_block(design, terms, variants, np.zeros_like(variants))
    yield *block, variances.variants
    for factor, excess in enumerate(variances.contexts):
        terms = [term for term in design.terms if term.contexts == (factor,)]
        terms = [term for term in terms if term.kind == "context"]
        levels = design.context_levels[:, factor]
        _, contexts = np.unique(levels, return_index=True)
        block = _build_block(design, terms, np.zeros_like(contexts), contexts)
        yield *block, excess


def _build_block(
    design: Design, terms: Sequence[Term], variant: Integers, context: Integers
) -> tuple[Integers, Floats]:
    """Return columns of the intercept and the terms, and features at index pairs."""
    ranges = [np.arange(term.size) + term.start for term in terms]
    columns = np.concatenate([np.zeros(0, dtype=np.int64), *ranges])
    features = design.rows(variant, context)[:, columns]
    features = np.concatenate([np.ones((len(variant), 1)), features], axis=1)
    return np.concatenate([[0], 1 + columns]), features

"""Linear predictors as sums of parts: of the variant, of its context, of both."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from models_app.bandit.design.design import Design, Integers, Term, build_contrasts

Numbers = NDArray[Any]
"""In double or single precision."""


@dataclass(frozen=True, slots=True)
class PredictorParts:
    """Linear predictors of some draws, in the precision of their coefficients.

    `variant` [draws, V] holds level and design, `context` for each context factor
    [levels, draws] its main effects, `personal` [levels, draws, V] design by context.
    """

    variant: Numbers
    context: tuple[Numbers, ...]
    personal: tuple[Numbers, ...]

    def score(self, levels: Integers) -> Numbers:
        """Score [draws, V] in a context cell, without the context's main effects."""
        total = self.variant
        for table, level in zip(self.personal, levels, strict=True):
            total = total + table[level]
        return total

    def predictor(self, levels: Integers) -> Numbers:
        """Linear predictor [draws, V] in a context cell."""
        total = self.score(levels)
        for table, level in zip(self.context, levels, strict=True):
            total = total + table[level][:, None]
        return total


class PredictorSplitter:
    """Splits coefficients into parts; what that takes is reckoned once.

    `variants` are the V indices wanted, `dtype` the precision.
    """

    def __init__(
        self, design: Design, variants: Integers, dtype: DTypeLike = np.float64
    ) -> None:
        own = [t for t in design.terms if t.kind in {"main", "pair"}]
        self._own = _list_columns(own)
        rows = design.rows(variants, np.zeros_like(variants))
        self._rows: Numbers = rows[:, self._own].T.astype(dtype)
        self._contexts = tuple(
            _ContextSplitter(design, variants, context, dtype)
            for context in range(len(design.contexts))
        )

    def parts(self, coefficients: Numbers) -> PredictorParts:
        """Split coefficients [draws, 1 + q], the first of which is the level."""
        theta = coefficients[:, 1:]
        variant = theta[:, self._own] @ self._rows
        variant += coefficients[:, :1]
        return PredictorParts(
            variant,
            tuple(context.mains(theta) for context in self._contexts),
            tuple(context.personal(theta) for context in self._contexts),
        )


class _ContextSplitter:
    """One context factor's share in the splitting."""

    def __init__(
        self, design: Design, variants: Integers, context: int, dtype: DTypeLike
    ) -> None:
        terms = [term for term in design.terms if term.contexts == (context,)]
        self._levels = design.context_sizes[context]
        self._mains = [term for term in terms if term.kind == "context"]
        self._crossed = [term for term in terms if term.kind == "personal"]
        levels = design.variant_levels[variants]
        rows = [
            build_contrasts(design.sizes[factor])[levels[:, factor]].T
            for term in self._crossed
            for factor in term.factors
        ]
        empty = np.zeros((0, len(variants)))
        self._rows: Numbers = np.concatenate([empty, *rows]).astype(dtype)

    def mains(self, theta: Numbers) -> Numbers:
        """Main effects [levels, draws]."""
        total = np.zeros((self._levels, len(theta)), dtype=theta.dtype)
        for term in self._mains:
            total += compute_level_effects(theta[:, term.columns]).T
        return total

    def personal(self, theta: Numbers) -> Numbers:
        """Interactions [levels, draws, V] of the whole design with the factor."""
        draws, start = len(theta), 0
        shape = self._levels, draws, len(self._rows)
        effects = np.empty(shape, dtype=theta.dtype)
        for term in self._crossed:
            stop = start + term.sizes[0]
            block = theta[:, term.columns].reshape(draws, *term.sizes)
            effects[:, :, start:stop] = compute_level_effects(block).transpose(2, 0, 1)
            start = stop
        return np.asarray(effects @ self._rows)


def compute_level_effects(theta: Numbers) -> Numbers:
    """Return theta [..., L - 1] @ contrasts(L).T: effects [..., L], in L operations."""
    size = theta.shape[-1]
    column = np.arange(size, dtype=theta.dtype)
    scaled = theta / np.sqrt((column + 1) * (column + 2))
    effects = np.zeros((*theta.shape[:-1], size + 1), dtype=theta.dtype)
    effects[..., :-1] = np.cumsum(scaled[..., ::-1], axis=-1)[..., ::-1]
    effects[..., 1:] -= (column + 1) * scaled
    return effects


def _list_columns(terms: list[Term]) -> Integers:
    """Columns of the terms, in order."""
    chosen = [np.arange(term.start, term.start + term.size) for term in terms]
    return np.concatenate([np.zeros(0, dtype=np.int64), *chosen])

"""Linear predictors as sums of parts: of the variant, of its context, of both."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from models_app.bandit.design.design import Design, Integers, Term, build_contrasts

# Numbers in double or single precision.
Numbers = NDArray[Any]


@dataclass(frozen=True, slots=True)
class PredictorParts:
    """The parts of linear predictors of some draws, in the coefficients' precision.

    Attributes
    ----------
    variant: [draws, V] the current level plus the effects of the design.
    context: for each context factor, its main effects [levels, draws].
    personal: for each context factor, its interactions [levels, draws, V] with the
        design.

    """

    variant: Numbers
    context: tuple[Numbers, ...]
    personal: tuple[Numbers, ...]

    def predictor(self, levels: Integers) -> Numbers:
        """Return the linear predictor [draws, V] in the context cell of `levels`."""
        total = self.variant
        for table, level in zip(self.personal, levels, strict=True):
            total = total + table[level]
        for table, level in zip(self.context, levels, strict=True):
            total = total + table[level][:, None]
        return total


class PredictorSplitter:
    """Splits coefficients into parts; the feature rows are computed only once.

    `variants` are the V indices of interest, `dtype` is the precision.
    """

    def __init__(
        self, design: Design, variants: Integers, dtype: DTypeLike = np.float64
    ) -> None:
        terms = [term for term in design.terms if term.kind in {"main", "pair"}]
        self._columns = _list_columns(terms)
        rows = design.rows(variants, np.zeros_like(variants))
        self._rows: Numbers = rows[:, self._columns].T.astype(dtype)
        self._contexts = tuple(
            _ContextSplitter(design, variants, context_index, dtype)
            for context_index in range(len(design.contexts))
        )

    def split(self, coefficients: Numbers) -> PredictorParts:
        """Split coefficients [draws, 1 + q]; column 0 is the current level."""
        theta = coefficients[:, 1:]
        variant = theta[:, self._columns] @ self._rows
        variant += coefficients[:, :1]
        return PredictorParts(
            variant,
            tuple(context.compute_mains(theta) for context in self._contexts),
            tuple(context.compute_interactions(theta) for context in self._contexts),
        )


class _ContextSplitter:
    """Computes the parts that belong to one context factor."""

    def __init__(
        self, design: Design, variants: Integers, context_index: int, dtype: DTypeLike
    ) -> None:
        terms = [term for term in design.terms if term.contexts == (context_index,)]
        self._level_count = design.context_sizes[context_index]
        self._mains = [term for term in terms if term.kind == "context"]
        self._interactions = [term for term in terms if term.kind == "personal"]
        levels = design.variant_levels[variants]
        rows = [
            build_contrasts(design.sizes[factor])[levels[:, factor]].T
            for term in self._interactions
            for factor in term.factors
        ]
        empty = np.zeros((0, len(variants)))
        self._rows: Numbers = np.concatenate([empty, *rows]).astype(dtype)

    def compute_mains(self, theta: Numbers) -> Numbers:
        """Return main effects [levels, draws] of the factor."""
        total = np.zeros((self._level_count, len(theta)), dtype=theta.dtype)
        for term in self._mains:
            total += compute_level_effects(theta[:, term.columns]).T
        return total

    def compute_interactions(self, theta: Numbers) -> Numbers:
        """Return interactions [levels, draws, V] of the factor with the design."""
        draws, start = len(theta), 0
        shape = self._level_count, draws, len(self._rows)
        effects = np.empty(shape, dtype=theta.dtype)
        for term in self._interactions:
            columns = slice(start, start + term.sizes[0])
            block = theta[:, term.columns].reshape(draws, *term.sizes)
            effects[:, :, columns] = compute_level_effects(block).transpose(2, 0, 1)
            start = columns.stop
        return np.asarray(effects @ self._rows)


def compute_level_effects(theta: Numbers) -> Numbers:
    """Return effects [..., L] of a factor's levels from its coefficients [..., L - 1].

    It is theta @ build_contrasts(L).T, computed with cumulative sums in O(L) instead of
    O(L²) operations.
    """
    size = theta.shape[-1]
    column = np.arange(size, dtype=theta.dtype)
    scaled = theta / np.sqrt((column + 1) * (column + 2))
    effects = np.zeros((*theta.shape[:-1], size + 1), dtype=theta.dtype)
    effects[..., :-1] = np.cumsum(scaled[..., ::-1], axis=-1)[..., ::-1]
    effects[..., 1:] -= (column + 1) * scaled
    return effects


def _list_columns(terms: list[Term]) -> Integers:
    """Return the column indices of the terms, in order."""
    ranges = [np.arange(term.start, term.start + term.size) for term in terms]
    return np.concatenate([np.zeros(0, dtype=np.int64), *ranges])

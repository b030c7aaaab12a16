"""The design of an optimization: factors, variants, context cells and their features."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, product
from math import prod
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
TermKind = Literal["main", "pair", "context", "personal"]

INTERACTION_KINDS: frozenset[TermKind] = frozenset({"pair", "personal"})
TermPlan = tuple[TermKind, tuple[int, ...], tuple[int, ...]]
"""Kind, design factors and context factors of a term to be."""

OTHER, MISSING = "other", "missing"
MAX_COEFFICIENTS = 2000
"""Coefficients beyond which the largest interactions are left out of the model."""


@dataclass(frozen=True, slots=True)
class Factor:
    """A named choice and its levels; of a design factor the first is the baseline."""

    name: str
    levels: tuple[str, ...]


def name_extra_levels(levels: Sequence[str]) -> tuple[str, str]:
    """Name what a context factor has besides its levels: any other value, and none.

    'other' and 'missing'; in brackets where a level of its own has that name.
    """
    other, missing = OTHER, MISSING
    while other in levels:
        other = f"({other})"
    while missing in levels:
        missing = f"({missing})"
    return other, missing


@dataclass(frozen=True, slots=True)
class Term:
    """A block of coefficients: which factors it crosses and where its columns are.

    `sizes` are the numbers of contrasts of its factors; `start` is the first of its
    `size` columns in `Design.rows`.
    """

    kind: TermKind
    factors: tuple[int, ...]
    contexts: tuple[int, ...]
    sizes: tuple[int, ...]
    start: int
    name: str

    @property
    def size(self) -> int:
        """Number of coefficients."""
        return prod(self.sizes)

    @property
    def columns(self) -> slice:
        """The term's columns in `Design.rows`."""
        return slice(self.start, self.start + self.size)


def build_contrasts(levels: int) -> Floats:
    """Return orthonormal contrasts [levels, levels - 1] (Helmert's).

    With independent normal coefficients of one scale they give every level the same
    prior, the baseline too. One-hot columns against the baseline span the same models
    but call the baseline certain and tie the other levels to each other through it.
    """
    basis = np.zeros((levels, max(levels - 1, 0)))
    for column in range(levels - 1):
        norm = np.sqrt((column + 1) * (column + 2))
        basis[: column + 1, column] = 1 / norm
        basis[column + 1, column] = -(column + 1) / norm
    return basis


def _enumerate_levels(sizes: Sequence[int]) -> Integers:
    """All combinations of level indices, the last factor turning fastest."""
    cells = list(product(*(range(size) for size in sizes)))
    return np.array(cells, dtype=np.int64).reshape(len(cells), len(sizes))


@dataclass(frozen=True)
class Design:
    """Design factors and context factors.

    A context factor has two more levels than it names: index len(levels) stands for
    'other', len(levels) + 1 for 'missing'.

    Raises ValueError for a factor without levels or with a level twice, and for a
    factor name used twice.
    """

    factors: tuple[Factor, ...]
    contexts: tuple[Factor, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what no variant table can be built from."""
        names = [factor.name for factor in (*self.factors, *self.contexts)]
        for factor in (*self.factors, *self.contexts):
            if not factor.levels or len(set(factor.levels)) < len(factor.levels):
                raise ValueError(f"levels of {factor.name}: at least one, each once")
            if names.count(factor.name) > 1:
                raise ValueError(f"factors: {factor.name} is named twice")

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """Levels of each design factor."""
        return tuple(len(factor.levels) for factor in self.factors)

    @cached_property
    def context_sizes(self) -> tuple[int, ...]:
        """Levels of each context factor, 'other' and 'missing' counted."""
        return tuple(len(context.levels) + 2 for context in self.contexts)

    @cached_property
    def variants(self) -> int:
        """V: number of variants; variant number n of the API has index n - 1."""
        return prod(self.sizes)

    @cached_property
    def segments(self) -> int:
        """S: number of context cells; 1 without contexts."""
        return prod(self.context_sizes)

    @cached_property
    def variant_levels(self) -> Integers:
        """Level indices [V, F], row-major: the last factor turns fastest."""
        return _enumerate_levels(self.sizes)

    @cached_property
    def context_levels(self) -> Integers:
        """Level indices [S, C], row-major: the last context factor turns fastest."""
        return _enumerate_levels(self.context_sizes)

    @cached_property
    def terms(self) -> tuple[Term, ...]:
        """The model's terms in column order, those of `left_out` not among them."""
        kept = [plan for plan in self._plans if plan not in self._left_out]
        terms: list[Term] = []
        start = 0
        for kind, factors, contexts in kept:
            term = self._build_term(kind, factors, contexts, start=start)
            terms.append(term)
            start += term.size
        return tuple(terms)

    @cached_property
    def left_out(self) -> tuple[str, ...]:
        """Names of interactions too large to be estimated together (see `terms`)."""
        return tuple(self._build_term(*plan, start=0).name for plan in self._left_out)

    @cached_property
    def columns(self) -> int:
        """q: number of coefficients."""
        return sum(term.size for term in self.terms)

    def level_name(self, context: int, level: int) -> str:
        """Name a level of a context factor by index, the two beside them too."""
        levels = self.contexts[context].levels
        return (*levels, *name_extra_levels(levels))[level]

    def rows(self, variant: Integers, context: Integers) -> Floats:
        """Features [n, q] of n (variant, context) index pairs, without an intercept."""
        levels, sizes = self.variant_levels[variant].T, self.sizes
        designs = [build_contrasts(n)[at] for n, at in zip(sizes, levels, strict=True)]
        levels, sizes = self.context_levels[context].T, self.context_sizes
        contexts = [build_contrasts(n)[at] for n, at in zip(sizes, levels, strict=True)]
        features = np.empty((len(variant), self.columns))
        for term in self.terms:
            parts = [designs[f] for f in term.factors]
            parts += [contexts[c] for c in term.contexts]
            block = parts[0]
            for part in parts[1:]:
                shape = len(variant), block.shape[1] * part.shape[1]
                block = (block[:, :, None] * part[:, None]).reshape(shape)
            features[:, term.columns] = block
        return features

    @cached_property
    def _plans(self) -> list[TermPlan]:
        designs = [f for f, size in enumerate(self.sizes) if size > 1]
        contexts = range(len(self.contexts))
        plans: list[TermPlan] = []
        plans += [("main", (f,), ()) for f in designs]
        plans += [("pair", pair, ()) for pair in combinations(designs, 2)]
        plans += [("context", (), (c,)) for c in contexts]
        plans += [("personal", (f,), (c,)) for f in designs for c in contexts]
        return plans

    @cached_property
    def _left_out(self) -> list[TermPlan]:
        """Drop the largest interactions until LARGEST_MODEL coefficients are left."""
        by_size = sorted(self._plans, key=self._count_coefficients)
        sizes = [self._count_coefficients(plan) for plan in by_size]
        kept = len(by_size)
        while (
            sum(sizes[:kept]) > MAX_COEFFICIENTS
            and by_size[kept - 1][0] in INTERACTION_KINDS
        ):
            kept -= 1
        return by_size[kept:]

    def _count_coefficients(self, plan: TermPlan) -> int:
        return self._build_term(*plan, start=0).size

    def _build_term(
        self,
        kind: TermKind,
        factors: tuple[int, ...],
        contexts: tuple[int, ...],
        start: int,
    ) -> Term:
        sizes = [self.sizes[f] - 1 for f in factors]
        sizes += [self.context_sizes[c] - 1 for c in contexts]
        names = [self.factors[f].name for f in factors]
        names += [f"context {self.contexts[c].name}" for c in contexts]
        return Term(kind, factors, contexts, tuple(sizes), start, " x ".join(names))

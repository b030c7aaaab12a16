"""The design of an optimization: factors, variants, context cells and features."""

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
# Kind, design factors and context factors of a term before its columns are set.
TermPlan = tuple[TermKind, tuple[int, ...], tuple[int, ...]]

OTHER, MISSING = "other", "missing"
# Number of coefficients beyond which the model leaves out the largest interactions.
MAX_COEFFICIENTS = 2000


@dataclass(frozen=True, slots=True)
class Factor:
    """A named choice and its levels; a design factor's first level is the baseline."""

    name: str
    levels: tuple[str, ...]


def name_extra_levels(levels: Sequence[str]) -> tuple[str, str]:
    """Return names for a context factor's two extra levels: any other value, and none.

    These are 'other' and 'missing', in parentheses if one of the levels has that name.
    """
    other, missing = OTHER, MISSING
    while other in levels:
        other = f"({other})"
    while missing in levels:
        missing = f"({missing})"
    return other, missing


@dataclass(frozen=True, slots=True)
class Term:
    """A block of coefficients: the factors it crosses and the columns it fills.

    `factors` and `contexts` are indices. `sizes` are the numbers of contrasts of each;
    `start` is the first of the term's `size` columns in `Design.rows`.
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
    """Return orthonormal Helmert contrasts [levels, levels - 1].

    With independent normal coefficients of one scale, they give every level the same
    prior, including the baseline. One-hot columns against the baseline span the same
    models, but treat the baseline as certain and correlate the other levels through it.
    """
    basis = np.zeros((levels, max(levels - 1, 0)))
    for column in range(levels - 1):
        norm = np.sqrt((column + 1) * (column + 2))
        basis[: column + 1, column] = 1 / norm
        basis[column + 1, column] = -(column + 1) / norm
    return basis


def _enumerate_levels(sizes: Sequence[int]) -> Integers:
    """Return all combinations of level indices, the last factor varying fastest."""
    combinations = list(product(*(range(size) for size in sizes)))
    shape = len(combinations), len(sizes)
    return np.array(combinations, dtype=np.int64).reshape(shape)


def _build_features(sizes: Sequence[int], levels: Integers) -> list[Floats]:
    """Return the contrasts [n, size - 1] of each factor at its level indices [n, F]."""
    return [
        build_contrasts(size)[indices]
        for size, indices in zip(sizes, levels.T, strict=True)
    ]


@dataclass(frozen=True)
class Design:
    """Design factors and context factors.

    A context factor has two more levels than it lists: index len(levels) stands for
    'other', len(levels) + 1 for 'missing'.

    Raises ValueError for a factor without levels or with duplicate levels, and for a
    duplicate factor name.
    """

    factors: tuple[Factor, ...]
    contexts: tuple[Factor, ...] = ()

    def __post_init__(self) -> None:
        """Raise ValueError if the factors do not define a table of variants."""
        names = [factor.name for factor in (*self.factors, *self.contexts)]
        for factor in (*self.factors, *self.contexts):
            if not factor.levels or len(set(factor.levels)) < len(factor.levels):
                raise ValueError(
                    f"levels of {factor.name}: must be at least one, all different"
                )
            if names.count(factor.name) > 1:
                raise ValueError(f"factors: {factor.name} is the name of two factors")

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """Number of levels of each design factor."""
        return tuple(len(factor.levels) for factor in self.factors)

    @cached_property
    def context_sizes(self) -> tuple[int, ...]:
        """Number of levels of each context factor, including 'other' and 'missing'."""
        return tuple(len(context.levels) + 2 for context in self.contexts)

    @cached_property
    def variants(self) -> int:
        """V: number of variants; variant number n of the API has index n - 1."""
        return prod(self.sizes)

    @cached_property
    def context_cells(self) -> int:
        """S: number of context cells; 1 without contexts."""
        return prod(self.context_sizes)

    @cached_property
    def variant_levels(self) -> Integers:
        """Level indices [V, F], row-major: the last factor varies fastest."""
        return _enumerate_levels(self.sizes)

    @cached_property
    def context_levels(self) -> Integers:
        """Level indices [S, C], row-major: the last context factor varies fastest."""
        return _enumerate_levels(self.context_sizes)

    @cached_property
    def terms(self) -> tuple[Term, ...]:
        """The model's terms in column order, without those in `left_out`."""
        terms: list[Term] = []
        start = 0
        for plan in self._plans:
            if plan in self._left_out:
                continue
            term = self._build_term(*plan, start=start)
            terms.append(term)
            start += term.size
        return tuple(terms)

    @cached_property
    def left_out(self) -> tuple[str, ...]:
        """Names of the interactions that the model is too large to include."""
        return tuple(self._build_term(*plan, start=0).name for plan in self._left_out)

    @cached_property
    def columns(self) -> int:
        """q: number of coefficients."""
        return sum(term.size for term in self.terms)

    def level_name(self, context_index: int, level_index: int) -> str:
        """Return the name of a context factor's level, extra levels included."""
        levels = self.contexts[context_index].levels
        return (*levels, *name_extra_levels(levels))[level_index]

    def rows(self, variant: Integers, context: Integers) -> Floats:
        """Return features [n, q], without intercept.

        `variant` and `context` are indices [n] of variants and of context cells.
        """
        designs = _build_features(self.sizes, self.variant_levels[variant])
        contexts = _build_features(self.context_sizes, self.context_levels[context])
        features = np.empty((len(variant), self.columns))
        for term in self.terms:
            blocks = [designs[f] for f in term.factors]
            blocks += [contexts[c] for c in term.contexts]
            crossed = blocks[0]
            for block in blocks[1:]:
                shape = len(variant), crossed.shape[1] * block.shape[1]
                crossed = (crossed[:, :, None] * block[:, None]).reshape(shape)
            features[:, term.columns] = crossed
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
        """The largest interactions, as many as exceed MAX_COEFFICIENTS."""
        by_size = sorted(self._plans, key=self._count_coefficients)
        sizes = [self._count_coefficients(plan) for plan in by_size]
        count = len(by_size)
        while (
            sum(sizes[:count]) > MAX_COEFFICIENTS
            and by_size[count - 1][0] in INTERACTION_KINDS
        ):
            count -= 1
        return by_size[count:]

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

"""Gram matrices of feature rows, summed by the variants and contexts they cross."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from models_app.bandit.data.cells import sum_by_index
from models_app.bandit.design.design import (
    Design,
    Floats,
    Integers,
    Term,
    build_contrasts,
)


@dataclass(frozen=True, slots=True)
class CrossedFeatures:
    """Rows [U, q] of a design as products of features of V variants and S contexts.

    Attributes
    ----------
    cell: [U] index of a row's variant and context in a table [V, S].
    variant_features: [V, n] the first n features, which depend on the variant alone.
    main_features: [V, F] a constant 1 and the main effects.
    context_features: [S, C] contrasts of the context factors.
    products: [q - n] for each further feature its index among the F * C products of
        main and context features, the latter varying fastest.

    """

    cell: Integers
    variant_features: Floats
    main_features: Floats
    context_features: Floats
    products: Integers

    def select_rows(self, rows: Integers) -> Self:
        """Return the crossed features of the rows at these indices."""
        return replace(self, cell=self.cell[rows])

    def compute_gram(self, weight: Floats) -> Floats:
        """Return the sum [q, q] of the rows' outer products, weighted by [U].

        It sums over variants and then over contexts, which avoids most of the cost of
        multiplying the rows themselves.
        """
        v, s = len(self.variant_features), len(self.context_features)
        n = self.variant_features.shape[1]
        q = n + len(self.products)
        table = sum_by_index(self.cell, weight, v * s).reshape(v, s)
        gram = np.empty((q, q))
        by_variant = self.variant_features.T * table.sum(axis=1)
        gram[:n, :n] = by_variant @ self.variant_features
        crossed = _multiply_features(self.main_features, table @ self.context_features)
        gram[:n, n:] = self.variant_features.T @ crossed[:, self.products]
        gram[n:, :n] = gram[:n, n:].T
        gram[n:, n:] = self._compute_crossed_block(table)
        return gram

    def _compute_crossed_block(self, table: Floats) -> Floats:
        """Return the lower right block of the Gram matrix, given weights [V, S]."""
        f, c = self.main_features.shape[1], self.context_features.shape[1]
        context_squares = _multiply_features(
            self.context_features, self.context_features
        )
        main_squares = _multiply_features(self.main_features, self.main_features)
        block = main_squares.T @ (table @ context_squares)
        block = block.reshape(f, f, c, c).transpose(0, 2, 1, 3).reshape(f * c, f * c)
        return np.asarray(block[np.ix_(self.products, self.products)])


def cross_features(
    design: Design, variant: Integers, context: Integers
) -> CrossedFeatures | None:
    """Return the crossed features of distinct rows with variants [U] and contexts [U].

    Returns None if multiplying the rows themselves is cheaper.
    """
    variants, variant_index = np.unique(variant, return_inverse=True)
    contexts, context_index = np.unique(context, return_inverse=True)
    mains = [term for term in design.terms if term.kind == "main"]
    sizes = (
        1 + sum(term.size for term in mains),
        sum(size - 1 for size in design.context_sizes),
    )
    if not _is_cheaper(design, (len(variants), len(contexts)), sizes, len(variant)):
        return None
    n = sum(term.size for term in design.terms if term.kind in {"main", "pair"})
    rows = design.rows(variants, np.zeros_like(variants))
    levels = design.context_levels[contexts]
    contrasts = [
        build_contrasts(size)[levels[:, c]]
        for c, size in enumerate(design.context_sizes)
    ]
    mains_and_one = [np.ones((len(rows), 1)), rows[:, : sizes[0] - 1]]
    return CrossedFeatures(
        cell=variant_index * len(contexts) + context_index,
        variant_features=rows[:, :n],
        main_features=np.concatenate(mains_and_one, axis=1),
        context_features=np.concatenate(contrasts, axis=1),
        products=_index_products(design, mains, sizes[1]),
    )


def _is_cheaper(
    design: Design, counts: tuple[int, int], sizes: tuple[int, int], rows: int
) -> bool:
    """Return whether crossing takes fewer multiplications and no more memory.

    `counts` are those of variants and contexts (V, S), `sizes` those of main and
    context features (F, C).
    """
    (v, s), (f, c), q = counts, sizes, design.columns
    multiplications = v * c**2 * (s + f**2)
    numbers = max(v * s, s * c**2, v * f**2, (f * c) ** 2)
    return c > 0 and multiplications < rows * q**2 and numbers < rows * q


def _index_products(design: Design, mains: list[Term], width: int) -> Integers:
    """Return the product of main and context features that each further feature is.

    `width` is the number of context features.
    """
    main_start = {term.factors: 1 + term.start for term in mains}
    starts = np.concatenate([[0], np.cumsum(np.array(design.context_sizes) - 1)])
    blocks = [np.zeros(0, dtype=np.int64)]
    for term in design.terms:
        if not term.contexts:
            continue
        inner = starts[term.contexts[0]] + np.arange(term.sizes[-1])
        outer = np.zeros(1, dtype=np.int64)
        if term.factors:
            outer = main_start[term.factors] + np.arange(term.sizes[0])
        blocks.append((outer[:, None] * width + inner).ravel())
    return np.concatenate(blocks)


def _multiply_features(left: Floats, right: Floats) -> Floats:
    """Return products [n, a * b] of features [n, a] and [n, b], b varying fastest."""
    return np.asarray((left[:, :, None] * right[:, None]).reshape(len(left), -1))

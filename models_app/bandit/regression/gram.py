"""Weighted sums of squares of feature rows, by the variants and contexts they cross."""

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
    """A design's rows [U, q] as products of V variants' features and S contexts' ones.

    Parameters
    ----------
    cell: [U] index of a row's variant and context in a table [V, S].
    own: [V, n] the first n features, which the variant alone decides.
    factors: [V, F] one, and the main features.
    contexts: [S, C] features of the context factors.
    others: [q - n] which product of `factors` and `contexts` a later feature is, the
        latter turning fastest.

    """

    cell: Integers
    own: Floats
    factors: Floats
    contexts: Floats
    others: Integers

    def select_rows(self, rows: Integers) -> Self:
        """Return the crossing of these of its rows."""
        return replace(self, cell=self.cell[rows])

    def compute_gram(self, weight: Floats) -> Floats:
        """Sum [q, q] of the outer products of the rows with themselves, by weight [U].

        Variants and contexts are summed over one after the other, which spares most of
        what a product of the rows themselves costs.
        """
        count, many = len(self.own), len(self.contexts)
        n, total = self.own.shape[1], self.own.shape[1] + len(self.others)
        table = sum_by_index(self.cell, weight, count * many).reshape(count, many)
        gram = np.empty((total, total))
        gram[:n, :n] = (self.own.T * table.sum(axis=1)) @ self.own
        once = _multiply_features(self.factors, table @ self.contexts)[:, self.others]
        gram[:n, n:] = self.own.T @ once
        gram[n:, :n] = gram[:n, n:].T
        gram[n:, n:] = self._compute_crossed_block(table)
        return gram

    def _compute_crossed_block(self, table: Floats) -> Floats:
        """Return the lower right block of the sum, given the weights [V, S]."""
        f, c = self.factors.shape[1], self.contexts.shape[1]
        twice = table @ _multiply_features(self.contexts, self.contexts)
        block = _multiply_features(self.factors, self.factors).T @ twice
        block = block.reshape(f, f, c, c).transpose(0, 2, 1, 3).reshape(f * c, f * c)
        return np.asarray(block[np.ix_(self.others, self.others)])


def cross_features(
    design: Design, variant: Integers, context: Integers
) -> CrossedFeatures | None:
    """Cross the variants [U] and contexts [U] of distinct rows.

    None where a product of the rows themselves is the cheaper way.
    """
    variants, at = np.unique(variant, return_inverse=True)
    contexts, where = np.unique(context, return_inverse=True)
    mains = [term for term in design.terms if term.kind == "main"]
    sizes = (
        1 + sum(term.size for term in mains),
        sum(n - 1 for n in design.context_sizes),
    )
    if not _is_cheaper(design, (len(variants), len(contexts)), sizes, len(variant)):
        return None
    own = sum(term.size for term in design.terms if term.kind in {"main", "pair"})
    rows = design.rows(variants, np.zeros_like(variants))
    levels = design.context_levels[contexts]
    blocks = [
        build_contrasts(size)[levels[:, c]]
        for c, size in enumerate(design.context_sizes)
    ]
    return CrossedFeatures(
        cell=at * len(contexts) + where,
        own=rows[:, :own],
        factors=np.concatenate([np.ones((len(rows), 1)), rows[:, : sizes[0] - 1]], 1),
        contexts=np.concatenate(blocks, axis=1),
        others=_index_products(design, mains, sizes[1]),
    )


def _is_cheaper(
    design: Design, counts: tuple[int, int], sizes: tuple[int, int], rows: int
) -> bool:
    """Whether crossing takes fewer products than the rows, and no more memory."""
    (variants, contexts), (f, c) = counts, sizes
    products = variants * c**2 * (contexts + f**2)
    numbers = max(variants * contexts, contexts * c**2, variants * f**2, (f * c) ** 2)
    q = design.columns
    return c > 0 and products < rows * q**2 and numbers < rows * q


def _index_products(design: Design, mains: list[Term], width: int) -> Integers:
    """Which product of factors' and contexts' features each later feature is."""
    first = {term.factors: 1 + term.start for term in mains}
    starts = np.concatenate([[0], np.cumsum(np.array(design.context_sizes) - 1)])
    found = [np.zeros(0, dtype=np.int64)]
    for term in design.terms:
        if not term.contexts:
            continue
        inner = starts[term.contexts[0]] + np.arange(term.sizes[-1])
        outer = np.zeros(1, dtype=np.int64)
        if term.factors:
            outer = first[term.factors] + np.arange(term.sizes[0])
        found.append((outer[:, None] * width + inner).ravel())
    return np.concatenate(found)


def _multiply_features(left: Floats, right: Floats) -> Floats:
    """All products [n, a * b] of features [n, a] and [n, b], the latter turning fastest."""
    return np.asarray((left[:, :, None] * right[:, None]).reshape(len(left), -1))

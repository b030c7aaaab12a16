"""Levels of factors, alone and in pairs, as directions among the coefficients."""

from functools import lru_cache
from itertools import product
from math import prod

import numpy as np

from models_app.bandit.design.design import (
    Design,
    Floats,
    Integers,
    Term,
    build_contrasts,
)


@lru_cache(maxsize=1)  # the searches of one fit ask one after the other
def build_level_contrasts(design: Design) -> tuple[tuple[str, ...], Floats, Floats]:
    """Return names, directions [J, q] and shares [J] of levels and of their pairs.

    A direction moves the predictor by one where its level, or both, are there, against
    everywhere else; what moves for all alike belongs to time. A context's level alone
    decides nothing, but what moves with it would be laid to variants otherwise. A share
    is that of the combinations of levels that it is one of.
    """
    names: list[str] = []
    shares: list[float] = []
    directions = [np.zeros((0, design.columns))]
    for term in design.terms:
        levels = _list_combinations(design, term)
        directions.append(_build_directions(design, term, levels))
        names += _name_combinations(design, term, levels)
        shares += [1.0 / prod(_list_level_counts(design, term))] * len(levels)
    together = np.concatenate(directions), np.array(shares)
    for each in together:
        each.flags.writeable = False  # they are shared
    return tuple(names), *together


def _list_level_counts(design: Design, term: Term) -> list[int]:
    """Levels of the factors that a term crosses."""
    sizes = [design.sizes[f] for f in term.factors]
    return sizes + [design.context_sizes[c] for c in term.contexts]


def _list_combinations(design: Design, term: Term) -> Integers:
    """Combinations [J, factors] of levels that a term crosses; of two one will do."""
    sizes = _list_level_counts(design, term)
    first = 1 if sizes == [2] else 0
    return np.array(list(product(*(range(first, size) for size in sizes))))


def _name_combinations(design: Design, term: Term, levels: Integers) -> list[str]:
    """Names of combinations [J, factors], the term's before them."""
    called = [design.factors[f].levels for f in term.factors]
    for c in term.contexts:
        sizes = range(design.context_sizes[c])
        called.append(tuple(design.level_name(c, level) for level in sizes))
    return [
        f"{term.name}: "
        + " x ".join(names[at] for names, at in zip(called, row, strict=True))
        for row in levels.tolist()
    ]


def _build_directions(design: Design, term: Term, levels: Integers) -> Floats:
    """Coefficients [J, q] of the indicators of combinations, less their means."""
    keys = [("design", f) for f in term.factors]
    keys += [("context", c) for c in term.contexts]
    bases = [build_contrasts(design.sizes[f]) for f in term.factors]
    bases += [build_contrasts(design.context_sizes[c]) for c in term.contexts]
    directions = np.zeros((len(levels), design.columns))
    for part in design.terms:
        crossed = [("design", f) for f in part.factors]
        crossed += [("context", c) for c in part.contexts]
        if not set(crossed) <= set(keys):
            continue
        block = np.ones((len(levels), 1))
        for place, (key, basis) in enumerate(zip(keys, bases, strict=True)):
            if key in crossed:
                each = basis[levels[:, place]]
                block = (block[:, :, None] * each[:, None]).reshape(len(levels), -1)
            else:
                block = block / len(basis)
        directions[:, part.columns] = block
    return directions

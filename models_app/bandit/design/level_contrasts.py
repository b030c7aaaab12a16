"""Levels of factors and pairs of levels, as directions in coefficient space."""

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


@lru_cache(maxsize=1)  # one fit calls it several times with one design
def build_level_contrasts(design: Design) -> tuple[tuple[str, ...], Floats, Floats]:
    """Return names, directions [J, q] and shares [J] of levels and pairs of levels.

    A direction raises the predictor by one where its level (or both of its pair) is
    present, relative to everywhere else; a shift common to all rows belongs to time.
    Context levels are included: they never change which variant wins, but leaving them
    out would bias the variant effects they correlate with. A share is 1 / the number of
    level combinations of the term.
    """
    names: list[str] = []
    shares: list[float] = []
    directions = [np.zeros((0, design.columns))]
    for term in design.terms:
        levels = _list_combinations(design, term)
        directions.append(_build_directions(design, term, levels))
        names += _name_combinations(design, term, levels)
        shares += [1.0 / prod(_list_level_counts(design, term))] * len(levels)
    arrays = np.concatenate(directions), np.array(shares)
    for array in arrays:
        array.flags.writeable = False  # the cache shares them between callers
    return tuple(names), *arrays


def _list_level_counts(design: Design, term: Term) -> list[int]:
    """Return the number of levels of each factor that a term crosses."""
    sizes = [design.sizes[f] for f in term.factors]
    return sizes + [design.context_sizes[c] for c in term.contexts]


def _list_combinations(design: Design, term: Term) -> Integers:
    """Return the combinations [J, factors] of levels that a term crosses.

    Of a single factor with two levels only the second is listed: the first mirrors it.
    """
    sizes = _list_level_counts(design, term)
    first = 1 if sizes == [2] else 0
    return np.array(list(product(*(range(first, size) for size in sizes))))


def _name_combinations(design: Design, term: Term, levels: Integers) -> list[str]:
    """Return a name for each combination [J, factors], with the term's name first."""
    level_names = [design.factors[f].levels for f in term.factors]
    for c in term.contexts:
        indices = range(design.context_sizes[c])
        level_names.append(tuple(design.level_name(c, level) for level in indices))
    return [
        f"{term.name}: "
        + " x ".join(
            names[index] for names, index in zip(level_names, row, strict=True)
        )
        for row in levels.tolist()
    ]


def _build_directions(design: Design, term: Term, levels: Integers) -> Floats:
    """Return coefficients [J, q] of the combinations' indicators, minus their means."""
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
        for column, (key, basis) in enumerate(zip(keys, bases, strict=True)):
            if key in crossed:
                contrasts = basis[levels[:, column]]
                products = block[:, :, None] * contrasts[:, None]
                block = products.reshape(len(levels), -1)
            else:
                block = block / len(basis)
        directions[:, part.columns] = block
    return directions

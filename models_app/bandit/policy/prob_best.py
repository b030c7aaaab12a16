"""How often each variant is the best of a context cell, counted over joint draws."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray

from models_app.bandit.design.design import Floats, Integers
from models_app.bandit.rewards import reward_model
from models_app.bandit.rewards.linear_predictor import PredictorSplitter
from models_app.bandit.rewards.reward_model import (
    DrawChunk,
    FittedReward,
    RewardPosterior,
)

Float32s = NDArray[np.float32]

DRAWS_PER_CHUNK = 512
"""Draws made at a time."""

MAX_TABLE_NUMBERS, MAX_CELL_NUMBERS, MERIT_BLOCK_SIZE = 1_000_000, 4_096, 16_384
"""Numbers in the tables of some draws, in one context cell of them, and how many merits
are reckoned at a time: tables near a core, a block with all it takes in its own cache."""

MAX_OUTER_LOG, MAX_INNER_LOG = 40.0, 15.0
"""Bounds of the exponents of a product's two factors, which keep merits among the
numbers of single precision: at most e^30 in an amount, e^55 against a chance."""


def compute_prob_best(
    believed: FittedReward,
    draws: int,
    seed: int,
    variants: Integers,
    *,
    bias: Mapping[str, float] | None = None,
    sign: float = 1.0,
) -> Floats:
    """Share of rewards.chunks' draws in which each of the `variants` is their best.

    Gives [S, V], 0 for the others; the least reward is best where `sign` is negative.
    Merits are reckoned in single precision: variants alike to six digits may change
    places, and of equal ones the first wins.
    """
    design, parts = (
        believed.design,
        reward_model.to_reward_posterior(believed).posteriors,
    )
    *outer, inner = design.context_sizes or (1,)
    rows = inner + sum(outer) + prod(outer)
    step = MAX_TABLE_NUMBERS // (len(variants) * rows * len(parts))
    step = max(1, min(step, MAX_CELL_NUMBERS // len(variants)))
    splitter = PredictorSplitter(design, variants, np.float32)
    wins = np.zeros((design.segments, design.variants))
    for chunk in reward_model.draw_chunks(
        believed, draws, seed, variants, bias=bias, size=max(step, DRAWS_PER_CHUNK)
    ):
        coefficients = _orient_coefficients(chunk)
        for start in range(0, len(chunk), step):
            some = [each[start : start + step] for each in coefficients]
            best = _find_best_variants(chunk.belief, splitter, some, least=sign < 0)
            wins[:, variants] += _count_wins(best, len(variants))
    return wins / draws


def _orient_coefficients(chunk: DrawChunk) -> list[Float32s]:
    """Coefficients [draws, 1 + q] of each part, its sign in them.

    In any unit where only order matters; a level that is common to all variants matters
    to chances, in products, alone.
    """
    found = []
    pairs = zip(chunk.coefficients(), _get_part_signs(chunk.belief), strict=True)
    for coefficients, sign in pairs:
        if sign >= 0:
            coefficients[:, 0] = 0.0
        unit = sign or 1.0 / (np.abs(coefficients).max() or 1.0)
        found.append((coefficients * unit).astype(np.float32))
    return found


def _get_part_signs(belief: RewardPosterior) -> tuple[int, ...]:
    """Tell how each part enters: 0 as it is, else as exp(sign * linear predictor)."""
    known = {"chance": (0,), "mean": (0,), "hurdle": (-1, 1)}
    return known.get(belief.kind, (-1,) * len(belief.posteriors))


def _find_best_variants(
    belief: RewardPosterior,
    splitter: PredictorSplitter,
    coefficients: Sequence[Float32s],
    *,
    least: bool,
) -> NDArray[np.intp]:
    """Return the index [S, draws] of the best variant in each context cell."""
    parts = [
        _build_part(splitter, each, sign)
        for each, sign in zip(coefficients, _get_part_signs(belief), strict=True)
    ]
    inner = len(parts[0].inner)
    best = np.empty((belief.design.segments, len(coefficients[0])), dtype=np.intp)
    step = max(1, MERIT_BLOCK_SIZE // parts[0].inner[0].size)
    for start in range(0, inner, step):
        tables = [part.inner[start : start + step] for part in parts]
        for index, first in enumerate(range(start, len(best), inner)):
            pairs = zip(parts, tables, strict=True)
            merit = _compute_merit(
                belief, [part.block(index, rows) for part, rows in pairs]
            )
            into = best[first : first + len(merit)]
            if least:
                merit.argmin(axis=2, out=into)
            else:
                merit.argmax(axis=2, out=into)
    return best


def _count_wins(best: NDArray[np.intp], variants: int) -> Floats:
    """Count how often each variant is among the indices [S, draws]: [S, V]."""
    shape = len(best), variants
    cells = best + variants * np.arange(len(best))[:, None]
    counted = np.bincount(cells.ravel(), minlength=shape[0] * shape[1])
    return counted.reshape(shape).astype(np.float64)


@dataclass(frozen=True, slots=True)
class _RewardPart:
    """Of some draws a part of the reward: a score, or exp(sign * linear predictor).

    The sum or the product of `outer` [S / levels, draws, V], for every combination of
    the other context factors, and `inner` [levels, draws, V], of the last one.
    """

    outer: Float32s
    inner: Float32s
    sign: int

    def block(self, index: int, rows: Float32s) -> Float32s:
        """Return the part [·, draws, V] where an outer row meets some inner ones."""
        outer = self.outer[index]
        return np.asarray(outer * rows if self.sign else outer + rows)


def _build_part(
    splitter: PredictorSplitter, coefficients: Float32s, sign: int
) -> _RewardPart:
    parts = splitter.parts(coefficients)
    tables = parts.personal
    if sign < 0:
        mains = (main[:, :, None] for main in parts.context)
        tables = tuple(a + b for a, b in zip(tables, mains, strict=True))
    outer, shape = parts.variant[None], parts.variant.shape
    for table in tables[:-1]:
        outer = (outer[:, None] + table).reshape(-1, *shape)
    inner = tables[-1] if tables else np.zeros((1, *shape), dtype=np.float32)
    if sign:
        outer, inner = (
            _exponentiate_in_place(outer, MAX_OUTER_LOG),
            _exponentiate_in_place(inner, MAX_INNER_LOG),
        )
    return _RewardPart(outer, inner, sign)


def _exponentiate_in_place(table: Float32s, most: float) -> Float32s:
    """Return exp(table), bounded, in its place."""
    if max(table.max(), -table.min()) > most:
        np.clip(table, -most, most, out=table)
    return np.asarray(np.exp(table, out=table))


def _compute_merit(belief: RewardPosterior, blocks: list[Float32s]) -> Float32s:
    """Numbers in the order of the rewards; the blocks are used up."""
    if belief.kind in {"chance", "mean"}:
        return blocks[0]
    against, *rest = blocks
    if belief.kind == "hurdle":
        merit = rest[0]
    elif rest:
        merit = _compute_mean_weight(belief.weights, rest)
    else:
        merit = np.full_like(against, np.sign(belief.weights[0]))
    against += 1.0
    merit /= against
    return merit


def _compute_mean_weight(
    weights: Sequence[float], stages: Sequence[Float32s]
) -> Float32s:
    """Mean weight of an outcome, in any unit, from the odds against each at its turn."""
    unit = max(map(abs, weights)) or 1.0
    *others, before, last = (weight / unit for weight in weights)
    value = stages[-1]
    value += 1.0
    np.divide(before - last, value, out=value)
    value += last
    for against, weight in zip(stages[-2::-1], others[::-1], strict=True):
        value *= against
        value += weight
        value /= np.add(against, 1.0, out=against)
    return value

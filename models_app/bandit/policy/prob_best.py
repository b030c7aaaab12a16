"""The probability that each variant is best in a context cell, counted over draws."""

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

# Draws made at a time.
DRAWS_PER_CHUNK = 512

# Limits of memory, in numbers: the tables of some draws, one context cell of them,
# and the merits computed at a time. Tables then stay near a core, and a block with
# all its inputs stays in the core's own cache.
MAX_TABLE_NUMBERS, MAX_CONTEXT_CELL_NUMBERS, MERIT_BLOCK_SIZE = 1_000_000, 4_096, 16_384

# Limits of the exponents of a product's two factors. They keep merits in the range of
# single precision: at most e^30 in an amount, e^55 in odds against.
MAX_OUTER_LOG, MAX_INNER_LOG = 40.0, 15.0


def compute_prob_best(
    fitted_reward: FittedReward,
    draws: int,
    seed: int,
    variants: Integers,
    *,
    bias: Mapping[str, float] | None = None,
    sign: float = 1.0,
) -> Floats:
    """Return the share [S, V] of draws in which each of `variants` is best among them.

    Other variants get 0. The highest reward is best, or the lowest if `sign` is
    negative. Merits are computed in single precision: variants that agree to six digits
    may swap places, and the first of equal ones wins. For draws, bias and errors see
    reward_model.draw_chunks.
    """
    design = fitted_reward.design
    reward_posterior = reward_model.to_reward_posterior(fitted_reward)
    part_count = len(reward_posterior.posteriors)
    *outer, inner = design.context_sizes or (1,)
    rows = inner + sum(outer) + prod(outer)
    step = MAX_TABLE_NUMBERS // (len(variants) * rows * part_count)
    step = max(1, min(step, MAX_CONTEXT_CELL_NUMBERS // len(variants)))
    splitter = PredictorSplitter(design, variants, np.float32)
    minimize = sign * reward_posterior.sign < 0
    wins = np.zeros((design.context_cells, design.variants))
    for chunk in reward_model.draw_chunks(
        fitted_reward, draws, seed, variants, bias=bias, size=max(step, DRAWS_PER_CHUNK)
    ):
        coefficients = _scale_coefficients(chunk)
        for start in range(0, len(chunk), step):
            block = [theta[start : start + step] for theta in coefficients]
            best = _find_best_variants(
                chunk.posterior, splitter, block, minimize=minimize
            )
            wins[:, variants] += _count_wins(best, len(variants))
    return wins / draws


def _scale_coefficients(chunk: DrawChunk) -> list[Float32s]:
    """Return the coefficients [draws, 1 + q] of each part, times its sign.

    A part that enters as it is may have any unit, because only the order of variants
    matters. The level, which all variants share, matters only to the odds against an
    event in a product; for other parts it is set to 0.
    """
    scaled = []
    signs = _get_part_signs(chunk.posterior)
    for coefficients, sign in zip(chunk.coefficients(), signs, strict=True):
        if sign >= 0:
            coefficients[:, 0] = 0.0
        unit = sign or 1.0 / (np.abs(coefficients).max() or 1.0)
        scaled.append((coefficients * unit).astype(np.float32))
    return scaled


def _get_part_signs(posterior: RewardPosterior) -> tuple[int, ...]:
    """Return how each part enters: 0 as it is, otherwise as exp(sign * predictor)."""
    signs = {"chance": (0,), "mean": (0,), "hurdle": (-1, 1)}
    return signs.get(posterior.kind, (-1,) * len(posterior.posteriors))


def _find_best_variants(
    posterior: RewardPosterior,
    splitter: PredictorSplitter,
    coefficients: Sequence[Float32s],
    *,
    minimize: bool,
) -> NDArray[np.intp]:
    """Return the index [S, draws] of the best variant in each context cell."""
    signs = _get_part_signs(posterior)
    parts = [
        _build_part(splitter, theta, sign)
        for theta, sign in zip(coefficients, signs, strict=True)
    ]
    inner = len(parts[0].inner)
    best = np.empty(
        (posterior.design.context_cells, len(coefficients[0])), dtype=np.intp
    )
    step = max(1, MERIT_BLOCK_SIZE // parts[0].inner[0].size)
    for start in range(0, inner, step):
        tables = [part.inner[start : start + step] for part in parts]
        for index, first in enumerate(range(start, len(best), inner)):
            blocks = [
                part.block(index, rows)
                for part, rows in zip(parts, tables, strict=True)
            ]
            merit = _compute_merit(posterior, blocks)
            out = best[first : first + len(merit)]
            if minimize:
                merit.argmin(axis=2, out=out)
            else:
                merit.argmax(axis=2, out=out)
    return best


def _count_wins(best: NDArray[np.intp], variants: int) -> Floats:
    """Return how often [S, V] each variant occurs among the indices [S, draws]."""
    shape = len(best), variants
    flat_indices = best + variants * np.arange(len(best))[:, None]
    counts = np.bincount(flat_indices.ravel(), minlength=shape[0] * shape[1])
    return counts.reshape(shape).astype(np.float64)


@dataclass(frozen=True, slots=True)
class _RewardPart:
    """A part of the reward for some draws: its predictor, or exp(sign * predictor).

    It is the sum, or the product, of two tables: `outer` [S / levels, draws, V] for
    every combination of the other context factors, and `inner` [levels, draws, V] for
    the levels of the last one.
    """

    outer: Float32s
    inner: Float32s
    sign: int

    def block(self, index: int, rows: Float32s) -> Float32s:
        """Return the part [·, draws, V] for one outer row and some inner `rows`."""
        outer = self.outer[index]
        return np.asarray(outer * rows if self.sign else outer + rows)


def _build_part(
    splitter: PredictorSplitter, coefficients: Float32s, sign: int
) -> _RewardPart:
    parts = splitter.split(coefficients)
    tables = parts.personal
    if sign < 0:
        mains = (main[:, :, None] for main in parts.context)
        tables = tuple(a + b for a, b in zip(tables, mains, strict=True))
    outer, shape = parts.variant[None], parts.variant.shape
    for table in tables[:-1]:
        outer = (outer[:, None] + table).reshape(-1, *shape)
    inner = tables[-1] if tables else np.zeros((1, *shape), dtype=np.float32)
    if sign:
        outer = _exponentiate_in_place(outer, MAX_OUTER_LOG)
        inner = _exponentiate_in_place(inner, MAX_INNER_LOG)
    return _RewardPart(outer, inner, sign)


def _exponentiate_in_place(table: Float32s, limit: float) -> Float32s:
    """Replace the table by exp(table), with exponents clipped to ±limit."""
    if max(table.max(), -table.min()) > limit:
        np.clip(table, -limit, limit, out=table)
    return np.asarray(np.exp(table, out=table))


def _compute_merit(posterior: RewardPosterior, blocks: list[Float32s]) -> Float32s:
    """Return numbers in the order of the rewards, or of the sizes of negative amounts.

    The blocks are overwritten.
    """
    if posterior.kind in {"chance", "mean"}:
        return blocks[0]
    odds_against, *others = blocks
    if posterior.kind == "hurdle":
        merit = others[0]
    elif others:
        merit = _compute_mean_weight(posterior.weights, others)
    else:
        merit = np.full_like(odds_against, np.sign(posterior.weights[0]))
    odds_against += 1.0
    merit /= odds_against
    return merit


def _compute_mean_weight(
    weights: Sequence[float], stages: Sequence[Float32s]
) -> Float32s:
    """Return the mean weight of an outcome, in any unit.

    `stages` are the odds against each outcome but the last, among users who had none of
    the earlier ones; they are overwritten.
    """
    unit = max(map(abs, weights)) or 1.0
    *earlier, second_last, last = (weight / unit for weight in weights)
    value = stages[-1]
    value += 1.0
    np.divide(second_last - last, value, out=value)
    value += last
    for odds_against, weight in zip(stages[-2::-1], earlier[::-1], strict=True):
        value *= odds_against
        value += weight
        value /= np.add(odds_against, 1.0, out=odds_against)
    return value
